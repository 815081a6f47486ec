"""The law of stretches, on generated Earthfiles: what was found before of ARGs that read the same is what going through them finds."""

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.earthfile import stretches, syntax
from matrixbuild.core.earthfile.evaluate import Call, Examined, Known, examine
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.recipe import Wanted
from matrixbuild.core.earthfile.stepping import Seen
from matrixbuild.core.earthfile.visits import Visit
from matrixbuild.core.earthfile.walk import parsed
from matrixbuild.core.problems import Place
from tests.core.earthfile.evaluating import listing

HEAD = "VERSION --arg-scope-and-set --shell-out-anywhere 0.6\n"
NAMES = ("A", "B", "C", "D", "TARGETARCH")
SUFFIX = "\nmain:\n  ARG E=$A-$B\n  RUN $C $D $E\n  COPY (+other/x --A=$E) .\n  FROM --build-arg B=2 +other\nother:\n  RUN a $A $B\n  SAVE ARTIFACT x\n"

names = st.sampled_from(NAMES)
defaults = st.one_of(
    st.sampled_from(["", "=1", "=2", '="a b"', "=$HOME", "=${A:-x}", "=$(date)", "='$A'"]),
    names.map(lambda name: f"=$name/{name}"),
    names.map(lambda name: f"=${name}"),
    st.tuples(names, names).map(lambda pair: f'="${pair[0]}-${{{pair[1]}}}"'),
)
args = st.tuples(names, defaults).map(lambda pair: f"ARG {pair[0]}{pair[1]}")
others = st.one_of(
    st.tuples(names, defaults).map(lambda pair: f"LET {pair[0]}{pair[1] or '=3'}"),
    st.tuples(names, names).map(lambda pair: f'IF [ "${pair[0]}" = "1" ]\n    LET {pair[1]}=4\nEND'),
    st.tuples(names, names).map(lambda pair: f"IF [ -e ${pair[0]} ]\n    ARG {pair[1]}=4\nEND"),
    names.map(lambda name: f"ENV {name}=5"),
    names.map(lambda name: f"ARG --required {name}"),
)
programs = st.lists(st.one_of(args, args, args, others), max_size=9)
overrides = st.dictionaries(st.sampled_from(NAMES[:-1]), st.sampled_from(["1", "2", "x\\y", ""]))


class Unheard:
    """Told each step, for which each is gone through."""

    def note(self, target: Seen, statement: syntax.Statement) -> None:
        pass

    def doubt(self, target: Seen, condition: tuple[str, ...], follows: tuple[syntax.Statement, ...], place: Place) -> None:
        pass

    def come(self, source: Visit, target: Visit, kind: str, place: Place) -> None:
        pass


def found(text: str, given: dict[str, str], *, each: bool = False) -> object:
    """All that an evaluation tells, or its error; `each`: with each statement gone through."""
    checkout: dict[str, str | None] = {"Earthfile": text, ".earthignore": None, ".earthlyignore": None}
    call = Call(directory="", target="main", overrides=tuple(given.items()))
    try:
        examined = examine(call, Known(listing=listing({"Earthfile": text}), texts=checkout), Unheard() if each else None)
    except EarthfileError as error:
        return error.fault, str(error), error.hint
    assert not isinstance(examined, Wanted)
    return told(examined)


def told(examined: Examined) -> object:
    evaluation, findings, decisions = examined.evaluation, examined.findings, examined.decisions
    visits = dict.fromkeys(visit for source, target, _ in findings.edges for visit in (source, target))
    return (
        (evaluation.commands, evaluation.declared, evaluation.deciding, evaluation.used, evaluation.targets),
        (findings.defaults, list(findings.opaque), [(str(ran.visit), ran.place, ran.names) for ran in findings.ran], findings.named),
        (list(decisions.answers.items()), decisions.names, decisions.verbatim, list(decisions.composed), decisions.heard),
        [(visit.identity, list(visit.inputs.items()), [parts(visit, name) for name in visit.globals]) for visit in visits],
    )


def parts(visit: Visit, name: str) -> object:
    value = visit.globals.get(name)
    return name, value, value and value.parts, visit.globals.active(name) == value


@given(programs, st.lists(overrides, min_size=1, max_size=4))
def test_what_was_found_before_is_what_is_found(program: list[str], calls: list[dict[str, str]]) -> None:
    head = program[: len(program) // 2]
    text = "\n".join([HEAD, *head, "FROM alpine:3.20", *program[len(head) :], SUFFIX])
    for call in (*calls, *calls):
        assert found(text, call) == found(text, call, each=True)


def cut(text: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [(each.names, each.read) for each in stretches.stretches(parsed(dedent(text).lstrip(), "Earthfile")) if each.names]


def test_a_base_recipe_is_cut_where_an_arg_needs_more_than_what_it_declares() -> None:
    text = f"""
        {HEAD.strip()}
        ARG A=1
        ARG B=$A/$Z
        ARG TARGETARCH
        ARG C="$A"
        FROM alpine:3.20
        ARG D=${{C:-x}}
        ARG E=$(date)
        ARG --required F
        ARG G
        ARG G
    """
    assert cut(text) == [(("A", "B"), ("Z",)), (("C",), ("A",)), (("G",), ()), (("G",), ())]


def test_no_stretch_is_longer_than_what_many_calls_agree_in() -> None:
    names = [f"A{number}" for number in range(stretches.LONGEST + 2)]
    text = HEAD + "".join(f"ARG {name}=1\n" for name in names)
    assert cut(text) == [(tuple(names[: stretches.LONGEST]), ()), (tuple(names[stretches.LONGEST :]), ())]


@pytest.mark.parametrize(
    ("head", "line", "names"),
    [
        ("VERSION 0.8\n", "ARG --global A=1", ("A",)),
        ("VERSION 0.8\n", "ARG A=1", ()),
        ("VERSION 0.7\n", "ARG --global A=1", ()),
        ("VERSION 0.6\n", "ARG A=1", ()),
        (HEAD, "ARG --global A=1", ()),
    ],
)
def test_only_global_args_of_newer_scoping_are_in_one(head: str, line: str, names: tuple[str, ...]) -> None:
    assert cut(f"{head}{line}\n") == ([(names, ())] if names else [])


def test_the_parts_are_the_whole_recipe() -> None:
    text = f"{HEAD}LET X=1\nARG A=1\nARG B=1\nFROM alpine:3.20\nARG C=1\n"
    whole = parsed(text, "Earthfile")
    assert tuple(statement for each in stretches.stretches(whole) for statement in each.body) == whole.earthfile.base


def test_an_error_is_told_again() -> None:
    text = f"{HEAD}ARG A=1\nARG A=2\nFROM alpine:3.20\nmain:\n  RUN x\n"
    error = ("redeclared", "Earthfile:3:1: A is declared twice in the same target")
    assert [found(text, {})[:2] for _ in range(2)] == [error, error]  # type: ignore[index]
