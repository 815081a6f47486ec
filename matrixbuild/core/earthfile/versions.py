"""The text of an Earthfile in, its VERSION line out: read line by line before anything else, as Earthly does."""

from __future__ import annotations

import re
from collections.abc import Iterator

from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.source import Source
from matrixbuild.core.earthfile.syntax import Version

# What Go calls white space; Python's own classes hold a few more.
_FIELD = re.compile("[^ \t\n\v\f\r\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")

NUMBERS = ("0.0", "0.6", "0.7", "0.8")
"""0.0 is Earthly's own, for its tests: no feature at all."""


def version_of(text: str, *, file: str) -> Version | None:
    """The VERSION of an Earthfile whose other lines are not looked at."""
    return find_version(Source.of(text, file=file))


def find_version(source: Source) -> Version | None:
    """The VERSION of an Earthfile; None where its first command is another. Raises EarthfileError (SYNTAX) for words behind a backslash."""
    args: list[str] = []
    start: int | None = None
    for offset, fields in _lines(source):
        continued = False
        for field in fields:
            if field[0].startswith("#"):
                break
            if continued:
                raise source.error("a line continuation of VERSION has words behind it", offset + field.start(), hint="end the line at the backslash")
            if field[0] == "VERSION" and start is None:
                start = offset + field.start()
            elif field[0] == "\\":
                continued = True
            elif start is None:
                return None
            else:
                args.append(field[0])
        if start is not None and not continued:
            return Version(args=tuple(args), place=source.place(start, start + len("VERSION")))
    return None


def _lines(source: Source) -> Iterator[tuple[int, list[re.Match[str]]]]:
    """Offset and words of each line that is not empty and no comment."""
    for offset, line in zip(source.starts, source.lines, strict=True):
        fields = list(_FIELD.finditer(line))
        if fields and not fields[0][0].startswith("#"):
            yield offset, fields


def number_error(version: Version) -> EarthfileError | None:
    """The error of a VERSION whose number is none that Earthly 0.8 reads."""
    if version.args and version.args[-1] in NUMBERS:
        return None
    number = repr(version.args[-1]) if version.args else "none"
    hint = "write VERSION 0.8; 0.6 and 0.7 are read too"
    return EarthfileError(Fault.VERSION, f"VERSION needs a number of an Earthfile version, not {number}", place=version.place, hint=hint)
