"""The file that the program writes while it builds, as it grows -> progress, told as it changes, and what the build took."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from matrixbuild.core.logstream import Reading
from matrixbuild.core.usage import UNMEASURED, Progress, Usage

EVERY = 0.1
"""Seconds between two looks: the program itself writes about as often."""
_CHUNK = 256 * 1024
_LONGEST = 4 * 1024 * 1024
"""Bytes of a line: one that is longer is no record."""


class Following:
    """What is known of a build while it runs, and afterwards. `heard` is the time (time.monotonic) of the last sign of life of the build itself;
    `peak` and `limit` are bytes of memory as core.logstream.Reading has them."""

    def __init__(self) -> None:
        self.progress = Progress()
        self.usage: Usage = UNMEASURED
        self.peak: int | None = None
        self.limit: int | None = None
        self.heard = time.monotonic()


def _nobody() -> None:
    pass


def _nothing(_copies: frozenset[tuple[str, int]]) -> None:
    pass


@contextmanager
def following(
    path: Path,
    tell: Callable[[Progress], None],
    *,
    checkout: str = "",
    silence: float | None = None,
    silent: Callable[[], None] = _nobody,
    copied: Callable[[frozenset[tuple[str, int]]], None] = _nothing,
    every: float = EVERY,
) -> Iterator[Following]:
    """Follow the file, which need not exist yet, while the block runs, and read it to its end when it is left.

    Earthly targets are told from the `checkout` ("": from the first one that is used). `tell` is called in a thread of its own, when the progress
    has changed, and `silent`, once, when the build has shown no sign of life for `silence` seconds (None: it may): what the program prints tells
    nothing of that, as it says every minute that something goes on. `copied` is given the copies that have ended (core.logstream.Reading), when there
    are more. What they raise, and an error of reading (OSError), ends the following, and is
    raised where the block ends well.
    """
    found = Following()
    follower = _Follower(path, tell, copied, Reading(wrapped=True, checkout=checkout), found)
    over = threading.Event()
    faults: list[BaseException] = []

    def follow() -> None:
        try:
            patience = silence
            while not over.wait(every):
                follower.look()
                if patience is not None and time.monotonic() - found.heard > patience:
                    patience = None
                    silent()
            follower.finish()
        except BaseException as error:  # noqa: BLE001  (told to whoever opened the block)
            faults.append(error)

    thread = threading.Thread(target=follow, name=f"following {path.name}", daemon=True)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
    if faults:
        raise faults[0]


class _Follower:
    """Reads what has come since the last look; holds no more than a line."""

    def __init__(
        self,
        path: Path,
        tell: Callable[[Progress], None],
        copied: Callable[[frozenset[tuple[str, int]]], None],
        reading: Reading,
        found: Following,
    ) -> None:
        self._path = path
        self._tell = tell
        self._copied = copied
        self._copies: frozenset[tuple[str, int]] = frozenset()
        self._found = found
        self._reading = reading
        self._at = 0
        self._held = b""
        self._skipping = False

    def look(self) -> None:
        try:
            with self._path.open("rb") as file:
                self._read(file)
        except FileNotFoundError:
            return
        self._report()

    def finish(self) -> None:
        self.look()
        if self._held:
            # A program that is killed leaves its last line unfinished: then it is no record, and says nothing.
            self._line(self._held)
            self._report()

    def _read(self, file: BufferedReader) -> None:
        if file.seek(0, 2) < self._at:
            # Another file, or the same from its beginning.
            self._at, self._held, self._skipping = 0, b"", False
        file.seek(self._at)
        while chunk := file.read(_CHUNK):
            self._at += len(chunk)
            *lines, self._held = (self._held + chunk).split(b"\n")
            for line in lines:
                self._line(line)
            if len(self._held) > _LONGEST:
                self._held, self._skipping = b"", True

    def _line(self, line: bytes) -> None:
        if self._skipping:
            self._skipping = False
        elif self._reading.feed(line):
            self._found.heard = time.monotonic()

    def _report(self) -> None:
        found, reading = self._found, self._reading
        found.usage, found.peak, found.limit = reading.usage, reading.peak, reading.limit
        if (copies := reading.copied) != self._copies:
            self._copies = copies
            self._copied(copies)
        if reading.progress != found.progress:
            found.progress = reading.progress
            self._tell(found.progress)
