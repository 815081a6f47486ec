"""The recipe of an Earthly target that builds another for one version after the other -> these versions, for each value of a deciding ARG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from matrixbuild.core.earthfile import syntax
from matrixbuild.core.earthfile.call_args import flag_args
from matrixbuild.core.earthfile.conditions import NeedsShell, ShellSyntax, UnknownVariable, condition
from matrixbuild.core.earthfile.expansion import ShellOut, WordError, expand
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.flags import parse_flags, read_flags
from matrixbuild.core.earthfile.shell_words import Word, tokens
from matrixbuild.core.earthfile.values import Value, unknown_value
from matrixbuild.core.problems import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A version that a BUILD names, and where."""

    version: str
    place: Place


def listed_versions(earthfile: syntax.Earthfile, target: str, version: str, known: Mapping[str, str]) -> tuple[Listed, ...]:
    """The values that the BUILD commands of +target give the ARG called `version`, in the order of the file; none where there is no such target.

    `known` are values of ARGs; the version counts as empty, since a version that is given is built instead of the list. Where a condition
    hangs on anything else, both branches count. Raises EarthfileError (UNKNOWN_VALUE) for a value that only a build knows.
    """
    body = next((recipe.body for recipe in earthfile.targets if recipe.name == target), ())
    return tuple(_listed(body, version, {**known, version: ""}))


def _listed(body: tuple[syntax.Statement, ...], version: str, known: Mapping[str, str]) -> Iterator[Listed]:
    for statement in body:
        match statement:
            case syntax.Command() if statement.name == "BUILD":
                yield from _built(statement, version, known)
            case syntax.If():
                for branch in _branches(statement, known):
                    yield from _listed(branch, version, known)
            case syntax.For() | syntax.Wait() | syntax.Try() | syntax.With():
                yield from _listed(statement.body, version, known)


def _built(command: syntax.Command, version: str, known: Mapping[str, str]) -> Iterator[Listed]:
    args = [Value(text=word) for word in parse_flags(command).words[1:]]
    for name, value in flag_args(args, command.place):
        if name == version:
            yield Listed(version=_expanded(value.text, command.place, known), place=command.place)


def _expanded(word: str, place: Place, known: Mapping[str, str]) -> str:
    try:
        value = expand(word, lambda name: _value(name, known))
        unknown = value.unknown
    except ShellOut as asked:
        unknown = asked.command
    except WordError as error:
        raise EarthfileError(Fault.SYNTAX, str(error), place=place, hint="mend the quotes") from None
    if unknown:
        hint = "name the versions in the manifest: this list is known only while it builds"
        raise EarthfileError(Fault.UNKNOWN_VALUE, f"the version {word} is not known before the build", place=place, hint=hint)
    return value.text


def _value(name: str, known: Mapping[str, str]) -> Value:
    return Value(text=known[name]) if name in known else unknown_value(name)


def _branches(statement: syntax.If, known: Mapping[str, str]) -> Iterator[tuple[syntax.Statement, ...]]:
    """The blocks that may be gone through."""
    for expression, body in ((statement.expression, statement.body), *((each.expression, each.body) for each in statement.else_ifs)):
        holds = _holds(expression, statement.place, known)
        if holds is not False:
            yield body
        if holds:
            return
    yield statement.otherwise or ()


def _holds(expression: tuple[str, ...], place: Place, known: Mapping[str, str]) -> bool | None:
    """Whether the condition holds; None where that is not known."""
    text = " ".join(read_flags("IF", expression, place=place).words)
    try:
        return condition(text, lambda name: _value(name, known)).status == 0
    except (NeedsShell, UnknownVariable, ShellSyntax):
        return None


def compared_with(earthfile: syntax.Earthfile, name: str) -> tuple[str, ...]:
    """The words that the conditions of an Earthfile compare $name with, in the order of the file: what it knows of that ARG's values."""
    bodies = (earthfile.base, *(recipe.body for recipe in (*earthfile.targets, *earthfile.functions)))
    return tuple(dict.fromkeys(word for body in bodies for expression in _expressions(body) for word in _compared(" ".join(expression), name)))


def _expressions(body: tuple[syntax.Statement, ...]) -> Iterator[tuple[str, ...]]:
    for statement in body:
        match statement:
            case syntax.If():
                for expression, block in ((statement.expression, statement.body), *((each.expression, each.body) for each in statement.else_ifs)):
                    yield expression
                    yield from _expressions(block)
                yield from _expressions(statement.otherwise or ())
            case syntax.For() | syntax.Wait() | syntax.Try() | syntax.With():
                yield from _expressions(statement.body)


def _compared(text: str, name: str) -> Iterator[str]:
    try:
        words = [token.text.strip("\"'") for token in tokens(text) if isinstance(token, Word)]
    except (NeedsShell, ShellSyntax):
        return
    for left, sign, right in zip(words, words[1:], words[2:], strict=False):
        if left in (f"${name}", f"${{{name}}}") and sign in ("=", "==") and right and "$" not in right:
            yield right
