"""The law behind sharing by answers, on generated Earthfiles: calls that answer every question alike come to what each comes to alone."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrixbuild.core.earthfile.analysis import Inspected
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.workflow.sharing import Args
from matrixbuild.workflow.targets import EarthlyReader, Read
from tests.workflow.test_sharing_laws import Texts, alone, asked

EXAMPLES = 5_000 if os.environ.get("MATRIXBUILD_SOAK") else 60
HEADS = ("VERSION --arg-scope-and-set --shell-out-anywhere 0.6", "VERSION --arg-scope-and-set 0.7", "VERSION 0.8", "VERSION 0.8")
CALLS = tuple((("A", one), ("B", other)) for one in ("1", "2", "3", "a", "ab", "LA", "") for other in ("1", "2", "ab", "stage", "x y"))

CONDITIONS = (
    '[ "$A" = "1" ]',
    '[ "$A" != "a" ] && [ "$B" = "1" ]',
    '[ "$x" = "1" ]',
    '[ "$x" == "$y" ]',
    '[[ "$y" =~ "a" ]]',
    '[ -z "$A" ] || [ "$y" = "t1" ]',
    '! [ "$x$A" = "02" ]',
    "[ $A -lt 2 ]",
    "$x",
    "[ -f /there ]",
    '[ -f /there ] && [ "$A" = 1 ]',
    '[ "$A" = 1 ] && [ -f /there ]',
    '[ "$late" = "1" ]',
)
SETS = ("SET x=$A", "SET y=t$B", "SET x=${A%b}", "SET y=${A:-$B}", "SET y=${y#t}", "SET x=$x$y", "ARG G#=$x", "ARG late=$A", "LET N#=LA$A")
FROMS = (
    "FROM r.io/x:1$A",
    "FROM --platform=linux/arm64 r.io/x:1$A",
    "FROM r.io/x:y$y",
    "FROM r.io/x$x",
    "FROM $B",
    "FROM DOCKERFILE --build-arg BASE=$B --build-arg O=$A .",
    "FROM DOCKERFILE --build-arg BASE=r.io/x$A --build-arg O=$x .",
    "FROM DOCKERFILE -f more/Dockerfile --build-arg BASE=r.io/$y .",
)
CALLED = ("BUILD +other", "BUILD +other --P=$A", "BUILD +other --P=$x", "COPY (+other/a --P=$B) /", "BUILD +other --P=2 --Q=$y", "DO +FUN --P=$A", "DO +FUN --P=$y")
PLAIN = ("COPY f1 /", "RUN true", "RUN ./f1", "RUN echo $x", "RUN run $y", "RUN run $late", "ENV x=$A")
COUNTED = ("WORKDIR /$A", "COPY f$x /", "RUN echo $A && exit 1", "RUN $y no && exit 1", "SAVE IMAGE r.io/x:t$A", "FOR i IN $A $B\n    COPY f1 /$i\nEND")


def _block(parts: tuple[str, str, str, str]) -> str:
    condition, body, other, otherwise = parts
    return f"IF {condition}\n    {body}\nELSE IF {other}\n    {otherwise}\nEND"


some = st.one_of(*[st.sampled_from(lines) for lines in (SETS, FROMS, CALLED, PLAIN, PLAIN)])
conditions = st.sampled_from(CONDITIONS)
setting = st.sampled_from(SETS)
blocks = st.one_of(
    st.tuples(conditions, some, conditions, some).map(_block), st.tuples(conditions, setting, conditions, setting).map(_block)
)
bodies = st.lists(st.one_of(some, blocks, blocks), min_size=2, max_size=6)
DOCKERFILES = (
    "ARG BASE\nFROM $BASE\nARG O\nRUN echo $O\n",
    "ARG BASE=alpine\nFROM busybox AS stage\nCOPY f1 /\nFROM ${BASE}\nCOPY --from=stage /f1 /\n",
    "ARG BASE\nARG O=$BASE\nFROM $BASE\nRUN true\n",
    "ARG BASE\nFROM $BASE\nARG BASE\nCOPY f$BASE* /\n",
)


@st.composite
def sources(draw: st.DrawFn) -> Texts:
    head = draw(st.sampled_from(HEADS))
    base = [] if draw(st.booleans()) else ["ARG LATE=$B", f"IF {draw(st.sampled_from(CONDITIONS[:2]))}", "    ARG late=1", "END"]
    last = draw(st.one_of(st.just("RUN ./f1"), st.sampled_from(COUNTED)))
    own = [*(["ARG A", "ARG B"] if "0.6" not in head else []), "LET x=0", "LET y=t", *draw(bodies), last]
    keyword = "FUNCTION" if "0.8" in head else "COMMAND"
    above = ["ARG A", "ARG B", "FROM alpine", *base]
    text = "\n".join([head, *above, "main:", *_indented(own), "other:", *_indented(["ARG P=1", "ARG Q", "ARG A", "RUN echo $P $Q"][: 2 + 2 * ("0.6" not in head)]), ""])
    text += f'    COPY f1 /\n    SAVE ARTIFACT /f1 a\nFUN:\n    {keyword}\n    ARG P\n    IF [ "$P" = 1 ]\n        COPY f1 /p/\n    END\n    RUN echo $P\n'
    for number in range(text.count("#=")):
        text = text.replace("#=", f"{number}=", 1)
    dockerfile = draw(st.sampled_from(DOCKERFILES))
    return Texts({"Earthfile": text, "Dockerfile": dockerfile, "more/Dockerfile": dockerfile, "f1": "echo $late $LATE", "f": "", "fab": ""})


def _indented(body: Sequence[str]) -> list[str]:
    return [f"    {line}" for each in body for line in each.split("\n")]


@settings(max_examples=EXAMPLES, deadline=None)
@given(source=sources(), asking=st.permutations(CALLS).map(lambda found: found[:16]))
def test_what_calls_share_is_what_each_comes_to_alone(source: Texts, asking: list[Args]) -> None:
    shared = EarthlyReader(source)
    for args in asking:
        own, found = alone(EarthlyReader, source, args), asked(shared, args)
        assert found == own, (args, source.text("Earthfile"), source.text("Dockerfile"))


def told(found: Inspected) -> object:
    """What narrowing takes of a call that was gone through (core.earthfile.narrowing.Found and stages): no text of an override is in it."""
    examined = found.examined
    visits = {examined.visit: None} | {visit: None for source, target, _ in examined.findings.edges for visit in (source, target)}
    given = [(str(visit), visit.platform, sorted((name, value.taint) for name, value in visit.given.items() if value.taint != {name})) for visit in visits]
    ran = [(str(each.visit), each.place, each.names) for each in examined.findings.ran]
    edges = [(str(source), str(target), kind) for source, target, kind in examined.findings.edges]
    envs = sorted({name for visit in visits for name in visit.envs})
    files = sorted((str(visit), paths) for visit, paths in found.read.items())
    functions = [(str(visit), function) for visit, function in examined.findings.functions]
    return given, ran, edges, envs, files, functions, found.paths, found.names, examined.evaluation.targets, examined.evaluation.texts


def looked_at(source: Texts, args: Args) -> object:
    try:
        return told(EarthlyReader(source).inspected("", "main", args))
    except EarthfileError:
        return None


@settings(max_examples=EXAMPLES, deadline=None)
@given(source=sources(), asking=st.permutations(CALLS).map(lambda found: found[:12]), besides=st.booleans())
def test_what_was_gone_through_for_one_call_is_what_is_told_of_those_like_it(source: Texts, asking: list[Args], *, besides: bool) -> None:
    shared = EarthlyReader(source)
    for args in asking:
        asked(shared, (*args, *((("UNDECLARED", "1"),) if besides else ())))
    for args in asking:
        own = looked_at(source, args)
        if own is not None:
            assert told(shared.like("", "main", args)) == own, (args, source.text("Earthfile"), source.text("Dockerfile"))


@pytest.mark.parametrize("besides", ["", "UNDECLARED"])
def test_a_call_that_was_read_is_not_gone_through_again(besides: str) -> None:
    shared = EarthlyReader(Texts({"Earthfile": f'{HEAD}    IF [ "$A" = "1" ]\n        RUN true\n    END\n'}))
    given = [(name, "0") for name in ("A", "B", besides) if name]
    asked(shared, tuple(given))
    found = shared.like("", "main", (("A", "2"), ("B", "5")))
    assert found is shared.like("", "main", (("B", "6"), ("A", "3")))
    # Another answer, another arg that is given: those are other calls.
    assert found is not shared.like("", "main", (("A", "1"), ("B", "5")))
    assert found is not shared.like("", "main", (("A", "2"),))


def test_a_call_that_was_read_after_one_of_another_order_is_not_gone_through_again() -> None:
    shared = EarthlyReader(Texts({"Earthfile": f'{HEAD}    IF [ "$A" = "1" ]\n        RUN true\n    END\n'}))
    asked(shared, (("A", "0"), ("B", "0")))
    asked(shared, (("B", "0"), ("A", "1")))
    found = shared.like("", "main", (("A", "1"), ("B", "5")))
    assert found is shared.like("", "main", (("A", "1"), ("B", "6")))
    assert found is not shared.like("", "main", (("A", "0"), ("B", "5")))


def read(shared: EarthlyReader, **args: str) -> Read:
    found = asked(shared, tuple(args.items()))
    assert isinstance(found, Read)
    return found


def together(first: Read, second: Read) -> bool:
    """Whether the two come from one evaluation."""
    return first.commands is second.commands


HEAD = "VERSION 0.8\nFROM alpine:3\nmain:\n    ARG A\n    ARG B\n"


@pytest.mark.parametrize(
    ("body", "alike", "apart"),
    [
        # a condition that both values answer alike
        ('IF [ "$A" = "1" ]\n        COPY f1 /\n    END', ("2", "3"), ("1", "2")),
        ('IF [[ "$A" =~ "nv" ]]\n        COPY f1 /\n    END', ("a", "b"), ("a", "xnv")),
        ('ARG T=tag-$A\n    IF [ "$T" = "tag-1" ]\n        COPY f1 /\n    END', ("2", "3"), ("1", "2")),
        # an image's name is made of it
        ("FROM r.io/x:$A", ("2", "3"), ("2", "2 3")),
        ("FROM r.io/x$A", ("2", ":3"), ("2", "+3")),
        ("FROM DOCKERFILE --build-arg BASE=$A .", ("r.io/x", "alpine"), ("alpine", "STAGE")),
        # two calls of a target are one, or not
        ("BUILD +other --P=$A\n    BUILD +other --P=1", ("2", "3"), ("1", "2")),
    ],
)
def test_values_that_answer_alike_share_an_evaluation(body: str, alike: tuple[str, str], apart: tuple[str, str]) -> None:
    text = f"{HEAD}    {body}\nother:\n    ARG P\n    COPY f1 /\n"
    texts = {"Earthfile": text, "Dockerfile": "ARG BASE=x\nFROM busybox AS stage\nCOPY f1 /\nFROM $BASE\n", "f1": ""}
    for values, expected in ((alike, True), (apart, False)):
        shared = EarthlyReader(Texts(texts))
        found = [asked(shared, (("A", value), ("B", "0"))) for value in values]
        assert found == [alone(EarthlyReader, Texts(texts), (("A", value), ("B", "0"))) for value in values]
        read_ones = [each for each in found if isinstance(each, Read)]
        assert (len(read_ones) == len(found) and together(*read_ones)) is expected


@pytest.mark.parametrize(
    ("body", "values"),
    [
        # a part of a value is not the value
        ('LET x=${A%b}\n    IF [ "$x" = "1" ]\n        COPY f1 /\n    END', ("1", "2", "1b")),
        ('LET x=${B#$A}\n    IF [ "$x" = "1" ]\n        COPY f1 /\n    END', ("0", "2")),
        ('LET x=${A:-1}\n    IF [ "$x" = "1" ]\n        COPY f1 /\n    END', ("2", "", "1")),
        # what looks like a command, or like an image that is there already
        ("RUN $A no && exit 1", ("true", "echo")),
        ("SAVE IMAGE --push r.io/x:$A\n    SAVE IMAGE --push r.io/x:01", ("02", "01")),
        # which of two branches is taken is not known, and what both set is the same with some values
        ("LET x=0\n    IF [ -f /there ]\n        SET x=$A\n    ELSE\n        SET x=$B\n    END\n    COPY f$x /", ("0", "1")),
        # a file that is found is not looked at
        ('IF [ "$A" = "2" ]\n        COPY f1 /\n    END\n    COPY --if-exists g$A /', ("0", "1", "3")),
    ],
)
def test_values_that_count_as_they_are_share_nothing(body: str, values: tuple[str, ...]) -> None:
    text = f'{HEAD}    IF [ "$A" = "9" ]\n        COPY f2 /\n    END\n    {body}\n'
    source = Texts({"Earthfile": text, "f1": "", "f2": "", "g1": "", "g3": ""})
    for order in itertools.permutations(values):
        shared = EarthlyReader(source)
        calls = [(("A", value), ("B", "01")) for value in order]
        assert [asked(shared, args) for args in calls] == [alone(EarthlyReader, source, args) for args in calls]


def test_base_images_are_those_of_each_call() -> None:
    text = HEAD + '    FROM r.io/x:$A\n    IF [ "$B" = "1" ]\n        FROM r.io/y:$A-$B\n    END\n'
    shared = EarthlyReader(Texts({"Earthfile": text}))
    assert read(shared, A="1", B="2").bases == ("alpine:3", "r.io/x:1")
    assert read(shared, A="2", B="3").bases == ("alpine:3", "r.io/x:2")
    assert read(shared, A="2", B="1").bases == ("alpine:3", "r.io/x:2", "r.io/y:2-1")
    assert read(shared, A="5", B="1").bases == ("alpine:3", "r.io/x:5", "r.io/y:5-1")
    assert together(read(shared, A="7", B="1"), read(shared, A="8", B="1"))


def test_two_images_that_happen_to_be_one_are_told_apart_elsewhere() -> None:
    text = HEAD + "    FROM r.io/x:$A\n    FROM r.io/x:$B\n"
    source = Texts({"Earthfile": text})
    for order in itertools.permutations([("1", "1"), ("1", "2"), ("2", "1")]):
        shared = EarthlyReader(source)
        for one, two in order:
            assert read(shared, A=one, B=two) == alone(EarthlyReader, source, (("A", one), ("B", two)))


def test_a_value_made_of_parts_that_spells_a_variables_name_is_looked_at_by_itself() -> None:
    text = HEAD + '    LET LATE=$B\n    ARG N=LA$A\n    IF [ "$A" = "1" ]\n        COPY f1 /\n    END\n    RUN run $N\n'
    source = Texts({"Earthfile": text, "f1": ""})
    shared = EarthlyReader(source)
    for value in ("x", "TE", "y", "TE"):
        assert read(shared, A=value, B="1") == alone(EarthlyReader, source, (("A", value), ("B", "1")))
    assert "B" not in read(shared, A="x", B="1").used
    assert "B" in read(shared, A="TE", B="1").used
