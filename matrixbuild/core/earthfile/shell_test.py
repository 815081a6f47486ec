"""The arguments of `test` or `[` in, its exit status out: 0 true, 1 false, 2 a usage error (which IF takes for false)."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass

from matrixbuild.core.earthfile.shell_words import Facts, NeedsShell

_STRINGS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda left, right: left == right,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
}
_NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "-eq": lambda left, right: left == right,
    "-ne": lambda left, right: left != right,
    "-lt": lambda left, right: left < right,
    "-le": lambda left, right: left <= right,
    "-gt": lambda left, right: left > right,
    "-ge": lambda left, right: left >= right,
}
_FILES = frozenset({"-nt", "-ot", "-ef"})
_BINARY = {*_STRINGS, *_NUMBERS, *_FILES}
_FILE = frozenset(f"-{letter}" for letter in "abcdefghkLOprsStuwxG") - {"-a"}


@dataclass(slots=True)
class Dialect:
    """Which shells agree on a status; empty where all do. What they disagree on goes as in busybox."""

    shells: tuple[str, ...] = ()
    bare: bool = False
    """Answer as dash does, which has neither `[[` nor `==`."""

    def only(self, *shells: str) -> None:
        self.shells = tuple(shell for shell in self.shells or shells if shell in shells)


class _Usage(Exception):  # noqa: N818
    """A usage error of test."""


def test_status(command: str, args: list[str], dialect: Dialect, facts: Facts) -> int:
    """Exit status of `command args`, where command is `test`, `[` or `[[`. Raises NeedsShell for tests of files that `facts` cannot answer."""
    if command != "test":
        if not args or args[-1] != ("]" if command == "[" else "]]"):
            return 2
        args = args[:-1]
    if command == "[[" and dialect.bare:
        return 127
    if command == "[[":
        # Others split no words there and match quoted patterns differently; dash has no [[ at all.
        dialect.only("busybox")
    try:
        return int(not _truth(args, _Operators(command == "[[", dialect, facts)))
    except _Usage:
        return 2


test_status.__test__ = False  # type: ignore[attr-defined]  # pytest collects what is called test_*


def _truth(args: list[str], operators: _Operators) -> bool:
    """POSIX's rules for few arguments come first: they make `[ "$x" = "(" ]` right."""
    if len(args) <= 1:
        return bool(args and args[0])
    if len(args) == 3 and args[1] in operators:
        return operators.apply(*args)
    if args[0] == "!" and (len(args) in (2, 3) or (len(args) == 4 and args[2] in operators)):
        return not _truth(args[1:], operators)
    if args[0] == "(" and (len(args) == 2 or (args[1] in ("-n", "-z") and len(args) in (3, 4))):
        operators.dialect.only("busybox")
        raise _Usage  # it reads these as something else
    reader = _Reader(args, operators)
    value = reader.either()
    if reader.rest:
        raise _Usage
    return value


class _Operators:
    """The binary operators of `[`, or of `[[`."""

    def __init__(self, double: bool, dialect: Dialect, facts: Facts) -> None:  # noqa: FBT001
        self.double = double
        self.dialect = dialect
        self.facts = facts

    def __contains__(self, operator: str) -> bool:
        return operator in _BINARY or (self.double and operator == "=~")

    def apply(self, left: str, operator: str, right: str) -> bool:
        if operator in _FILES:
            raise NeedsShell(f"the file test {operator}")
        if operator == "==":
            self.dialect.only("busybox", "bash")
            if self.dialect.bare:
                raise _Usage
        if operator == "=~":
            return _matches(left, right)
        if self.double and operator in ("=", "==", "!="):
            return fnmatch.fnmatchcase(left, _pattern(right)) == (operator != "!=")
        if operator in _STRINGS:
            return _STRINGS[operator](left, right)
        return _NUMBERS[operator](_number(left), _number(right))

    def unary(self, operator: str, operand: str) -> bool:
        if operator in _FILE:
            return self.facts.test(operator, operand)
        return bool(operand) == (operator == "-n")


def _pattern(text: str) -> str:
    if "\\" in text or "[" in text:
        raise NeedsShell(f"the pattern {text}")
    return text


def _matches(left: str, right: str) -> bool:
    if not re.fullmatch(r"[\w ^$.*/:,=@%-]*", right):
        raise NeedsShell(f"the regular expression {right}")
    return bool(re.search(right, left))


class _Reader:
    """The general grammar: or below and below `!` below primaries. Between [[ and ]] busybox writes them && and ||, else -a and -o."""

    def __init__(self, args: list[str], operators: _Operators) -> None:
        self.rest = list(args)
        self._operators = operators
        self._and, self._or = ("&&", "||") if operators.double else ("-a", "-o")

    def either(self) -> bool:
        value = self._both()
        while self.rest and self.rest[0] == self._or:
            self.rest.pop(0)
            value = self._both() or value
        return value

    def _both(self) -> bool:
        value = self._negated()
        while self.rest and self.rest[0] == self._and:
            self.rest.pop(0)
            value = self._negated() and value
        return value

    def _negated(self) -> bool:
        if self.rest and self.rest[0] == "!":
            self.rest.pop(0)
            return not self._negated() if self.rest else True  # a last `!` is a string
        return self._primary()

    def _primary(self) -> bool:
        if not self.rest:
            raise _Usage
        if self.rest[0] == "(":
            return self._parenthesised()
        if len(self.rest) > 2 and self.rest[1] in self._operators:
            left, operator, right = self.rest[:3]
            del self.rest[:3]
            return self._operators.apply(left, operator, right)
        first = self.rest.pop(0)
        if (first in ("-n", "-z") or first in _FILE) and self.rest:
            return self._operators.unary(first, self.rest.pop(0))
        return bool(first)

    def _parenthesised(self) -> bool:
        self.rest.pop(0)
        value = self.either()
        if not self.rest or self.rest.pop(0) != ")":
            raise _Usage
        return value


def _number(text: str) -> int:
    if not re.fullmatch(r"\s*[-+]?[0-9]+\s*", text):
        raise _Usage
    return int(text)
