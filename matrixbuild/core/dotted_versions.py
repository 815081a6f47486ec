"""Dotted numbers (`22.04`, `9`, `v0.5.1`) and ranges of them -> their parts, and which of them a range means.

Two texts are one version only where they are the same text (22.4 is another than 22.04); order goes by the numbers.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator

Numbers = tuple[int, ...]
Test = Callable[[str], bool]

_NUMBER = re.compile(r"v?[0-9]+(?:\.[0-9]+)*")
_BOUND = r"v?(?:[0-9]+|[xX*])(?:\.(?:[0-9]+|[xX*]))*"
_HYPHEN = re.compile(rf"({_BOUND})\s+-\s+({_BOUND})")
_COMPARED = re.compile(rf"(<=|>=|<|>|=)?\s*({_BOUND})(?:\s+|$)")
_COMPARE: dict[str, Callable[[Numbers, Numbers], bool]] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def numbers(text: str) -> Numbers | None:
    """The parts of a dotted number; None where the text is none."""
    if not _NUMBER.fullmatch(text):
        return None
    return tuple(int(part) for part in text.removeprefix("v").split("."))


def parse(text: str) -> Test:
    """The test that a range of dotted numbers is, for texts that are dotted numbers. ValueError with one clause that names the text."""
    alternatives = [tuple(_tests(text, alternative.strip())) for alternative in text.split("||")]
    return lambda version: any(all(test(version) for test in tests) for tests in alternatives)


def _tests(text: str, alternative: str) -> Iterator[Test]:
    if hyphen := _HYPHEN.fullmatch(alternative):
        yield _bounded(">=", hyphen[1])
        yield _bounded("<=", hyphen[2])
        return
    position = 0
    while position < len(alternative):
        compared = _COMPARED.match(alternative, position)
        if not compared:
            raise ValueError(f"{text!r} is no range of versions: {alternative[position:]!r} is no dotted number with or without <, <=, >, >= or =")
        yield _compared(compared[1] or "=", compared[2])
        position = compared.end()


def _compared(comparison: str, bound: str) -> Test:
    if comparison != "=":
        return _bounded(comparison, bound)
    known = _known(bound)
    if len(known) == bound.count(".") + 1:
        return lambda version: version == bound
    return lambda version: (numbers(version) or ())[: len(known)] == known


def _bounded(comparison: str, bound: str) -> Test:
    compare, known = _COMPARE[comparison], _known(bound)
    return lambda version: compare(_cut(version, len(known)), known)


def _known(bound: str) -> Numbers:
    """The numbers before the first x."""
    parts = bound.removeprefix("v").split(".")
    first = next((index for index, part in enumerate(parts) if not part.isdigit()), len(parts))
    return tuple(int(part) for part in parts[:first])


def _cut(version: str, length: int) -> Numbers:
    """As many parts of a version as its bound has: 24.04 is not greater than 24, and 9 is 9.0."""
    parts = numbers(version) or ()
    return (*parts, *(0 for _ in range(length - len(parts))))[:length]
