"""A parsed Earthfile -> its recipes as steps in the order they are written, each with the blocks it stands in: what rules look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Protocol

from matrixbuild.core.earthfile import syntax
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.features import Features
from matrixbuild.core.earthfile.flags import FLAGS, Flags, read_flags
from matrixbuild.core.listing import Listing
from matrixbuild.core.problems import Place

SHELL = frozenset({"RUN", "IF", "ELSE IF", "FOR"})
"""The steps whose words a shell in the image reads."""

DECLARING = frozenset({"ARG", "LET"})


class Checkout(Protocol):
    """The files around an Earthfile."""

    @property
    def listing(self) -> Listing:
        """All of them; paths are relative to the checkout's root."""

    def text(self, path: str) -> str | None:
        """What is in one of them; None for what is not there, and for what is too large to be a script."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """One command, or the line that opens a block (IF, ELSE IF, FOR, WAIT, TRY; WITH DOCKER is DOCKER).

    `blocks` are the blocks around it, outermost first, each way of an IF by itself; `loops` those of them that are FORs.
    """

    name: str
    args: tuple[str, ...]
    place: Place
    blocks: tuple[int, ...] = ()
    loops: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        return " ".join(self.args)

    @property
    def flags(self) -> Flags:
        """Its flags and words; without flags where it has a wrong one, which whoever builds from it tells."""
        command = "IF" if self.name == "ELSE IF" else self.name
        try:
            return read_flags(command, self.args, place=self.place)
        except (EarthfileError, KeyError):
            return Flags(command=command if command in FLAGS else "LET", given=(), words=self.args)

    @property
    def declared(self) -> str:
        """The name that an ARG, LET or FOR declares; "" for anything else."""
        words = self.flags.words if self.name in DECLARING or self.name == "FOR" else ()
        return words[0] if words else ""

    @property
    def value(self) -> str | None:
        """What stands behind the `=` of an ARG, LET, SET or ENV, as written; None where nothing does."""
        words = self.flags.words if self.name in DECLARING else self.args
        return words[2] if len(words) > 2 and words[1] == "=" else None

    def always_before(self, other: Step) -> bool:
        """Whether who comes to `other`, a later step, has come by here."""
        return other.blocks[: len(self.blocks)] == self.blocks


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """The base recipe (whose name is empty), an Earthly target or a function."""

    name: str
    steps: tuple[Step, ...]

    @property
    def is_function(self) -> bool:
        return self.name[:1].isupper()

    def __str__(self) -> str:
        return f"+{self.name}" if self.name else "the commands above the targets"

    def of(self, *names: str) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.name in names)

    def before(self, step: Step) -> tuple[Step, ...]:
        return self.steps[: self._at[step]]

    def after(self, step: Step) -> tuple[Step, ...]:
        return self.steps[self._at[step] + 1 :]

    @cached_property
    def _at(self) -> Mapping[Step, int]:
        return {step: at for at, step in enumerate(self.steps)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Sheet:
    """One Earthfile under examination; `directory` is where it stands in the checkout, "" for its root."""

    directory: str
    features: Features
    base: Part
    parts: tuple[Part, ...]
    checkout: Checkout
    _named: dict[str, Part] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._named.update((part.name, part) for part in reversed(self.parts))

    def part(self, name: str) -> Part | None:
        return self._named.get(name)

    @property
    def everything(self) -> tuple[Part, ...]:
        return (self.base, *self.parts)

    @cached_property
    def global_args(self) -> Mapping[str, Step]:
        """The first declaration of each ARG that every recipe sees."""
        found: dict[str, Step] = {}
        for step in self.base.of("ARG"):
            if not self.features.explicit_global or step.flags.on("global"):
                found.setdefault(step.declared, step)
        return found


def sheet_of(earthfile: syntax.Earthfile, *, directory: str, features: Features, checkout: Checkout) -> Sheet:
    """Raises nothing."""
    parts = tuple(_part(recipe.name, recipe.body) for recipe in (*earthfile.targets, *earthfile.functions))
    return Sheet(directory=directory, features=features, base=_part("", earthfile.base), parts=parts, checkout=checkout)


def _part(name: str, body: tuple[syntax.Statement, ...]) -> Part:
    return Part(name=name, steps=tuple(_Steps().of(body, (), ())))


class _Steps:
    def __init__(self) -> None:
        self._numbers = count()

    def of(self, body: tuple[syntax.Statement, ...], blocks: tuple[int, ...], loops: tuple[int, ...]) -> Iterator[Step]:
        for statement in body:
            match statement:
                case syntax.Command():
                    yield Step(name=statement.name, args=statement.args, place=statement.place, blocks=blocks, loops=loops)
                case syntax.If():
                    yield from self._if(statement, blocks, loops)
                case syntax.For():
                    number = next(self._numbers)
                    yield Step(name="FOR", args=statement.args, place=statement.place, blocks=blocks, loops=(*loops, number))
                    yield from self.of(statement.body, (*blocks, number), (*loops, number))
                case syntax.Wait():
                    yield from self.of(statement.body, blocks, loops)
                case syntax.With():
                    command = statement.command
                    yield Step(name=command.name, args=command.args, place=command.place, blocks=blocks, loops=loops)
                    yield from self.of(statement.body, blocks, loops)
                case syntax.Try():
                    for part in (statement.body, statement.caught or (), statement.finally_ or ()):
                        yield from self.of(part, (*blocks, next(self._numbers)), loops)

    def _if(self, node: syntax.If, blocks: tuple[int, ...], loops: tuple[int, ...]) -> Iterator[Step]:
        yield Step(name="IF", args=node.expression, place=node.place, blocks=blocks, loops=loops)
        yield from self.of(node.body, (*blocks, next(self._numbers)), loops)
        for each in node.else_ifs:
            yield Step(name="ELSE IF", args=each.expression, place=each.place, blocks=blocks, loops=loops)
            yield from self.of(each.body, (*blocks, next(self._numbers)), loops)
        yield from self.of(node.otherwise or (), (*blocks, next(self._numbers)), loops)
