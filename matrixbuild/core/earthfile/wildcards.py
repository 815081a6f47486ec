"""A reference with `*` in its directory in, the references to each directory that has such a target out."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterator
from dataclasses import replace

from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.references import Reference, ReferenceProblem, resolved
from matrixbuild.core.earthfile.target import Target
from matrixbuild.core.listing import Kind
from matrixbuild.core.problems import Place


def expanded(target: Target, reference: Reference, place: Place) -> tuple[Reference, ...]:
    """The reference itself, or for a wildcard each one that exists, sorted by path. Raises EarthfileError."""
    if "*" not in reference.path:
        return (reference,)
    if "**" in reference.path:
        raise EarthfileError(
            Fault.INVALID_ARG, f"{reference} holds **, which Earthly does not know here", place=place, hint="write one * for each directory"
        )
    directory = target.visit.directory
    try:
        pattern = resolved(directory, reference.path)
    except ReferenceProblem as problem:
        raise EarthfileError(Fault.UNKNOWN_TARGET, str(problem), place=place, hint="only directories of the checkout can be built from") from None
    target.walk.folders.setdefault(pattern)
    found = tuple(path for path in _directories(target, pattern) if _has(target, path, reference.name, place))
    if not found:
        raise EarthfileError(Fault.UNKNOWN_TARGET, f"no directory matches {reference}", place=place, hint="each needs an Earthfile with that target")
    return tuple(replace(reference, path=posixpath.relpath(path, directory or ".")) for path in found)


def _directories(target: Target, pattern: str) -> Iterator[str]:
    parts = pattern.split("/")
    for path, entry in sorted(target.walk.known.listing.entries.items()):
        names = path.split("/")
        if entry.kind is Kind.DIRECTORY and len(names) == len(parts) and all(map(fnmatch.fnmatchcase, names, parts)):
            yield path


def _has(target: Target, directory: str, name: str, place: Place) -> bool:
    names = (posixpath.join(directory, file) for file in ("Earthfile", "build.earth"))
    if not any(path in target.walk.known.listing.entries for path in names):
        return False
    return any(recipe.name == name for recipe in target.walk.parsed(directory, place=place).earthfile.targets)
