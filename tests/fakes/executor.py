"""An executor without threads or time: one thing happens at a time, in the order it was asked for, and waits are over at once."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from matrixbuild.adapters.executors.local import attempt
from matrixbuild.core.events import Event, Interrupted, Woke

Work = TypeVar("Work")


class FakeExecutor(Generic[Work]):
    """`clock` is the time it pretends, in seconds; `stopped` are the calls of stop it has seen."""

    def __init__(self, build: Callable[[Work], Any]) -> None:
        self._build = build
        self._work: deque[tuple[str, Work]] = deque()
        self._timers: list[tuple[float, int, str]] = []
        self._tickets = itertools.count()
        self._interrupts = 0
        self._closed = False
        self.clock = 0.0
        self.stopped: list[tuple[str, bool]] = []

    def submit(self, build: str, work: Work) -> None:
        if self._closed:
            raise RuntimeError(f"the executor is closed, so {build!r} cannot start")
        self._work.append((build, work))

    def wake_later(self, build: str, seconds: float) -> None:
        heapq.heappush(self._timers, (self.clock + seconds, next(self._tickets), build))

    def stop(self, build: str, *, now: bool) -> None:
        self.stopped.append((build, now))

    def interrupt(self) -> None:
        self._interrupts += 1

    def next_event(self) -> Event:
        if self._interrupts:
            self._interrupts -= 1
            return Interrupted()
        if self._work:
            return attempt(self._build, *self._work.popleft())
        if not self._timers:
            raise RuntimeError("no event can come: nothing runs and nothing rests")
        self.clock, _, build = heapq.heappop(self._timers)
        return Woke(build=build)

    def next_events(self, *, within: float | None = None) -> tuple[Event, ...]:
        return (self.next_event(),)

    def close(self) -> None:
        self._closed = True
