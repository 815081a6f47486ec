"""A path in a tree that only COPY made in, the file of the checkout it was copied from out (a Dockerfile among artifacts must be read to go on)."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator

from matrixbuild.core.earthfile.faults import USE_EARTHLY, EarthfileError, Fault
from matrixbuild.core.earthfile.recipe import BaseImage, Copied, FromContext, FromTree, NeedsShell, Scratch, Tree
from matrixbuild.core.earthfile.walk import Walk
from matrixbuild.core.listing import Kind, Listing
from matrixbuild.core.problems import Place

_WILDCARD = frozenset("*?[")
_CLASS_OF_ONE = re.compile(r"\[([^]^\\-])\]")
"""Earthly makes `[f]oo` of a `foo` that need not be there."""
_FILES = frozenset({Kind.FILE, Kind.SYMLINK})


def context_file(walk: Walk, tree: Tree, path: str, place: Place) -> str:
    """Raises EarthfileError: FILE_NOT_FOUND, or NEEDS_EARTHLY where the file may come out of a base image."""
    found = _origin(walk.known.listing, tree, posixpath.normpath(path), _FILES)
    if found is None:
        raise EarthfileError(
            Fault.FILE_NOT_FOUND, f"{path} is not among the artifacts", place=place, hint="SAVE ARTIFACT it in the target that is referred to"
        )
    if not found:
        raise EarthfileError(
            Fault.NEEDS_EARTHLY, f"{path} comes out of a base image and has to be read, which only Earthly can do", place=place, hint=USE_EARTHLY
        )
    return found


def without_shell(walk: Walk, tree: Tree) -> bool:
    """As `lacks_shell`, looked through once."""
    if tree not in walk.shells:
        walk.shells[tree] = lacks_shell(walk.known.listing, tree)
    return walk.shells[tree]


def lacks_shell(listing: Listing, tree: Tree) -> bool:
    """Whether nothing that was copied into a tree can be its /bin/sh (a base image may hold one)."""
    there = (_origin(listing, tree, "/bin/sh", _FILES), _origin(listing, tree, "/bin", frozenset({Kind.SYMLINK})))
    return all(found is None for found in there)


def _origin(listing: Listing, tree: Tree, path: str, kinds: frozenset[Kind]) -> str | None:
    """The path in the checkout of what a path of a tree was copied from; "" where a base image or a RUN may have made it, None where nothing does."""
    perhaps: str | None = None
    while not isinstance(tree, Scratch | BaseImage):
        if isinstance(tree, NeedsShell) and tree.command.startswith("RUN"):
            return ""
        for found in _copied(listing, tree, path, kinds) if isinstance(tree, Copied) else ():
            if found:
                return found
            perhaps = ""
        tree = tree.parent
    return "" if isinstance(tree, BaseImage) else perhaps


def _copied(listing: Listing, copied: Copied, path: str, kinds: frozenset[Kind]) -> Iterator[str]:
    for source in reversed(copied.sources):
        for inside in _insides(copied.dest, source.pattern, path):
            found = _in_source(listing, source, inside, kinds)
            if found is not None:
                yield found


def _in_source(listing: Listing, source: FromContext | FromTree, inside: str, kinds: frozenset[Kind]) -> str | None:
    if isinstance(source, FromTree):
        return _origin(listing, source.tree, posixpath.normpath(posixpath.join("/", inside)), kinds)
    found = posixpath.normpath(posixpath.join(source.directory, inside.lstrip("/")))
    entry = listing.entries.get(found)
    return found if entry and entry.kind in kinds else None


def _insides(dest: str, pattern: str, path: str) -> Iterator[str]:
    """Which paths of a source could have become `path`: the source itself renamed, in a directory, or its contents."""
    root = posixpath.normpath(dest)
    clean = posixpath.normpath(_CLASS_OF_ONE.sub(r"\1", pattern))
    folder, name = posixpath.split(clean)
    if path == root and not _WILDCARD & set(name):
        yield clean
    if not path.startswith(f"{root.rstrip('/')}/"):
        return
    rest = path[len(root.rstrip("/")) + 1 :]
    first, _, deeper = rest.partition("/")
    if not _WILDCARD & set(name):
        yield posixpath.join(clean, rest)
    # Of a wildcard's match, a directory's contents may have been copied without its name; only its name tells which match it was.
    if fnmatch.fnmatchcase(first, name):
        yield posixpath.join(folder, first, deeper) if deeper else posixpath.join(folder, first)
