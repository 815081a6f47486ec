"""The law that reuse rests on, on generated Earthfiles: what the analysis calls unaffected is so, whichever way unknown conditions turn out.

The analysis sees conditions about files, loops over what a shell prints, and RUN. What such a build would really do is evaluated in full:
each condition replaced by an answer, each loop by its items, each RUN by a LABEL that keeps what it reads in the history.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrixbuild.core.earthfile.recipe import Copied, Evaluation, FromContext
from tests.core.earthfile.analysing import analysed
from tests.core.earthfile.evaluating import copies, evaluated

EXAMPLES = 20_000 if os.environ.get("MATRIXBUILD_SOAK") else 120
ARGS = ("A", "B", "C")
VARIABLES = (*ARGS, "x", "y", "z", "late")
FILES = {f"f{number}": "" for number in range(6)}
Statement = tuple[object, ...]

variables = st.sampled_from(VARIABLES)
values = st.one_of(st.sampled_from(["0", "1"]), variables.map(lambda name: f"${name}"))
simple = st.one_of(
    st.tuples(st.just("SET"), st.sampled_from(["x", "y", "z"]), values),
    st.tuples(st.just("RUN"), variables, variables),
    st.tuples(st.just("COPY"), st.sampled_from(sorted(FILES))),
    st.tuples(st.just("ENV"), values),
    st.tuples(st.just("DO"), values),
    st.tuples(st.just("NAME"), values),
)


def blocks(inner: st.SearchStrategy[list[Statement]]) -> st.SearchStrategy[list[Statement]]:
    condition = st.one_of(st.just(None), st.tuples(variables, st.sampled_from(["=", "!="])))
    sets = st.lists(st.tuples(st.just("SET"), st.sampled_from(["x", "y", "z"]), values), min_size=1, max_size=2)
    branch = st.one_of(inner, sets)
    block = st.one_of(
        st.tuples(st.just("IF"), condition, branch, branch),
        st.tuples(st.just("FOR"), inner),
        st.tuples(st.just("LATE"), condition, values),
    )
    return st.lists(st.one_of(simple, block), max_size=5)


programs = st.recursive(st.lists(simple, max_size=4), blocks, max_leaves=20)
HEAD = "VERSION 0.8\nFROM alpine\nmain:\n  ARG A=0\n  ARG B=0\n  ARG C=0\n  LET x=0\n  LET y=0\n  LET z=0\n"
FUNCTION = "F:\n  FUNCTION\n  ARG P\n  {}\n"


class Rendered:
    """An Earthfile of a program; with `answers` as a build would find it, else as it is written."""

    def __init__(self, program: list[Statement], answers: Iterator[int] | None) -> None:
        self._answers = answers
        self._number = 0
        self._late = False
        function = 'IF [ "$P" = 1 ]\n    COPY f5 /\n  END'
        self.text = HEAD + "".join(self._lines(program, "  ")) + FUNCTION.format(function)

    def _lines(self, program: list[Statement], indent: str) -> Iterator[str]:
        for statement in program:
            for line in self._statement(statement):
                yield f"{indent}{line}\n" if not line.endswith("\n") else line.replace("\t", indent)

    def _statement(self, statement: Statement) -> Iterator[str]:
        self._number += 1
        number = self._number
        match statement:
            case ("SET", name, value):
                yield f"SET {name}={value}"
            case ("RUN", one, two):
                yield f"RUN use{number} ${one} ${two}" if self._answers is None else f'LABEL run{number}="${one} ${two}"'
            case ("COPY", name):
                yield f"COPY {name} /{number}"
            case ("ENV", value):
                yield f"ENV E{number}={value}"
            case ("DO", value):
                yield f"DO +F --P={value}"
            case ("NAME", value):
                yield f"SAVE IMAGE r.example.com/x{number}:{value}"
            case _:
                yield from self._block(statement, number)

    def _block(self, statement: Statement, number: int) -> Iterator[str]:
        match statement:
            case ("IF", condition, list(body), list(other)):
                yield self._if(condition)
                yield from (f"\t{line}" for line in self._lines(body or [("ENV", "0")], "  "))
                yield "ELSE"
                yield from (f"\t{line}" for line in self._lines(other or [("ENV", "1")], "  "))
                yield "END"
            case ("FOR", list(body)):
                yield f"FOR i{number} IN $(ls)" if self._answers is None else f'FOR i{number} IN "" {" ".join("ab"[: next(self._answers) % 3])}'
                yield from (f"\t{line}" for line in self._lines(body or [("ENV", "2")], "  "))
                yield "END"
            case ("LATE", condition, value):
                if not self._late:
                    self._late = True
                    yield self._if(condition)
                    yield f"  LET late={value if value != '$late' else 0}"
                    yield "END"

    def _if(self, condition: object) -> str:
        if isinstance(condition, tuple):
            return f'IF [ "${condition[0]}" {condition[1]} 1 ]'
        return "IF [ -f /x ]" if self._answers is None else f"IF {('true', 'false')[next(self._answers) % 2]}"


def _contexts(found: Evaluation) -> list[Copied]:
    return copies(found.image.tree)


@settings(max_examples=EXAMPLES, deadline=None)
@given(program=programs, answers=st.lists(st.integers(0, 5), min_size=1, max_size=8), name=st.sampled_from(ARGS), other=st.sampled_from(ARGS), last=variables)
def test_what_is_called_unaffected_is_so(program: list[Statement], answers: list[int], name: str, other: str, last: str) -> None:
    program = [*program, ("RUN", last, last)]  # so that something hangs on what was set before
    written = Rendered(program, None).text
    if "FOR" in written and "LET late" in written.partition("FOR")[2]:
        return  # a LET in a loop is an error at its second round
    real = Rendered(program, _again(answers)).text
    before, after = {other: "1"}, {other: "1", name: "1" if name != other else "0"}
    tellings = [analysed(written, args=args, files=FILES) for args in (before, after)]
    done = [evaluated(real, args=args, files=FILES) for args in (before, after)]
    for telling, made in zip(tellings, done, strict=True):
        read = {source.pattern for copied in _contexts(made) for source in copied.sources if isinstance(source, FromContext)}
        assert read <= set(telling.files), written
    if name not in tellings[0].used_names | tellings[1].used_names:
        assert _shown(done[0]) == _shown(done[1]), f"{written}\n{real}"
        assert (tellings[0].commands, tellings[0].files) == (tellings[1].commands, tellings[1].files), written


def _shown(found: Evaluation) -> object:
    return found.image.config.env, found.image.config.history


def _again(answers: list[int]) -> Iterator[int]:
    while True:
        yield from answers


@pytest.mark.parametrize("answer", [0, 1])
def test_the_two_renderings_are_of_one_program(answer: int) -> None:
    program: list[Statement] = [("IF", None, [("COPY", "f1")], [("FOR", [("RUN", "A", "x")])])]
    assert "  IF [ -f /x ]\n    COPY f1 /2\n  ELSE\n    FOR i3 IN $(ls)\n      RUN use4 $A $x\n    END\n  END\n" in Rendered(program, None).text
    assert f"  IF {('true', 'false')[answer]}\n    COPY f1 /2\n  ELSE\n" in Rendered(program, iter([answer, 1])).text
