"""The nodes of a parsed Earthfile: every command of the grammar, whether or not an engine executes it.

The shape of a command's `args` is the one that Earthly's own parser gives (`earthly debug ast`): words with their quotes
kept, `ENV`, `ARG`, `LABEL`, `LET` and `SET` split into name, `=` and value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from matrixbuild.core.problems import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """`VERSION [--flag ...] 0.8`; `args` are its words as written."""

    args: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command line, such as `COPY --dir a b ./`; `exec_mode` where the arguments were a JSON list (CMD ["x"])."""

    name: str
    args: tuple[str, ...]
    exec_mode: bool = False
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ElseIf:
    """`ELSE IF expression` with its block."""

    expression: tuple[str, ...]
    exec_mode: bool = False
    body: tuple[Statement, ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class If:
    """`IF expression ... ELSE IF ... ELSE ... END`; `otherwise` is None where there is no ELSE."""

    expression: tuple[str, ...]
    exec_mode: bool = False
    body: tuple[Statement, ...]
    else_ifs: tuple[ElseIf, ...] = ()
    otherwise: tuple[Statement, ...] | None = None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class For:
    """`FOR [--sep=x] name IN expression ... END`; `args` are the words after FOR as written."""

    args: tuple[str, ...]
    body: tuple[Statement, ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """`WAIT ... END`."""

    args: tuple[str, ...]
    body: tuple[Statement, ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """`TRY ... CATCH ... FINALLY ... END`; a missing part is None."""

    body: tuple[Statement, ...]
    caught: tuple[Statement, ...] | None = None
    finally_: tuple[Statement, ...] | None = None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class With:
    """`WITH DOCKER flags ... END`; `command` is the DOCKER command with its flags."""

    command: Command
    body: tuple[Statement, ...]
    place: Place


Statement = Command | If | For | Wait | Try | With


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A named recipe: an Earthly target (lower-case name) or a function (upper-case name), with its doc comment."""

    name: str
    body: tuple[Statement, ...]
    docs: str = ""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Earthfile:
    """A whole Earthfile. `version` is None where there is none (an error only for whoever evaluates it)."""

    file: str
    version: Version | None
    base: tuple[Statement, ...]
    targets: tuple[Recipe, ...]
    functions: tuple[Recipe, ...]


def names(body: tuple[Statement, ...]) -> Iterator[str]:
    """The names that ARG, LET and FOR declare in a block and in the blocks in it."""
    for statement in body:
        match statement:
            case Command() if statement.name in ("ARG", "LET"):
                yield next((word for word in statement.args if not word.startswith("--")), "")
            case If():
                for block in blocks(statement):
                    yield from names(block)
            case For():
                yield next((word for word in statement.args if not word.startswith("--")), "")
                yield from names(statement.body)
            case Wait() | With():
                yield from names(statement.body)


def blocks(statement: Statement) -> tuple[tuple[Statement, ...], ...]:
    """The blocks of a statement, in order; a command has none."""
    match statement:
        case If():
            return (statement.body, *(each.body for each in statement.else_ifs), statement.otherwise or ())
        case For() | Wait() | With():
            return (statement.body,)
        case Try():
            return statement.body, statement.caught or (), statement.finally_ or ()
        case _:
            return ()


def commands(node: object) -> Iterator[Command]:
    """The commands in a block and in the blocks in it, in order; the DOCKER of a WITH is one."""
    if isinstance(node, Command):
        yield node
    elif isinstance(node, tuple):
        for item in node:
            yield from commands(item)
    elif node is not None:
        for part in ("command", "body", "else_ifs", "otherwise", "caught", "finally_"):
            yield from commands(getattr(node, part, None))


def builds_others(recipe: Recipe) -> bool:
    """Whether an Earthly target is there for what it BUILDs alone: it saves no image of its own, and has what it begins with."""
    found = {command.name for command in commands(recipe.body)}
    return "BUILD" in found and found.isdisjoint({"SAVE IMAGE", "DO"})
