"""The content of a file -> what is packed in it, as far as this can be told without any program."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO

MOST = 64 << 20
"""In bytes, of one compressed content: what comes after that is not looked at."""

_PIECE = 1 << 20
_COMPRESSED: dict[bytes, Callable[[IO[bytes]], IO[bytes]]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),  # type: ignore[dict-item,return-value]
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}
_SPOILT = (OSError, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile)
"""How the standard library says that something cannot be unpacked: then no command of a build unpacks it either, or by a password."""


def unpacked(data: bytes) -> Iterator[bytes]:
    """The files of a tar or zip archive, and what was compressed by gzip, bzip2 or xz, alone or around a tar; nothing of anything else."""
    if data.startswith(b"PK\x03\x04"):
        yield from _members_of_zip(data)
        return
    opened = next((opened for magic, opened in _COMPRESSED.items() if data.startswith(magic)), None)
    inner = _read(opened(io.BytesIO(data))) if opened else data
    if opened:
        yield inner
    yield from _members_of_tar(inner)


def _read(file: IO[bytes]) -> bytes:
    pieces: list[bytes] = []
    try:
        while len(pieces) * _PIECE < MOST and (piece := file.read(_PIECE)):
            pieces.append(piece)
    except _SPOILT:
        pass  # what came before counts
    return b"".join(pieces)


def _members_of_tar(data: bytes) -> Iterator[bytes]:
    if data[257:262] != b"ustar":
        return
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isreg() else None
                if file:
                    yield file.read()
    except _SPOILT:
        return


def _members_of_zip(data: bytes) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                with archive.open(member) as file:
                    yield _read(file)
    except _SPOILT:
        return
