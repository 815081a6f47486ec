"""A path in a tree that only COPY made in, the file of the checkout it was copied from out (a Dockerfile among artifacts must be read to go on)."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterator

from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.recipe import BaseImage, Copied, FromContext, FromTree, Scratch, Tree
from matrixbuild.core.earthfile.walk import USE_EARTHLY, Walk
from matrixbuild.core.listing import Kind, Listing
from matrixbuild.core.problems import Place

_WILDCARD = frozenset("*?[")


def context_file(walk: Walk, tree: Tree, path: str, place: Place) -> str:
    """Raises EarthfileError: FILE_NOT_FOUND, or NEEDS_EARTHLY where the file may come out of a base image."""
    found = _origin(walk.known.listing, tree, posixpath.normpath(path))
    if found is None:
        raise EarthfileError(
            Fault.FILE_NOT_FOUND, f"{path} is not among the artifacts", place=place, hint="SAVE ARTIFACT it in the target that is referred to"
        )
    if not found:
        raise EarthfileError(
            Fault.NEEDS_EARTHLY, f"{path} comes out of a base image and has to be read, which only Earthly can do", place=place, hint=USE_EARTHLY
        )
    return found


def _origin(listing: Listing, tree: Tree, path: str) -> str | None:
    """The file's path in the checkout; "" where a base image may hold it, None where nothing does."""
    while not isinstance(tree, Scratch | BaseImage):
        if isinstance(tree, Copied):
            for source in reversed(tree.sources):
                if found := _copied(listing, tree, source, path):
                    return found
        tree = tree.parent
    return "" if isinstance(tree, BaseImage) else None


def _copied(listing: Listing, copied: Copied, source: FromContext | FromTree, path: str) -> str | None:
    candidates = (_in_source(listing, source, inside) for inside in _insides(copied.dest, source.pattern, path))
    return next((found for found in candidates if found), None)


def _in_source(listing: Listing, source: FromContext | FromTree, inside: str) -> str | None:
    if isinstance(source, FromTree):
        return _origin(listing, source.tree, posixpath.normpath(posixpath.join("/", inside)))
    found = posixpath.normpath(posixpath.join(source.directory, inside.lstrip("/")))
    entry = listing.entries.get(found)
    return found if entry and entry.kind is Kind.FILE else None


def _insides(dest: str, pattern: str, path: str) -> Iterator[str]:
    """Which paths of a source could have become `path`: the source itself renamed, in a directory, or its contents."""
    root = posixpath.normpath(dest)
    clean = posixpath.normpath(pattern)
    folder, name = posixpath.split(clean)
    if path == root and not _WILDCARD & set(name):
        yield clean
    if not path.startswith(f"{root.rstrip('/')}/"):
        return
    rest = path[len(root.rstrip("/")) + 1 :]
    first, _, deeper = rest.partition("/")
    if fnmatch.fnmatchcase(first, name):
        yield posixpath.join(folder, first, deeper) if deeper else posixpath.join(folder, first)
    if not _WILDCARD & set(name):
        yield posixpath.join(clean, rest)
