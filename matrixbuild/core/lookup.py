"""Paths with symlinks and wildcards in them -> the paths they mean in some tree of files, never leaving that tree."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from matrixbuild.core.listing import Entry, Kind
from matrixbuild.core.patterns import PathPatterns, as_sent, compiled_glob, split_wildcard

_MOST_LINKS = 255


class LookupFailedError(Exception):
    """Nothing is where a path leads; `path` is absolute in its tree. The text says so in one sentence."""

    def __init__(self, path: str, *, reason: str = "not found") -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


class Files(Protocol):
    """Any tree of files: paths are relative to its root, without a leading slash, and "" is the root."""

    def kind(self, path: str) -> Kind | None:
        """What is at a path, links not followed; None where there is nothing. Devices count as pipes."""
        ...

    def target(self, path: str) -> str:
        """What a symlink says."""
        ...

    def names(self, path: str) -> Sequence[str]:
        """The names in a directory, sorted."""
        ...


def resolve(files: Files, path: str, *, follow: bool = True, on_link: Callable[[str], None] | None = None) -> str:
    """`path` with every symlink on its way replaced, below the root; the last one only where `follow`. What does not exist is taken as written.

    `on_link` hears of each link that was gone through. LookupFailedError where links lead in circles.
    """
    waiting = [part for part in reversed(path.split("/")) if part not in ("", ".")]
    done: list[str] = []
    links = 0
    while waiting:
        part = waiting.pop()
        if part == "..":
            del done[-1:]
            continue
        done.append(part)
        here = "/".join(done)
        if files.kind(here) is not Kind.SYMLINK or not (waiting or follow):
            continue
        links += 1
        if links > _MOST_LINKS:
            raise LookupFailedError(f"/{path.lstrip('/')}", reason="too many symlinks on the way")
        if on_link is not None:
            on_link(here)
        target = files.target(here)
        done = [] if target.startswith("/") else done[:-1]
        waiting.extend(part for part in reversed(target.split("/")) if part not in ("", "."))
    return "/".join(done)


def expand(files: Files, pattern: str, *, follow: bool = True) -> list[str]:
    """The paths that a clean, absolute pattern means, in BuildKit's order (a directory's names sorted, depth first).

    A pattern without wildcards is itself, whether or not it exists. What is in a directory that matched does not match once more.
    LookupFailedError where the directories before the first wildcard do not exist; PatternError where the pattern is malformed.
    """
    fixed, rest = split_wildcard(pattern)
    if not rest:
        return [fixed.lstrip("/")]
    base = resolve(files, fixed, follow=follow)
    if files.kind(base) is None:
        raise LookupFailedError(f"/{base}")
    glob = compiled_glob(rest)
    # A class can match a slash; without one, nothing deeper than the pattern can match.
    deepest = None if "[" in rest else rest.count("/") + 1
    return [posixpath.join(base, found) for found in _matching(files, base, "", deepest, lambda name: glob.fullmatch(name) is not None)]


def _matching(files: Files, base: str, below: str, deepest: int | None, matches: Callable[[str], bool]) -> Iterator[str]:
    here = posixpath.join(base, below) if below else base
    if files.kind(here) is not Kind.DIRECTORY:
        return
    for name in files.names(here):
        path = f"{below}/{name}" if below else name
        if matches(path):
            yield path
        elif deepest is None or path.count("/") + 1 < deepest:
            yield from _matching(files, base, path, deepest, matches)


def links_below(files: Files, path: str) -> Iterator[str]:
    """Every symlink at a path or in the directory there, not gone through."""
    kind = files.kind(path)
    if kind is Kind.SYMLINK:
        yield path
    elif kind is Kind.DIRECTORY:
        for name in files.names(path):
            yield from links_below(files, f"{path}/{name}" if path else name)


class Listed:
    """Entries by path (as a Listing has them) as Files; entries whose directory is missing get it."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self.entries = dict(entries)
        self._names: dict[str, list[str]] = {"": []}
        for path in sorted(entries):
            self._add(path)
        for names in self._names.values():
            names.sort()

    def _add(self, path: str) -> None:
        directory, name = posixpath.split(path)
        if directory and directory not in self.entries:
            self.entries[directory] = Entry(kind=Kind.DIRECTORY, mode=0o755)
            self._add(directory)
        self._names.setdefault(directory, []).append(name)

    def kind(self, path: str) -> Kind | None:
        if not path:
            return Kind.DIRECTORY
        entry = self.entries.get(path)
        return entry.kind if entry else None

    def target(self, path: str) -> str:
        return self.entries[path].target

    def names(self, path: str) -> Sequence[str]:
        return self._names.get(path, ())

    def below(self, path: str) -> Iterator[str]:
        """The path itself (not the root) and everything in it, sorted."""
        if path:
            yield path
        for name in self.names(path):
            yield from self.below(f"{path}/{name}" if path else name)


def context(listed: Listed, directory: str, *, included: Sequence[str] | None, ignored: Sequence[str]) -> Listed:
    """What a build is sent of `directory` (relative to the checkout): the entries that a pattern of `included` means (None: all) and none of
    `ignored` does, with the directories they are in. PatternError where a pattern is malformed.
    """
    sent: dict[str, Entry] = {}
    include = PathPatterns.of(as_sent(included)) if included is not None else None
    exclude = PathPatterns.of(as_sent(ignored))
    prefix = f"{directory}/" if directory else ""

    def visit(below: str, in_parent: tuple[bool, ...] | None, out_parent: tuple[bool, ...] | None) -> None:
        for name in listed.names((prefix + below).rstrip("/")):
            path = f"{below}{name}"
            chosen, inside = include.step(path, in_parent) if include else (True, ())
            refused, outside = exclude.step(path, out_parent)
            if chosen and not refused:
                sent[path] = listed.entries[prefix + path]
            if listed.kind(prefix + path) is Kind.DIRECTORY and (chosen or include is None or include.leads_below(path)):
                visit(f"{path}/", inside, outside)

    visit("", None, None)
    return Listed({**{parent: listed.entries[prefix + parent] for path in sent for parent in _parents(path)}, **sent})


def _parents(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path
