"""What a build was made from, short enough for a lock that people review."""

from __future__ import annotations

import posixpath
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from matrixbuild.core.compact import digest_of

Pairs = tuple[tuple[str, str], ...]
"""A small mapping as (name, value), sorted by name."""

FILES_BY_NAME = 64
"""So many files below one directory are told one by one; with more, the directory is one entry."""

_FOLD = "/**"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The inputs of one build as the lock records them (design.md 10).

    `target` is the digest of the commands, `args` the used ones, `files` path or `directory/**` to fingerprint, `needs` build name to
    build key, `bases` image ref to digest (empty where it is not pinned). `generation` is its token, empty for most; `secrets` name to version,
    of those that it is given and that have one.
    """

    target: str
    args: Pairs = ()
    files: Pairs = ()
    needs: Pairs = ()
    bases: Pairs = ()
    generation: str = ""
    secrets: Pairs = ()


@lru_cache(maxsize=4096)  # thousands of builds read the same few hundred files
def folded(files: Pairs) -> Pairs:
    """Sorted files, with each directory that has more than FILES_BY_NAME entries below it as one `directory/**` entry.

    Deepest directories first: one with many files is one entry of the directory above it. The root is never folded, so that the first
    part of a path is always told.
    """
    files = tuple(sorted(files))
    if len(files) <= FILES_BY_NAME:
        return files
    directories = _crowded(path for path, _ in files)
    below: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    alone: list[tuple[str, str]] = []
    for path, fingerprint in files:
        fold = next((parent for parent in reversed(_parents(path)) if parent in directories), None)
        (alone if fold is None else below[fold]).append((path, fingerprint))
    return tuple(sorted([*alone, *((fold + _FOLD, digest_of(entries)) for fold, entries in below.items())]))


def comparable(old: Pairs, new: Pairs) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Both lists of files in the terms of the coarser one: where only one of them folds a directory, the other's files below it are folded."""
    left, right = dict(old), dict(new)
    for fold in sorted(_folds(left) ^ _folds(right)):
        _fold(right if fold in left else left, fold)
    return left, right


def _folds(files: Mapping[str, str]) -> set[str]:
    return {path for path in files if path.endswith(_FOLD)}


def _fold(files: dict[str, str], fold: str) -> None:
    below = [(path, files.pop(path)) for path in sorted(files) if path.startswith(fold[: -len("**")])]
    if below:
        files[fold] = digest_of(below)


def _crowded(paths: Iterable[str]) -> set[str]:
    entries = Counter(posixpath.dirname(path) for path in paths)
    deepest_first = sorted({parent for path in entries for parent in (path, *_parents(path))} - {""}, key=lambda path: (-path.count("/"), path))
    crowded = set()
    for directory in deepest_first:
        if entries[directory] > FILES_BY_NAME:
            crowded.add(directory)
            entries[directory] = 1
        entries[posixpath.dirname(directory)] += entries[directory]
    return crowded


def _parents(path: str) -> list[str]:
    """`a/b/c` -> [`a/b`, `a`]."""
    parents = []
    while path := posixpath.dirname(path):
        parents.append(path)
    return parents
