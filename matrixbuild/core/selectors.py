"""The text of a selector (`os=ubuntu-24.04,kubernetes.version=1.34.x,fips!=true`) -> the conditions that a selected cell fulfils, all of them.

Each part is a name, `=` or `!=`, and a value as a matcher of the manifest writes it: exact, glob or range; `|` between values means any of
them. A comparison may stand for itself: `os.version>=22.04`. A value with a comma or a bar cannot be written (`?` matches one).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from matrixbuild.core.matching import AnyOf, Condition, Not, Pattern, text_pattern
from matrixbuild.core.problems import Place, Problem

_WORD = "[A-Za-z][A-Za-z0-9_]*"
_PART = re.compile(rf"(?P<name>(?P<axis>{_WORD})(?:\.(?P<field>{_WORD}))?)\s*(?P<sign>!=|==?(?![<>])|=?(?=[<>]))(?P<value>.*)")
_COMMA = re.compile(",")
_BAR = re.compile(r"\|\|?")  # both say the same, so that a range may keep its own
_EXAMPLE = "write, for example, os=ubuntu-24.04,kubernetes.version=1.34.x,fips!=true"


def parse_selector(text: str, problems: list[Problem], *, file: str = "-l") -> tuple[Condition, ...]:
    """The conditions of a selector; `file` is how its places name where it was given. Parts that are none are problems (code `selector`)."""
    whole = Place(file=file, line=1, text=text, width=max(len(text), 1))
    if not text.strip():
        problems.append(_problem("the selector is empty", whole))
        return ()
    return tuple(condition for part in _split(_COMMA, whole) if (condition := _condition(part, problems)))


def _split(separator: re.Pattern[str], place: Place) -> Iterator[Place]:
    """Where the parts between separators stand."""
    start, end = place.column - 1, place.column - 1 + place.width
    for found in separator.finditer(place.text, start, end):
        yield _trimmed(place, start, found.start())
        start = found.end()
    yield _trimmed(place, start, end)


def _trimmed(place: Place, start: int, end: int) -> Place:
    """The words between two offsets, without the blanks around them; where there are none, the character behind."""
    words = place.text[start:end]
    first = start + len(words) - len(words.lstrip())
    return Place(file=place.file, line=1, column=first + 1, text=place.text, width=max(len(words.strip()), 1))


def _words(place: Place) -> str:
    """What stands at a place; nothing where it is only the separator behind."""
    return place.text[place.column - 1 :][: place.width].strip(" |,")


def _condition(place: Place, problems: list[Problem]) -> Condition | None:
    start, end = place.column - 1, place.column - 1 + place.width
    part = _PART.fullmatch(place.text, start, end)
    if not part:
        summary = f"{_words(place)!r} in the selector is no condition" if _words(place) else "nothing stands beside a comma of the selector"
        problems.append(_problem(summary, place))
        return None
    pattern = _pattern(_trimmed(place, part.start("value"), end), problems)
    if pattern is None:
        return None
    name = _trimmed(place, part.start("name"), part.end("name"))
    wanted = Not(pattern=pattern, place=name) if part["sign"] == "!=" else pattern
    return Condition(axis=part["axis"], field=part["field"], wanted=wanted, place=name)


def _pattern(value: Place, problems: list[Problem]) -> Pattern | None:
    pieces = tuple(_split(_BAR, value))
    if not all(_words(piece) for piece in pieces):
        summary = "nothing stands beside a | of the selector" if len(pieces) > 1 else "a condition of the selector has no value"
        problems.append(_problem(summary, value))
        return None
    patterns = tuple(text_pattern(_words(piece), piece, by_text=True) for piece in pieces)
    return patterns[0] if len(patterns) == 1 else AnyOf(patterns=patterns, place=value)


def _problem(summary: str, place: Place) -> Problem:
    return Problem(summary=summary, place=place, hint=_EXAMPLE, code="selector")
