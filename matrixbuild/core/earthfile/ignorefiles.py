"""The ignore files of a directory in, the patterns of what a COPY from it does not see out."""

from __future__ import annotations

import posixpath
from functools import lru_cache

from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.walk import IGNORE_FILES, Walk
from matrixbuild.core.problems import Place

_IMPLICIT = (".tmp-earthly-out/", "build.earth", "Earthfile", ".earthignore", ".earthlyignore")


def ignored(walk: Walk, directory: str, *, implicit: bool, docker: bool, place: Place) -> tuple[str, ...]:
    """Patterns in order. `implicit`: Earthly's own files are ignored too (before 0.6, and in FROM DOCKERFILE); `docker`: .dockerignore counts
    where there is no other. Raises EarthfileError (IGNORE_CONFLICT)."""
    asked = directory, implicit, docker
    if asked not in walk.hidden:
        walk.hidden[asked] = _ignored(walk, directory, implicit=implicit, docker=docker, place=place)
    return walk.hidden[asked]


def _ignored(walk: Walk, directory: str, *, implicit: bool, docker: bool, place: Place) -> tuple[str, ...]:
    found = [text for text in walk.texts(*(posixpath.join(directory, name) for name in IGNORE_FILES)) if text is not None]
    if len(found) == 2:
        summary = f"there is both a .earthignore and a .earthlyignore in {directory or 'the root of the checkout'}"
        raise EarthfileError(Fault.IGNORE_CONFLICT, summary, place=place, hint="remove one of them")
    if not found and docker:
        found = [text for text in walk.texts(posixpath.join(directory, ".dockerignore")) if text is not None]
    return (*[pattern for text in found for pattern in patterns(text)], *(_IMPLICIT if implicit else ()))


@lru_cache(maxsize=512)
def patterns(text: str) -> tuple[str, ...]:
    """The patterns of an ignore file, as Docker reads it: comments and blanks off, paths cleaned, `!` kept in front."""
    found = []
    for number, raw in enumerate(text.split("\n")):
        line = raw.removeprefix("\ufeff") if number == 0 else raw
        if line.startswith("#") or not line.strip():
            continue
        pattern = line.strip()
        inverted = pattern.startswith("!")
        pattern = pattern.removeprefix("!").strip()
        if pattern:
            pattern = posixpath.normpath(pattern).replace("//", "/")
            pattern = pattern[1:] if len(pattern) > 1 and pattern[0] == "/" else pattern
        found.append(f"!{pattern}" if inverted else pattern)
    return tuple(found)
