"""Upstream versions (`v4.9.38`, `v4.10.0-rc.2`, `v4.8.a`) in their order, and whether a span has one."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matrixbuild.core.profile import Span


_TAG = re.compile(r"v?(?P<numbers>[0-9]+(?:\.[0-9]+)*)(?P<rest>.*)")
_WORD = re.compile(r"[0-9]+|[^0-9.-]+")

_Number = tuple[int, str]
_Order = tuple[tuple[_Number, ...], bool, tuple[tuple[bool, _Number], ...]]


def holds(span: Span, line: str) -> bool:
    """Whether a statement holds for an upstream version: `since` is in its span, `until` is not. It holds for a version that nobody knows."""
    if not line or _order(line) is None:
        return True
    return not (span.since and _before(line, span.since)) and not (span.until and not _before(line, span.until))


def is_version(tag: str) -> bool:
    """Whether it is told from others by its order, so that a span has it or has it not."""
    return _order(tag) is not None


def absent(span: Span, line: str) -> str:
    """In words, why an upstream version that is not in a span is not."""
    return f"it went with {span.until}" if holds(replace(span, until=""), line) else f"it came with {span.since}"


def _before(one: str, other: str) -> bool:
    left, right = _order(one), _order(other)
    return left is not None and right is not None and left < right


def _order(tag: str) -> _Order | None:
    """A pre-release (`-rc.2`) comes before its version, a patch of it (`-patch.1`) after; numbers in either compare as numbers, and zeros at the
    end of a version say nothing. None for what is no version."""
    found = _TAG.fullmatch(tag.strip())
    if not found:
        return None
    rest = found["rest"]
    parts = tuple((not word.isdecimal(), _number(word) if word.isdecimal() else (0, word)) for word in _WORD.findall(rest))
    return _numbers(found["numbers"]), not rest.startswith("-") or rest.startswith("-patch"), parts


def _numbers(text: str) -> tuple[_Number, ...]:
    numbers = [_number(part) for part in text.split(".")]
    while numbers and not numbers[-1][0]:
        numbers.pop()
    return tuple(numbers)


def _number(digits: str) -> _Number:
    """Orders digits as the number that they are; a source may have more of them than int() takes."""
    bare = digits.lstrip("0")
    return len(bare), bare
