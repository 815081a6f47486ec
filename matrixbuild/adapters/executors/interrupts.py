"""Ctrl-C and SIGTERM, turned into calls of an executor's `interrupt`."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """While this context is open, every SIGINT or SIGTERM calls `interrupt`; `signal` is the first that came, or None.

    Only the main thread may open it, and only around the loop that takes events: elsewhere nobody would heed the call.
    """

    def __init__(self, interrupt: Callable[[], None]) -> None:
        self._interrupt = interrupt
        self._before: dict[signal.Signals, Any] = {}
        self.signal: signal.Signals | None = None

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.signal = self.signal or signal.Signals(number)
        self._interrupt()

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
