"""Builds, durations and capacities -> when each build would run: the scheduler itself, played through in no time."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matrixbuild.core.events import Event, Finished, Run, Started
from matrixbuild.core.policy import FailurePolicy
from matrixbuild.core.schedule import Schedule, ScheduledBuild

_NO_RETRIES = FailurePolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A run in which every build takes as long as was said, and none fails: seconds from its start, by build."""

    starts: Mapping[str, float]
    ends: Mapping[str, float]

    @property
    def makespan(self) -> float:
        return max(self.ends.values(), default=0.0)


def simulated(builds: Sequence[ScheduledBuild], seconds: Mapping[str, float], capacity: Mapping[str, int]) -> Simulated:
    """`seconds` has an entry for every build. Raises ValueError as Schedule does."""
    schedule = Schedule(builds, capacity=capacity, policy=_NO_RETRIES)
    starts: dict[str, float] = {}
    ends: dict[str, float] = {}
    running: list[tuple[float, str]] = []
    now, events = 0.0, [_START]
    while True:
        for instruction in schedule.handle(*events):
            if isinstance(instruction, Run):
                name = instruction.build
                starts[name], ends[name] = now, now + seconds[name]
                heapq.heappush(running, (ends[name], name))
        if not running:
            return Simulated(starts=starts, ends=ends)
        now = running[0][0]
        # What ends in one moment is told together: else the first end would give its room to the wrong build.
        events = []
        while running and running[0][0] == now:
            events.append(Finished(build=heapq.heappop(running)[1], made=None))


_START: Event = Started()
