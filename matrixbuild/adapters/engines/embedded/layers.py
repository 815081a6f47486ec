"""Two trees -> the layer between them, byte for byte the same wherever and whenever it is written."""

from __future__ import annotations

import hashlib
import struct
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from matrixbuild.adapters.engines.embedded.trees import Directory, File, Node, Special, Symlink
from matrixbuild.core.images import OCI_LAYER_GZIP
from matrixbuild.core.registry import Descriptor

_PIECE = 1 << 20
_LEVEL = 6
_GZIP_HEADER = bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF))
"""No name, no time, "unknown" as the system: zlib would write the one it was built on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer as it was written: `diff_id` is the digest of the tar, `descriptor` of what is stored, `file` where it lies."""

    diff_id: str
    descriptor: Descriptor
    file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One path of a layer: what is there now, or None where something went away."""

    path: str
    node: Node | None


def changes(before: Directory, after: Directory, below: str = "") -> Iterator[Change]:
    """What a layer on top of `before` must say to give `after`, in the order of the tar: by name within a directory, a directory first.

    Whatever is new in kind, metadata or content is said; a file where a directory was needs no whiteout (OCI image specification, layers).
    """
    for name in sorted(before.entries.keys() | after.entries.keys()):
        old, new = before.entries.get(name), after.entries.get(name)
        path = f"{below}{name}"
        if new is old:
            continue
        if not isinstance(new, Directory):
            if new != old:
                yield Change(path=path, node=new)
            continue
        was = old if isinstance(old, Directory) else None
        if was is None or was.meta != new.meta:
            yield Change(path=path, node=new)
        yield from changes(was or Directory(meta=new.meta, entries={}), new, f"{path}/")


def write_layer(before: Directory, after: Directory, file: Path) -> Layer:
    """Write the layer to `file`, one piece at a time."""
    with file.open("wb") as stream:
        gzip = _Gzip(stream)
        for change in changes(before, after):
            for piece in _member(change):
                gzip.write(piece)
        gzip.write(bytes(2 * tarfile.BLOCKSIZE))
        gzip.close()
    size = file.stat().st_size
    return Layer(diff_id=gzip.diff_id, descriptor=Descriptor(media_type=OCI_LAYER_GZIP, digest=gzip.digest, size=size), file=file)


def read_pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE):
            yield piece


def _member(change: Change) -> Iterator[bytes]:
    """One entry of the tar: PAX, whose extra records tarfile writes only for what does not fit (long or non-ASCII names, big numbers)."""
    if change.node is None:
        directory, _, name = change.path.rpartition("/")
        yield _header(tarfile.TarInfo(f"{directory}/.wh.{name}" if directory else f".wh.{name}"))
        return
    info = _info(change.path, change.node)
    if not isinstance(change.node, File):
        yield _header(info)
        return
    yield from _file(info, change.node)


def _file(info: tarfile.TarInfo, node: File) -> Iterator[bytes]:
    size = node.content.size
    pieces = node.content.read()
    if size is None:
        whole = b"".join(pieces)
        size, pieces = len(whole), iter((whole,))
    info.size = size
    yield _header(info)
    yield from pieces
    yield bytes(-size % tarfile.BLOCKSIZE)


def _header(info: tarfile.TarInfo) -> bytes:
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _info(path: str, node: Node) -> tarfile.TarInfo:
    info = tarfile.TarInfo(f"{path}/" if isinstance(node, Directory) else path)
    info.mode, info.uid, info.gid, info.mtime = node.meta.mode, node.meta.uid, node.meta.gid, node.meta.mtime
    info.pax_headers = {f"SCHILY.xattr.{name}": value for name, value in node.meta.xattrs}
    match node:
        case Directory():
            info.type = tarfile.DIRTYPE
        case Symlink():
            info.type, info.linkname = tarfile.SYMTYPE, node.target
        case Special():
            info.type, info.devmajor, info.devminor = node.type, node.major, node.minor
        case File():
            info.type = tarfile.REGTYPE
    return info


class _Gzip:
    """A gzip file without name and time that knows the digests of both sides. Raw deflate with our own frame (RFC 1952)."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._plain, self._packed = hashlib.sha256(), hashlib.sha256()
        self._crc = self._size = 0
        self._out(_GZIP_HEADER)

    def write(self, data: bytes) -> None:
        self._plain.update(data)
        self._crc = zlib.crc32(data, self._crc)
        self._size += len(data)
        self._out(self._deflate.compress(data))

    def close(self) -> None:
        self._out(self._deflate.flush())
        self._out(struct.pack("<II", self._crc, self._size & 0xFFFFFFFF))

    def _out(self, data: bytes) -> None:
        self._packed.update(data)
        self._stream.write(data)

    @property
    def diff_id(self) -> str:
        return f"sha256:{self._plain.hexdigest()}"

    @property
    def digest(self) -> str:
        return f"sha256:{self._packed.hexdigest()}"
