"""The text of an Earthfile or a Dockerfile, and a generation's token -> the text in which that token is part of every step's cache key.

What a step is kept under holds the values of all ARGs that its commands see: of an Earthfile the global ones, of a Dockerfile those of its stage
(executed with Earthly 0.8.16 and EarthBuild 0.8.18; design.md 8). So a token that nobody had before runs each step once more, and builds that share
the token share what comes of it. Steps in other repositories, and those of ONBUILD in a base image, are not reached.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from matrixbuild.core.earthfile.dockerfile_text import Instruction, instructions
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.features import features
from matrixbuild.core.earthfile.source import Source
from matrixbuild.core.earthfile.versions import find_version
from matrixbuild.core.names import sha256

NAME = "MATRIXBUILD_GENERATION"
_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """A text with lines added to it; `added` are their numbers in it, 1-based and sorted."""

    text: str
    added: tuple[int, ...] = ()

    def original(self, line: int) -> int:
        """The author's number of a line that a program names by its number in this text; of an added line, that of the line before it."""
        return max(1, line - bisect_left(self.added, line + 1))


def renewed_earthfile(text: str, token: str, *, file: str) -> Renewed:
    """The token as a global ARG, right after VERSION. A text that no Earthly would build from comes back as it is.

    Raises nothing: what is wrong with an Earthfile is told by whoever reads it to build from it.
    """
    source = Source.of(text, file=file)
    try:
        version = find_version(source)
        if version is None:
            return Renewed(text=text)
        glob = "--global " if features(version, file=file).explicit_global else ""
    except EarthfileError:
        return Renewed(text=text)
    return _with_lines(text, [_end(source.lines, version.place.line)], f"ARG {glob}{_name(text)}={_word(token)}")


def renewed_dockerfile(text: str, token: str, *, file: str) -> Renewed:
    """The token as an ARG of each stage, right before what follows its FROM. A text that is no Dockerfile comes back as it is."""
    try:
        found = instructions(text, file=file)
    except EarthfileError:
        return Renewed(text=text)
    if not _is_dockerfile(found):
        return Renewed(text=text)
    last = _last(text)
    ends = [*(each.place.line - 1 for each in found[1:]), last]
    after = [end for each, end in zip(found, ends, strict=True) if each.name == "FROM"]
    return _with_lines(text, after, f"ARG {_name(text)}={_word(token)}")


def _is_dockerfile(found: tuple[Instruction, ...]) -> bool:
    """Whether it begins as one, and has no FROM as other languages have: `from x import y`."""
    begins = next((each.name for each in found if each.name != "ARG"), "") == "FROM"
    words = (each.rest.split() for each in found if each.name == "FROM")
    return begins and all(len(each) == 1 or (len(each) == 3 and each[1].upper() == "AS") for each in words)


def _end(lines: tuple[str, ...], first: int) -> int:
    """The last line of the command that begins in line `first`, 1-based: comments and empty lines may stand between continued ones."""
    at = first
    while at < len(lines) and _goes_on(lines[first - 1 : at]):
        at += 1
    return at


def _goes_on(lines: tuple[str, ...]) -> bool:
    return [words for line in lines if (words := line.partition("#")[0].split())][-1][-1] == "\\"


def _last(text: str) -> int:
    """How many lines there are, an empty one at the end not counted."""
    return len(text.removesuffix("\n").split("\n"))


def _name(text: str) -> str:
    """One that the author does not use."""
    names = (NAME, *(f"{NAME}_{number}" for number in range(2, len(text) + 3)))
    return next(name for name in names if name not in text)


def _word(token: str) -> str:
    """Tokens that people wrote into a lock may hold anything."""
    return token if _PLAIN.fullmatch(token) else sha256(token.encode("utf-8", "surrogatepass")).partition(":")[2]


def _with_lines(text: str, after: Iterable[int], added: str) -> Renewed:
    lines = text.split("\n")
    out = list(_lines(lines, frozenset(after), added))
    numbers = tuple(number for number, (_, is_added) in enumerate(out, 1) if is_added)
    return Renewed(text="\n".join(line for line, _ in out), added=numbers)


def _lines(lines: list[str], after: frozenset[int], added: str) -> Iterator[tuple[str, bool]]:
    # Each added line ends as the line before it does.
    for number, line in enumerate(lines, 1):
        yield line, False
        if number in after:
            yield added + ("\r" if line.endswith("\r") else ""), True
