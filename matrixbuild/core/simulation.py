"""Builds, durations and capacities -> when each build would run: the scheduler itself, played through in no time."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matrixbuild.core.events import Event, Finished, Run, Started
from matrixbuild.core.policy import FailurePolicy
from matrixbuild.core.schedule import Schedule, ScheduledBuild

_NO_RETRIES = FailurePolicy()
_NOTHING: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A run in which every build takes as long as was said, and none fails: seconds from its start, by build."""

    starts: Mapping[str, float]
    ends: Mapping[str, float]

    @property
    def makespan(self) -> float:
        return max(self.ends.values(), default=0.0)


def simulated(
    builds: Sequence[ScheduledBuild], seconds: Mapping[str, float], capacity: Mapping[str, int], *, done: Mapping[str, float] = _NOTHING
) -> Simulated:
    """`seconds` has an entry for every build, without its stages, and for each stage that takes any time. `done` are the stages that builds which are
    not among these do or have done: in how many seconds that is. Raises ValueError as Schedule does."""
    through = _Stages(builds, seconds, done)
    schedule = Schedule(builds, capacity=capacity, policy=_NO_RETRIES)
    starts: dict[str, float] = {}
    ends: dict[str, float] = {}
    running: list[tuple[float, str]] = []
    now, events = 0.0, [_START]
    while True:
        for instruction in schedule.handle(*events):
            if isinstance(instruction, Run):
                name = instruction.build
                starts[name], ends[name] = now, through.after(name, now) + seconds[name]
                heapq.heappush(running, (ends[name], name))
        if not running:
            return Simulated(starts=starts, ends=ends)
        now = running[0][0]
        # What ends in one moment is told together: else the first end would give its room to the wrong build.
        events = []
        while running and running[0][0] == now:
            events.append(Finished(build=heapq.heappop(running)[1], made=None))


_START: Event = Started()


class _Stages:
    """What builds have in common, each done by the first that comes to it."""

    def __init__(self, builds: Sequence[ScheduledBuild], seconds: Mapping[str, float], done: Mapping[str, float]) -> None:
        self._stages = {build.name: build.stages for build in builds if build.stages}
        self._seconds = seconds
        self._done = dict(done)

    def after(self, name: str, now: float) -> float:
        """When a build that starts now has gone through its stages."""
        return gone_through(self._stages.get(name, ()), now, self._seconds, self._done)


def gone_through(stages: Sequence[str], now: float, seconds: Mapping[str, float], done: dict[str, float]) -> float:
    """When a build that begins its stages now has gone through them. `done` is when each is done, and learns of those that the build does, or does
    before another one comes to them."""
    for stage in stages:
        done[stage] = min(done.get(stage, math.inf), now + seconds.get(stage, 0.0))
        now = max(now, done[stage])
    return now
