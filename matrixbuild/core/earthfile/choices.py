"""An IF of an Earthfile -> its arms one behind the other, and the variables that it sets where it does nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from matrixbuild.core.earthfile import syntax
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.flags import Flags, read_flags
from matrixbuild.core.earthfile.syntax import Command, If
from matrixbuild.core.problems import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """`IF` or `ELSE IF` with its block; `listed`: the condition was a JSON list, which runs without a shell."""

    keyword: str
    expression: tuple[str, ...]
    listed: bool
    body: tuple[syntax.Statement, ...]
    place: Place

    def flags(self) -> Flags:
        """Raises EarthfileError (INVALID_ARG), also where there is no condition."""
        flags = read_flags("IF", self.expression, place=self.place)
        if not flags.words:
            raise EarthfileError(Fault.INVALID_ARG, f"{self.keyword} has no condition", place=self.place, hint='write IF [ "$NAME" = "value" ]')
        return flags


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`sets`: the variables that any branch sets, where all of them do nothing else, sorted; None where one does."""

    arms: tuple[Arm, ...]
    otherwise: tuple[syntax.Statement, ...]
    sets: tuple[str, ...] | None
    written: tuple[str, ...]
    """Where they do: all of it as it stands in the list of commands, whichever branch is taken."""


def written(name: str, args: tuple[str, ...], *, listed: bool) -> str:
    """A command in the list of commands; `listed`: its words were a JSON list, which runs without a shell."""
    return f"{name} {json.dumps(args)}" if listed else " ".join((name, *args))


def choices(bodies: tuple[tuple[syntax.Statement, ...], ...]) -> Mapping[int, Choice]:
    """Every IF in some blocks and in the blocks in them, by its identity: for whoever holds the blocks."""
    return {id(statement): _choice(statement) for body in bodies for statement in _ifs(body)}


def _ifs(body: tuple[syntax.Statement, ...]) -> Iterator[If]:
    for statement in body:
        if isinstance(statement, If):
            yield statement
        for block in syntax.blocks(statement):
            yield from _ifs(block)


def _choice(statement: If) -> Choice:
    only_sets = _only_sets(statement)
    return Choice(
        arms=tuple(_arms(statement)),
        otherwise=statement.otherwise or (),
        sets=tuple(sorted(set(_names(statement)))) if only_sets else None,
        written=tuple(_lines(statement)) if only_sets else (),
    )


def _lines(statement: syntax.Statement) -> Iterator[str]:
    if isinstance(statement, Command):
        yield written(statement.name, statement.args, listed=statement.exec_mode)
    elif isinstance(statement, If):
        arms = ((statement.expression, statement.body), *((each.expression, each.body) for each in statement.else_ifs))
        for expression, body in (*arms, ((), statement.otherwise or ())):
            yield written("IF" if expression else "ELSE", expression, listed=False)
            for each in body:
                yield from _lines(each)
        yield written("END", (), listed=False)


def _arms(statement: If) -> Iterator[Arm]:
    yield Arm(keyword="IF", expression=statement.expression, listed=statement.exec_mode, body=statement.body, place=statement.place)
    for each in statement.else_ifs:
        yield Arm(keyword="ELSE IF", expression=each.expression, listed=each.exec_mode, body=each.body, place=each.place)


def _only_sets(statement: If) -> bool:
    heads: tuple[If | syntax.ElseIf, ...] = (statement, *statement.else_ifs)
    plain = not any(each.exec_mode or not each.expression or each.expression[0].startswith("--") for each in heads)
    return plain and all(_sets(each) for body in syntax.blocks(statement) for each in body)


def _sets(statement: syntax.Statement) -> bool:
    if isinstance(statement, If):
        return _only_sets(statement)
    return isinstance(statement, Command) and statement.name in ("ARG", "LET", "SET") and "$(" not in " ".join(statement.args)


def _names(statement: syntax.Statement) -> Iterator[str]:
    if isinstance(statement, If):
        for body in syntax.blocks(statement):
            for each in body:
                yield from _names(each)
    elif isinstance(statement, Command):
        yield next((word for word in statement.args if not word.startswith("--")), "")
