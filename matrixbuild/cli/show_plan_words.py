"""Parts of a plan in a few words: reasons, counts, products of axis values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from matrixbuild.core.boxes import Box
from matrixbuild.core.changes import Change, Reason, Why
from matrixbuild.core.names import short

WIDTH = 140
"""Columns that a line of many values should keep to."""

_SHOWN = 8
"""So many values, or changes of a build, are named; the others are counted."""

_WORDS = {
    Why.NEW: "new",
    Why.EXPIRED: "too old",
    Why.FORCED: "asked for",
    Why.MISSING: "no longer in the registry",
    Why.ADOPTED: "in the registry already",
    Why.UNCHANGED: "unchanged",
    Why.GONE: "no longer in the manifest; tags are kept",
}
_HOW = {"added": "+", "removed": "-", "modified": ""}


def reason_text(reason: Reason) -> str:
    """One reason in words: `args VERSION, files overlay/motd`."""
    match reason.why:
        case Why.CHANGED:
            return _changes(reason.changes)
        case Why.NEED_CHANGED:
            return f"needs {reason.build}"
        case Why.BASE_MOVED:
            return f"base image {reason.ref} moved: {short(reason.old)} -> {short(reason.new)}"
        case Why.MISSING_ARTIFACT:
            return f"not on this machine: {', '.join(change.name for change in reason.changes)}"
        case _:
            return _WORDS[reason.why]


def reasons_text(reasons: Iterable[Reason]) -> str:
    return "; ".join(reason_text(reason) for reason in reasons)


def kinds_text(reasons: Iterable[Reason]) -> str:
    """The same for many builds together: needs and artifacts without the values that tell builds apart."""
    return "; ".join(dict.fromkeys(_kind(reason) for reason in reasons))


def box_text(box: Box, *, room: int = WIDTH) -> str:
    """`fips false x os {ubuntu-22.04, ubuntu-24.04}`: where there is no room for all values, of the longest lists some are counted."""
    shown = [min(len(values), _SHOWN) for _, values in box]
    sides = [_side(values, most) for (_, values), most in zip(box, shown, strict=True)]
    while sum(len(axis) + len(side) + 4 for (axis, _), side in zip(box, sides, strict=True)) > room:
        shrinkable = [position for position, (_, values) in enumerate(box) if len(values) > 2 and shown[position] > 1]  # not `{false and 1 more}`
        if not shrinkable:
            break
        longest = max(shrinkable, key=lambda position: len(sides[position]))
        shown[longest] -= 1
        sides[longest] = _side(box[longest][1], shown[longest])
    return " x ".join(f"{axis} {side}" for (axis, _), side in zip(box, sides, strict=True))


def some(values: Sequence[str], most: int = _SHOWN) -> str:
    more = len(values) - most
    return f"{', '.join(values[:most])} and {more:,} more" if more > 0 else ", ".join(values)


def fitting(values: Sequence[str], room: int) -> str:
    """As many of them as there is room for, at least one."""
    return next((text for most in range(_SHOWN, 1, -1) if len(text := some(values, most)) <= room), some(values, 1))


def printable(text: str) -> str:
    """A text in one line that steers no terminal, whatever is in it."""
    return text if text.isprintable() else "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "backslashreplace").decode()


def _kind(reason: Reason) -> str:
    if reason.why is Why.NEED_CHANGED:
        return f"needs {reason.build.partition('[')[0]}"
    return "not on this machine" if reason.why is Why.MISSING_ARTIFACT else reason_text(reason)


def _side(values: Sequence[str], most: int) -> str:
    if len(values) == 1:
        return values[0]
    more = len(values) - most
    return f"{{{', '.join(values[:most])}{f' and {more} more' if more > 0 else ''}}}"


def _changes(changes: Sequence[Change]) -> str:
    fields: defaultdict[str, list[str]] = defaultdict(list)
    for change in changes:
        fields[change.field] += [f"{_HOW[change.how]}{change.name}"] if change.name else []
    return ", ".join(f"{name} {some(found)}" if found else name for name, found in sorted(fields.items()))
