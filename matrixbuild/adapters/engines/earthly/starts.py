"""Many builds that want to start -> few enough at a time, so that each still finds its builder answering."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

PER_CORE = 2
"""Starts at once for each core. Executed on two busy cores, 60 cached builds: of 4 at once none failed to connect within its second, of 8 up to 10
did, of 12 half of them; and 4 at once are as fast as 12, for a start is nothing but work for a processor."""

_CONNECTED = (b"...Done", b"Found buildkit daemon", b"--> ")
"""In what both programs print once they have their builder; before that they tell of their configuration, and that they are connecting."""


class Start:
    """One build on its way to its builder."""

    def __init__(self, free: threading.Semaphore) -> None:
        self._free = free
        self._lock = threading.Lock()
        self._over = False

    def hear(self, lines: Iterable[bytes]) -> None:
        """What it prints: once that says that it has its builder, the next one may start."""
        if not self._over and any(word in line for line in lines for word in _CONNECTED):
            self.connected()

    def connected(self) -> None:
        """It has its builder, or has ended: the next one may start. Only the first call counts."""
        with self._lock:
            if self._over:
                return
            self._over = True
        self._free.release()


class Starts:
    """Lets at most so many start at a time; any thread may ask."""

    def __init__(self, at_once: int) -> None:
        self._free = threading.Semaphore(at_once)

    @contextmanager
    def starting(self) -> Iterator[Start]:
        """Waits for its turn; the block may go on long after `Start.connected`."""
        self._free.acquire()  # a `with` would hold it to the end of the build
        start = Start(self._free)
        try:
            yield start
        finally:
            start.connected()
