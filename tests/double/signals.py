"""Interrupts of a call: the first one cancels it, the second one ends one of the programs at once."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType

from tests.double.ends import Cancelled

_WORDS = {signal.SIGINT: "interrupt", signal.SIGTERM: "terminated"}


class Signals:
    """Hears from the moment it is made; `forces_exit`: whether a second signal ends the process."""

    def __init__(self, *, forces_exit: bool) -> None:
        self._forces_exit = forces_exit
        self._received = 0
        self.cancels = False
        """Whether a signal raises Cancelled in the main thread now."""
        for number in _WORDS:
            signal.signal(number, self._receive)

    @contextlib.contextmanager
    def cancelling(self) -> Iterator[None]:
        """While this lasts, the first signal raises Cancelled; so does one that came before."""
        self.cancels = True
        try:
            if self._received:
                raise Cancelled
            yield
        finally:
            self.cancels = False

    def _receive(self, number: int, _: FrameType | None) -> None:
        self._received += 1
        word = _WORDS[signal.Signals(number)]
        # Not print(): what it was doing when the signal came, it could not do again within.
        if self._received == 1:
            os.write(1, f"Received signal {word}. Cleaning up before exiting...\n".encode())
            if self.cancels:
                raise Cancelled
        elif self._received == 2:
            os.write(1, f"Received second signal {word}. Forcing exit.\n".encode())
            if self._forces_exit:
                os._exit(9)
