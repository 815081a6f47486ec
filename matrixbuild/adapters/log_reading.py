"""What attempts have said -> their lines, as they are there now and as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

STREAMS = ("stdout", "stderr")
_PAUSE = 0.2


def lines_of(directory: Path) -> Iterator[str]:
    """Everything that an attempt has said, stream by stream; nothing where its logs are gone."""
    for stream in STREAMS:
        path = directory / stream
        if path.exists():
            with path.open(encoding="utf-8", errors="backslashreplace") as file:
                yield from (line.rstrip("\n") for line in file)


def followed(directory: Path, alive: Callable[[], bool]) -> Iterator[str]:
    """What an attempt says, until it has ended (`exit` is there) or its run is no longer `alive`; only whole lines, but for the last."""
    rest = dict.fromkeys(STREAMS, b"")
    read = dict.fromkeys(STREAMS, 0)
    while True:
        # Asked before reading: what was written until then is read for certain.
        over = (directory / "exit").exists() or not alive()
        for stream in STREAMS:
            data = _from(directory / stream, read[stream])
            read[stream] += len(data)
            *whole, rest[stream] = (rest[stream] + data).split(b"\n")
            yield from map(_text, whole)
        if over:
            yield from (_text(line) for line in rest.values() if line)
            return
        time.sleep(_PAUSE)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace")


def _from(path: Path, position: int) -> bytes:
    if not path.exists():
        return b""
    with path.open("rb") as file:
        file.seek(position)
        return file.read()
