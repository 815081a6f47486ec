"""Texts as they come to stand in an Earthfile's commands, with the overrides that had a part in them: alone, and put together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

_NONE = frozenset[str]()
_TAKEN = re.compile(r"[A-Za-z0-9_./:@=,-][A-Za-z0-9_./:@=,+-]*")


@dataclass(frozen=True, slots=True)
class Given:
    """The part of a text that is an override's value, as it is."""

    name: str

    @staticmethod
    def takes(text: str) -> bool:
        """Whether a value stays as it is wherever it comes to stand: with a backslash or quotes, say, it need not; empty it is no part."""
        return bool(_TAKEN.fullmatch(text))


Template = tuple["str | Given", ...]
"""What a text is made of, one part behind the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A text, the names of the overrides that influenced it, and (where a base image is not known) a variable in it that is not known.

    `parts` are what the text is made of where that is known: with other overrides that lead the same way, it is made of theirs.
    """

    text: str
    taint: frozenset[str] = frozenset()
    unknown: str = ""
    parts: Template | None = field(default=None, compare=False)

    @property
    def template(self) -> Template | None:
        """What the text is made of; None where overrides influenced it nobody knows how."""
        return self.parts if self.parts is not None or self.taint else (self.text,)

    @property
    def symbolic(self) -> bool:
        """Whether other overrides could give another text, and which is known."""
        return self.parts is not None and any(isinstance(part, Given) for part in self.parts)

    def with_text(self, text: str) -> Value:
        """Another text that came from the same influences, and from this text alone."""
        if text == self.text:
            return self
        constant = self.parts is not None and not self.symbolic
        return Value(text=text, taint=self.taint, unknown=self.unknown, parts=(text,) if constant else None)

    def behind(self, count: int) -> Value:
        """The text behind its first `count` characters."""
        first = self.parts[0] if self.parts else None
        if self.parts is None or not isinstance(first, str) or len(first) < count:
            return self.with_text(self.text[count:])
        return Value(text=self.text[count:], taint=self.taint, unknown=self.unknown, parts=(first[count:], *self.parts[1:]))

    def influenced(self, taint: frozenset[str]) -> Value:
        """The same text, with further influences: it would not be here with other answers to what was asked of these."""
        if taint and taint <= self.taint:
            return self
        return Value(text=self.text, taint=self.taint | taint, unknown=self.unknown, parts=self.template)

    def obscured(self, taint: frozenset[str]) -> Value:
        """The same text, with further influences; with other overrides it would be another, nobody knows which."""
        return Value(text=self.text, taint=self.taint | taint, unknown=self.unknown)


EMPTY = Value(text="")
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""Stands around the name of a variable whose value is not known."""


@lru_cache(maxsize=8192)
def plain_value(text: str) -> Value:
    """A text that nothing influenced, as it stands in an Earthfile: the same ones are met in every evaluation."""
    return Value(text=text)


def joined(parts: Iterable[Value], separator: str = "") -> Value:
    """Several values as one."""
    values = tuple(parts)
    if len(values) < 2:
        return values[0] if values else EMPTY
    text = separator.join([value.text for value in values])
    taint = _NONE.union(*[value.taint for value in values])
    unknown = next((value.unknown for value in values if value.unknown), "")
    return Value(text=text, taint=taint, unknown=unknown, parts=_made_of(values, separator) if taint else None)


def _made_of(values: Iterable[Value], separator: str) -> Template | None:
    found: list[str | Given] = []
    for value in values:
        template = value.template
        if template is None:
            return None
        for part in ((separator, *template) if separator and found else template):
            if isinstance(part, str) and found and isinstance(found[-1], str):
                found[-1] += part
            else:
                found.append(part)
    return tuple(found)


def alike(one: Value, other: Value | None) -> bool:
    """Whether two values are the same, and made in the same way."""
    return one is other or (other is not None and one == other and one.parts == other.parts)


@lru_cache(maxsize=4096)
def unknown_value(name: str) -> Value:
    """What stands for a variable that only an image we have not seen could define."""
    return Value(text=f"{UNKNOWN}{name}{UNKNOWN}", unknown=name)
