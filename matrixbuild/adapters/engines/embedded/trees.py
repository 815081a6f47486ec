"""File trees as immutable values: a change gives a new tree that shares everything else with the old one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from matrixbuild.core.listing import FIXED_TIME, Kind


class Content(Protocol):
    """Where a file's bytes come from. Two equal contents are the same bytes; reading is done when a layer or an artifact is written."""

    def read(self) -> Iterator[bytes]: ...

    @property
    def size(self) -> int | None:
        """Bytes, where that is known without reading."""
        ...


@dataclass(frozen=True, slots=True)
class Bytes:
    """Contents that are at hand."""

    data: bytes

    def read(self) -> Iterator[bytes]:
        yield self.data

    @property
    def size(self) -> int | None:
        return len(self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """What every entry has: permission bits with setuid, setgid and sticky; owner; whole seconds; extended attributes as (name, value)."""

    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    mtime: int = FIXED_TIME
    xattrs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    meta: Meta
    content: Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Symlink:
    meta: Meta
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Special:
    """A device or a pipe, as tar types it (`3`, `4`, `6`)."""

    meta: Meta
    type: bytes
    major: int = 0
    minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """`entries` by name; never changed once it is in a tree."""

    meta: Meta
    entries: Mapping[str, Node]


Node = File | Symlink | Special | Directory

EMPTY = Directory(meta=Meta(), entries={})
"""FROM scratch: a root that belongs to root."""


def parts(path: str) -> list[str]:
    """The names of a path without links and `..`, from the root."""
    return [part for part in path.split("/") if part]


def find(root: Directory, path: str) -> Node | None:
    """What is at a path (links not followed), or None."""
    node: Node | None = root
    for name in parts(path):
        node = node.entries.get(name) if isinstance(node, Directory) else None
    return node


def put(root: Directory, path: str, node: Node) -> Directory:
    """The tree with `node` at `path`, whose parent must be a directory of the tree; at the root, `node` is the tree."""
    names = parts(path)
    if not names:
        if not isinstance(node, Directory):
            raise NotADirectoryError("the root of a tree is a directory")
        return node
    return _changed(root, names, node)


def drop(root: Directory, path: str) -> Directory:
    """The tree without what is at `path`; as it was where there is nothing."""
    return _changed(root, parts(path), None) if find(root, path) is not None else root


def _changed(directory: Node | None, names: Sequence[str], node: Node | None) -> Directory:
    if not isinstance(directory, Directory):
        raise NotADirectoryError(f"nothing can be put at {names[0]}: what should hold it is no directory")
    entries = dict(directory.entries)
    here = node if len(names) == 1 else _changed(entries.get(names[0]), names[1:], node)
    if here is None:
        del entries[names[0]]
    else:
        entries[names[0]] = here
    return replace(directory, entries=entries)


def merge(lower: Directory, upper: Directory) -> Directory:
    """`upper` laid over `lower` as a layer would be: directories join and take the upper's metadata (but the root), anything else replaces."""
    entries = dict(lower.entries)
    for name, node in upper.entries.items():
        below = entries.get(name)
        joined = isinstance(node, Directory) and isinstance(below, Directory)
        entries[name] = replace(merge(below, node), meta=node.meta) if joined else node  # type: ignore[arg-type]
    return replace(lower, entries=entries)


def walk(root: Directory, below: str = "") -> Iterator[tuple[str, Node]]:
    """Every path but the root, sorted by name within its directory, a directory before what is in it."""
    for name in sorted(root.entries):
        node = root.entries[name]
        path = f"{below}/{name}" if below else name
        yield path, node
        if isinstance(node, Directory):
            yield from walk(node, path)


@dataclass(frozen=True, slots=True)
class TreeFiles:
    """A tree as core.lookup reads it."""

    root: Directory

    def kind(self, path: str) -> Kind | None:
        match find(self.root, path):
            case None:
                return None
            case Directory():
                return Kind.DIRECTORY
            case Symlink():
                return Kind.SYMLINK
            case Special():
                return Kind.PIPE
            case _:
                return Kind.FILE

    def target(self, path: str) -> str:
        node = find(self.root, path)
        return node.target if isinstance(node, Symlink) else ""

    def names(self, path: str) -> Sequence[str]:
        node = find(self.root, path)
        return sorted(node.entries) if isinstance(node, Directory) else ()
