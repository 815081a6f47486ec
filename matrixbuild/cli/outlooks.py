"""A run's outlook and schedule, and what has ended by now -> how long it still takes and what waits for what, worked out now and then."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Generic, TypeVar

from matrixbuild.core.forecast import Estimate
from matrixbuild.core.schedule import Schedule
from matrixbuild.core.waits import Waits, waits
from matrixbuild.workflow.scheduling import Outlook

_SHARE = 20
"""Of a run with thousands of builds, working either out takes long: at most one part in so many of the time."""

_LEFT_EVERY, _WAITS_EVERY = 1.0, 0.2
"""Seconds."""

Value = TypeVar("Value")


class _Kept(Generic[Value]):
    """A value that is worked out anew when it is old enough."""

    def __init__(self, clock: Callable[[], float], every: float) -> None:
        self._clock = clock
        self._every = every
        self._value: Value | None = None
        self._not_before = float("-inf")
        self.at = 0.0

    def get(self, make: Callable[[], Value]) -> Value:
        began = self._clock()
        if self._value is None or began >= self._not_before:
            self._value, self.at = make(), began
            self._not_before = began + max(self._every, _SHARE * (self._clock() - began))
        return self._value


class Ahead:
    """What is still to come of a run. The schedule goes on in another thread meanwhile: what it answers may be older by a moment."""

    def __init__(self, outlook: Outlook, schedule: Schedule, clock: Callable[[], float]) -> None:
        self._outlook = outlook
        self._schedule = schedule
        self._clock = clock
        self._left = _Kept[Estimate](clock, _LEFT_EVERY)
        self._waits = _Kept[Waits](clock, _WAITS_EVERY)

    def left(self, *, ended: AbstractSet[str], running: Mapping[str, float]) -> Estimate | None:
        """The time that is left, `running` being the seconds that builds have run; None where nothing is known of any of them."""
        found = self._left.get(lambda: self._outlook.remaining(ended=ended, running=running))
        passed = self._clock() - self._left.at
        sooner = {name: max(0.0, getattr(found, name) - passed) for name in ("makespan", "low", "high", "least")}
        return replace(found, **sooner) if found.known else None

    def waits(self, *, besides: Collection[str]) -> Waits:
        """What builds wait for; `besides` are those that run or have ended."""
        return self._waits.get(lambda: waits(self._schedule.waiting(build.name) for build in self._outlook.builds if build.name not in besides))
