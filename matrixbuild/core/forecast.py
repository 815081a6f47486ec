"""Builds, learned durations and capacities -> how long a run takes, and between which times it very likely ends."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from statistics import NormalDist, median

from matrixbuild.core.durations import Basis, Duration
from matrixbuild.core.improving import improved
from matrixbuild.core.priorities import bounds, ranked
from matrixbuild.core.scheduled import ScheduledBuild
from matrixbuild.core.simulation import gone_through, simulated

_SHARED = 0.5
"""The part of the variance that all builds of a run have in common: a slow network or a busy machine is slow for all of them."""

_NOTHING: Mapping[str, float] = {}
_NINETIETH = NormalDist().inv_cdf(0.9)
_MOST_RUNS = 40
_STEPS = 12_000
_FEW_STEPS = 3_000
_FEW_RUNS = 4
"""So many builds are simulated in all runs together; fewer where the answer is asked for again and again. Where those are few runs, only what builds
have in common is told: the rest evens out."""

_LEAST_LEFT = 0.1
"""The part of its median that a build which is late already is taken to need still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Seconds from now: `makespan` with every build at its median, and eight of ten runs end between `low` and `high`. No schedule is shorter than
    `least`. `known` is the part of the builds whose durations rest on what was seen: with none of them, it says nothing."""

    makespan: float
    low: float
    high: float
    least: float
    known: float


def prioritised(builds: Sequence[ScheduledBuild], durations: Mapping[str, Duration], capacity: Mapping[str, int]) -> tuple[ScheduledBuild, ...]:
    """The builds with the ranks they are to run with: the longest remaining path, and better where the planning pass finds better."""
    medians = _medians(durations)
    made = ranked(builds, medians)
    return improved(made, medians, capacity) if known(builds, durations) else made


def what_if(builds: Sequence[ScheduledBuild], durations: Mapping[str, Duration], capacity: Mapping[str, int]) -> Estimate:
    """How long a run would take on a machine with this capacity. `durations` has an entry for every build, without its stages, and for each stage of
    which something is known; the same arguments give the same answer.

    Raises ValueError for a pool that a build asks for and `capacity` lacks.
    """
    return expected(prioritised(builds, durations, capacity), durations, capacity)


def expected(
    builds: Sequence[ScheduledBuild],
    durations: Mapping[str, Duration],
    capacity: Mapping[str, int],
    *,
    done: Mapping[str, float] = _NOTHING,
    steps: int = _STEPS,
) -> Estimate:
    """The same, with the ranks that the builds have. With fewer `steps` the interval is less exact; `done` as in core.simulation."""
    medians = _medians(durations)

    def length(seconds: Mapping[str, float]) -> float:
        return simulated(builds, seconds, capacity, done=done).makespan

    makespan = min(length(medians), _apart(builds, medians, capacity))
    low, high = _interval(builds, durations, makespan, steps, length)
    least = min(makespan, bounds([_left_of(build, done) for build in builds], medians, capacity).least)
    return Estimate(makespan=makespan, low=min(low, makespan), high=max(high, makespan), least=least, known=known(builds, durations))


def _apart(builds: Sequence[ScheduledBuild], medians: Mapping[str, float], capacity: Mapping[str, int]) -> float:
    """How long it takes if each build does all of its stages itself. Where room is short, shorter builds can make a longer run; then the other order
    is as good an estimate."""
    if not any(build.stages for build in builds):
        return math.inf
    alone = {build.name: medians[build.name] + math.fsum(medians.get(stage, 0.0) for stage in build.stages) for build in builds}
    return simulated([replace(build, stages=()) for build in builds], alone, capacity).makespan


def _left_of(build: ScheduledBuild, done: Mapping[str, float]) -> ScheduledBuild:
    return replace(build, stages=tuple(stage for stage in build.stages if stage not in done)) if done and build.stages else build


def remaining(
    builds: Sequence[ScheduledBuild],
    durations: Mapping[str, Duration],
    capacity: Mapping[str, int],
    *,
    ended: AbstractSet[str],
    running: Mapping[str, float],
) -> Estimate:
    """How long a run still takes: `ended` are the builds that are over, `running` the seconds that others have run."""
    left = [
        replace(build, needs=tuple(need for need in build.needs if need not in ended), rank=math.inf if build.name in running else build.rank)
        for build in builds
        if build.name not in ended
    ]
    done, elapsed = _underway(builds, _medians(durations), ended, running)
    times = {build.name: _left(durations[build.name], elapsed.get(build.name, 0.0)) for build in left}
    stages = {stage: durations[stage] for build in left for stage in build.stages if stage in durations}
    left = [replace(build, stages=()) if build.name in running and build.stages else build for build in left]
    return expected(left, times | stages, capacity, done=done, steps=_FEW_STEPS)


def _underway(
    builds: Sequence[ScheduledBuild], medians: Mapping[str, float], ended: AbstractSet[str], running: Mapping[str, float]
) -> tuple[dict[str, float], dict[str, float]]:
    """In how many seconds each stage is done that builds have done or are doing; and how many seconds each running build has been at its own part,
    below 0 where it is not there yet."""
    done = {stage: -math.inf for build in builds if build.name in ended for stage in build.stages}
    elapsed: dict[str, float] = {}
    for build in sorted((build for build in builds if build.name in running), key=lambda build: (-running[build.name], build.name)):
        elapsed[build.name] = -gone_through(build.stages, -running[build.name], medians, done)
    return {stage: max(0.0, end) for stage, end in done.items()}, elapsed


def _left(duration: Duration, elapsed: float) -> Duration:
    least = duration.median * _LEAST_LEFT if elapsed else 0.0
    middle = max(duration.median - elapsed, least)
    return replace(duration, median=middle, late=max(duration.late - elapsed, middle))


def _medians(durations: Mapping[str, Duration]) -> dict[str, float]:
    return {name: duration.median for name, duration in durations.items()}


def known(builds: Sequence[ScheduledBuild], durations: Mapping[str, Duration]) -> float:
    """The part of the builds whose durations rest on what was seen."""
    seen = sum(durations[build.name].basis not in (Basis.DECLARED, Basis.DEFAULT) for build in builds)
    return seen / len(builds) if builds else 0.0


def _interval(
    builds: Sequence[ScheduledBuild], durations: Mapping[str, Duration], makespan: float, steps: int, length: Callable[[Mapping[str, float]], float]
) -> tuple[float, float]:
    runs = min(_MOST_RUNS, steps // max(1, len(builds)))
    counted = dict.fromkeys([*(build.name for build in builds), *(stage for build in builds for stage in build.stages if stage in durations)])
    sigmas = {name: _sigma(durations[name]) for name in counted}
    if runs < _FEW_RUNS:
        swing = math.exp(math.sqrt(_SHARED) * _NINETIETH * median(sigmas.values()))
        return makespan / swing, makespan * swing
    lengths = sorted(length(_drawn(durations, sigmas, run, runs)) for run in range(runs))
    tenth = round(runs / 10 - 0.5)
    return lengths[tenth], lengths[runs - 1 - tenth]


def _sigma(duration: Duration) -> float:
    """Of a log-normal distribution with this median and 90th percentile."""
    return math.log(duration.late / duration.median) / _NINETIETH if duration.median > 0 and duration.late > duration.median else 0.0


def _drawn(durations: Mapping[str, Duration], sigmas: Mapping[str, float], run: int, runs: int) -> dict[str, float]:
    """The seconds of one of so many runs. What the builds have in common goes evenly through its distribution, so that few runs are enough."""
    normal = NormalDist()
    common = math.sqrt(_SHARED) * normal.inv_cdf((run + 0.5) / runs)
    own = math.sqrt(1 - _SHARED)
    return {name: durations[name].median * math.exp(sigma * (common + own * normal.inv_cdf(_share(name, run)))) for name, sigma in sigmas.items()}


def _share(name: str, run: int) -> float:
    """A number between 0 and 1 that name and run alone decide."""
    digest = hashlib.sha256(f"{name} {run}".encode("utf-8", "surrogatepass")).digest()
    return (int.from_bytes(digest[:6]) + 0.5) / 2**48
