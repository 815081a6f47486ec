"""Checked reads of a parsed JSON document: a value of the expected type, or an error that names the path to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Set
from typing import TypeVar, cast

from matrixbuild.core.problems import did_you_mean

T = TypeVar("T")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


class DocumentError(ValueError):
    """What is wrong with a document; `path` are the keys that lead there. Each level that reads a part puts its own key in front."""

    def __init__(self, summary: str, *path: str) -> None:
        self.summary = summary
        self.path = path
        super().__init__(f"{summary} in {self.where!r}" if path else summary)

    @property
    def where(self) -> str:
        """The path as one text: `builds[installer[os=ubuntu-22.04]].image.size`."""
        return "".join(f".{key}" if _FIELD.fullmatch(key) else f"[{key}]" for key in self.path).removeprefix(".")

    def below(self, key: str) -> DocumentError:
        return DocumentError(self.summary, key, *self.path)


def is_a(value: object, kind: type[T]) -> T:
    """`value` itself where its type is exactly `kind` (a bool is no int)."""
    if type(value) is not kind:
        raise DocumentError(f"Unexpected type {type(value).__name__} (expected {kind.__name__})")
    return value


def text(value: object) -> str:
    return is_a(value, str)


def flag(value: object) -> bool:
    return is_a(value, bool)


def matching(pattern: re.Pattern[str], what: str) -> Callable[[object], str]:
    """A reader of texts of one form: `what` says it for people."""
    fits = pattern.fullmatch

    def read(value: object) -> str:
        if type(value) is str and fits(value):
            return value
        raise DocumentError(f"Unexpected value {is_a(value, str)!r} (expected {what})")

    return read


def size(value: object) -> int:
    """A count of bytes: an int of at least 0."""
    found = is_a(value, int)
    if found < 0:
        raise DocumentError(f"Unexpected value {found} (expected at least 0)")
    return found


def field(document: Mapping[str, object], key: str, read: Callable[[object], T]) -> T:
    """A field that must be there."""
    if key not in document:
        raise DocumentError("Missing required field", key)
    try:
        return read(document[key])
    except DocumentError as error:
        raise error.below(key) from error


def optional(document: Mapping[str, object], key: str, read: Callable[[object], T], default: T) -> T:
    return field(document, key, read) if key in document else default


def mapping(value: object, known: Set[str]) -> Mapping[str, object]:
    """A JSON object without fields beyond the known ones: dropping one silently would lose it at the next write."""
    found = cast("Mapping[str, object]", is_a(value, dict))
    if not found.keys() <= known:
        key = min(found.keys() - known)
        near = did_you_mean(key, known)
        raise DocumentError(f"Unknown field{f' ({near})' if near else ''}", key)
    return found


def entries(value: object, read: Callable[[object], T]) -> tuple[tuple[str, T], ...]:
    """A JSON object with free keys, as (key, value) sorted by key."""
    found = cast("Mapping[str, object]", is_a(value, dict))
    return tuple([(key, field(found, key, read)) for key in sorted(found)]) if found else ()


def texts(value: object) -> tuple[tuple[str, str], ...]:
    """A JSON object of texts under free keys, as (key, text) sorted by key. Most of a lock is such, so they are checked together."""
    found = cast("Mapping[str, str]", is_a(value, dict))
    if not found:
        return ()
    return tuple(sorted(found.items())) if set(map(type, found.values())) == {str} else entries(value, text)


def listed(value: object, read: Callable[[object], T]) -> tuple[T, ...]:
    """A JSON list of values of one kind."""
    return tuple([_at(nth, element, read) for nth, element in enumerate(is_a(value, list))])


def _at(nth: int, value: object, read: Callable[[object], T]) -> T:
    try:
        return read(value)
    except DocumentError as error:
        raise error.below(str(nth)) from error


def no_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """For `json.loads(object_pairs_hook=...)`: an object whose fields each stand there once. Raises DocumentError naming one that does not."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise DocumentError("Field given twice", next(name for name in names if names.count(name) > 1))
    return found
