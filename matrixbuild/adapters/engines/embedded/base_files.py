"""A tar file and the tree below it -> the tree with the file's entries on top: a layer (OCI image specification), or an archive of ADD."""

from __future__ import annotations

import io
import posixpath
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from matrixbuild.adapters.engines.embedded.trees import (
    Bytes,
    Content,
    Directory,
    File,
    Meta,
    Node,
    Special,
    Symlink,
    TreeFiles,
    drop,
    find,
    put,
)
from matrixbuild.core.lookup import resolve

_PIECE = 1 << 20
_XATTR = "SCHILY.xattr."
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_SPECIAL = (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)


class MalformedLayerError(Exception):
    """A layer that no tool could have meant; the text is one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The contents of a file in an unpacked layer: where they start and how long they are."""

    tar: Path
    start: int
    length: int

    def read(self) -> Iterator[bytes]:
        with self.tar.open("rb") as stream:
            stream.seek(self.start)
            left = self.length
            while left:
                piece = stream.read(min(_PIECE, left))
                if not piece:
                    raise MalformedLayerError(f"{self.tar.name} ends within a file")
                left -= len(piece)
                yield piece

    @property
    def size(self) -> int | None:
        return self.length


def laid_over(tree: Directory, tar: Path) -> Directory:
    """Raises tarfile.TarError or MalformedLayerError where the file is no layer."""
    with tarfile.open(tar, "r:") as members:
        return _with(tree, members, lambda member: Slice(tar=tar, start=member.offset_data, length=member.size), whiteouts=True)


def unpacked(tree: Directory, archive: bytes) -> Directory:
    """The tree with what a tar file holds, packed by gzip, bzip2 or xz or not at all. Raises tarfile.TarError where it is none."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:*") as members:

        def content(member: tarfile.TarInfo) -> Content:
            found = members.extractfile(member)
            return Bytes(found.read() if found else b"")

        return _with(tree, members, content, whiteouts=False)


_Contents = Callable[[tarfile.TarInfo], Content]


def _with(tree: Directory, members: Iterable[tarfile.TarInfo], content: _Contents, *, whiteouts: bool) -> Directory:
    own: set[str] = set()
    for member in members:
        path = posixpath.normpath(f"/{member.name}").lstrip("/")
        directory, name = posixpath.split(path)
        # Tools that unpack follow links that are there on the way (`lib/x` where /lib leads to /usr/lib), never the last one.
        directory = resolve(TreeFiles(tree), directory)
        path = posixpath.join(directory, name)
        if whiteouts and name.startswith(_WHITEOUT):
            tree = _whited_out(tree, directory, name, own)
            continue
        tree = _laid(tree, path, member, content)
        own.add(path)
    return tree


def _laid(tree: Directory, path: str, member: tarfile.TarInfo, content: _Contents) -> Directory:
    node = _node(tree, member, content)
    if not path:
        return replace(tree, meta=node.meta) if isinstance(node, Directory) else tree
    existing = find(tree, path)
    if isinstance(node, Directory) and isinstance(existing, Directory):
        node = replace(existing, meta=node.meta)
    return put(_with_parents(tree, posixpath.dirname(path)), path, node)


def _node(tree: Directory, member: tarfile.TarInfo, content: _Contents) -> Node:
    if member.islnk():
        target = find(tree, posixpath.normpath(f"/{member.linkname}").lstrip("/"))
        if target is None:
            raise MalformedLayerError(f"{member.name} is a hard link to {member.linkname}, which is not there")
        return target
    meta = Meta(mode=member.mode & 0o7777, uid=member.uid, gid=member.gid, mtime=int(member.mtime), xattrs=_xattrs(member))
    if member.isdir():
        return Directory(meta=meta, entries={})
    if member.issym():
        return Symlink(meta=replace(meta, mode=0o777), target=member.linkname)
    if member.type in _SPECIAL:
        return Special(meta=meta, type=member.type, major=member.devmajor, minor=member.devminor)
    return File(meta=meta, content=content(member))


def _xattrs(member: tarfile.TarInfo) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key.removeprefix(_XATTR), value) for key, value in member.pax_headers.items() if key.startswith(_XATTR)))


def _with_parents(tree: Directory, path: str) -> Directory:
    """A layer may leave out a directory it puts something in, or put something where a file was."""
    below = ""
    for name in path.split("/") if path else ():
        below = posixpath.join(below, name)
        if not isinstance(find(tree, below), Directory):
            tree = put(tree, below, Directory(meta=Meta(), entries={}))
    return tree


def _whited_out(tree: Directory, directory: str, name: str, own: set[str]) -> Directory:
    """A whiteout hides what lower layers had, never what its own layer put there."""
    if name == _OPAQUE:
        below = find(tree, directory)
        hidden = list(below.entries) if isinstance(below, Directory) else []
    else:
        hidden = [name.removeprefix(_WHITEOUT)]
    for each in hidden:
        path = posixpath.join(directory, each)
        if path not in own:
            tree = drop(tree, path)
    return tree
