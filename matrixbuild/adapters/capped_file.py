"""Bytes without end -> a file that keeps their beginning and their end."""

from __future__ import annotations

from io import FileIO
from pathlib import Path

MOST_HEAD = 32 * 1024 * 1024
MOST_TAIL = 8 * 1024 * 1024


class CappedFile:
    """Appends to a file up to `head` bytes as they come. What comes later goes through two files beside it, which hold at most `tail` bytes and at
    least half as many, and are added by `close`, after a line that says how much is left out. Raises OSError."""

    def __init__(self, path: Path, *, head: int = MOST_HEAD, tail: int = MOST_TAIL) -> None:
        self._path = path
        # Unbuffered: whoever follows the file reads each line when it was said.
        self._file = FileIO(path, "ab")
        self._room = head
        self._half = tail // 2
        self._older, self._newer = (path.with_name(f".{path.name}.{which}") for which in ("older", "newer"))
        self._spilt = 0

    def write(self, data: bytes) -> None:
        fits = data[: self._room]
        _write(self._file, fits)
        self._room -= len(fits)
        rest = data[len(fits) :]
        for start in range(0, len(rest), self._half):
            self._spill(rest[start : start + self._half])

    def _spill(self, data: bytes) -> None:
        self._spilt += len(data)
        if self._newer.exists() and self._newer.stat().st_size + len(data) > self._half:
            self._newer.replace(self._older)
        with self._newer.open("ab") as file:
            file.write(data)

    def close(self) -> None:
        try:
            if self._spilt:
                self._add_tail()
        finally:
            self._file.close()
            for part in (self._older, self._newer):
                part.unlink(missing_ok=True)

    def _add_tail(self) -> None:
        parts = [part.read_bytes() for part in (self._older, self._newer) if part.exists()]
        left_out = self._spilt - sum(map(len, parts))
        if left_out:
            _write(self._file, b"\n[matrixbuild: %d bytes left out]\n" % left_out)
        for part in parts:
            _write(self._file, part)


def _write(file: FileIO, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
