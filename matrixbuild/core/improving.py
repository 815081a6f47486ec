"""Builds with ranks and durations -> the same builds with ranks that make the run shorter, where there are such: the planning pass.

Forward-backward improvement ("double justification": Valls, Ballestin, Quintanilla 2005), with schedules that never leave room unused, since that
is what the scheduler does: played backwards from the end, every build as late as it can be, then forwards in the order of those starts, again and
again.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from matrixbuild.core.pools import Pools
from matrixbuild.core.priorities import bounds, paths
from matrixbuild.core.scheduled import ScheduledBuild
from matrixbuild.core.simulation import simulated

MOST_BUILDS = 3000
"""With more builds the pass costs more than it gains: what waits for room is so much that any order fills the machine."""

_STEPS = 25_000
"""So many builds are placed in all passes together, which takes about 0.2 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Project:
    """The builds as numbers; `takes` are (pool, amount), `later` what needs each build, `before` how many each one needs."""

    seconds: tuple[float, ...]
    takes: tuple[tuple[tuple[int, int], ...], ...]
    capacity: tuple[int, ...]
    later: tuple[tuple[int, ...], ...]
    before: tuple[int, ...]


def improved(builds: Sequence[ScheduledBuild], seconds: Mapping[str, float], capacity: Mapping[str, int]) -> tuple[ScheduledBuild, ...]:
    """Never a longer run than with the ranks that the builds have, in a simulation with these durations; for more than MOST_BUILDS the same builds.

    `seconds` has an entry for every build. Raises ValueError as Schedule does.
    """
    if len(builds) > MOST_BUILDS:
        return tuple(builds)
    before = simulated(builds, seconds, capacity).makespan
    least = bounds(builds, seconds, capacity).least
    if before <= least:
        return tuple(builds)
    starts = _best(builds, seconds, capacity, least)
    made = tuple(replace(build, rank=before - start) for build, start in zip(builds, starts, strict=True))
    return made if simulated(made, seconds, capacity).makespan < before else tuple(builds)


def _best(builds: Sequence[ScheduledBuild], seconds: Mapping[str, float], capacity: Mapping[str, int], least: float) -> list[float]:
    forward, backward = _projects(builds, seconds, capacity)
    best: tuple[float, list[float]] | None = None
    for found in _passes(forward, backward, _orders(builds, seconds)):
        if best is None or found[0] < best[0]:
            best = found
        if best[0] <= least:
            break
    return best[1] if best else [0.0] * len(builds)


def _orders(builds: Sequence[ScheduledBuild], seconds: Mapping[str, float]) -> tuple[list[float], list[float]]:
    """Two to begin with, lowest first: the ranks as they are, and the longest path that waits for each build."""
    tails = paths(builds, seconds)
    return [-build.rank for build in builds], [seconds[build.name] - tails[build.name] for build in builds]


def _passes(forward: _Project, backward: _Project, orders: tuple[list[float], ...]) -> Iterator[tuple[float, list[float]]]:
    """Length and starts of one schedule after another."""
    passes = max(1, _STEPS // (2 * len(orders) * max(1, len(forward.seconds))))
    for order in orders:
        starts = _placed(forward, order)
        yield _length(forward, starts), starts
        for _ in range(passes):
            # What ends last goes first when time runs backwards, and a start counted from the end is an end.
            mirrored = _placed(backward, [-(start + taken) for start, taken in zip(starts, forward.seconds, strict=True)])
            length = _length(backward, mirrored)
            starts = _placed(forward, [length - start - taken for start, taken in zip(mirrored, forward.seconds, strict=True)])
            yield _length(forward, starts), starts


def _length(project: _Project, starts: Sequence[float]) -> float:
    return max((start + taken for start, taken in zip(starts, project.seconds, strict=True)), default=0.0)


def _placed(project: _Project, order: Sequence[float]) -> list[float]:
    """The start of every build, where at each moment whatever fits is started, lowest `order` first."""
    seconds, takes = project.seconds, project.takes
    free, missing, starts = list(project.capacity), list(project.before), [0.0] * len(project.seconds)
    lines: dict[tuple[tuple[int, int], ...], list[tuple[float, int]]] = {}
    arrived = [number for number, count in enumerate(missing) if not count]
    running: list[tuple[float, int]] = []
    now = 0.0
    while arrived or running or lines:
        for number in arrived:
            heapq.heappush(lines.setdefault(takes[number], []), (order[number], number))
        for number in _fitting(lines, free):
            starts[number] = now
            heapq.heappush(running, (now + seconds[number], number))
        # Something runs: what waits fits into an empty machine at the least.
        now, arrived = running[0][0], []
        while running and running[0][0] == now:
            number = heapq.heappop(running)[1]
            for pool, amount in takes[number]:
                free[pool] += amount
            for other in project.later[number]:
                missing[other] -= 1
                if not missing[other]:
                    arrived.append(other)
    return starts


def _fitting(lines: dict[tuple[tuple[int, int], ...], list[tuple[float, int]]], free: list[int]) -> list[int]:
    """Take out of the lines what fits now, and take its amounts. In a line all ask for the same, so the first that does not fit ends it."""
    found: list[int] = []
    heads = [(line[0], takes) for takes, line in lines.items()]
    heapq.heapify(heads)
    while heads:
        (_, number), takes = heapq.heappop(heads)
        # The innermost loop of the pass: a generator expression would cost as much again.
        for pool, amount in takes:
            if amount > free[pool]:
                break
        else:
            for pool, amount in takes:
                free[pool] -= amount
            line = lines[takes]
            heapq.heappop(line)
            if line:
                heapq.heappush(heads, (line[0], takes))
            else:
                del lines[takes]
            found.append(number)
    return found


def _projects(builds: Sequence[ScheduledBuild], seconds: Mapping[str, float], capacity: Mapping[str, int]) -> tuple[_Project, _Project]:
    """The builds forwards, and backwards: what needs a build comes before it."""
    pools = Pools(capacity)
    index = {name: number for number, name in enumerate(pools.whole)}
    number_of = {build.name: number for number, build in enumerate(builds)}
    needs = tuple(tuple(sorted({number_of[need] for need in build.needs})) for build in builds)
    needed: list[list[int]] = [[] for _ in builds]
    for number, found in enumerate(needs):
        for need in found:
            needed[need].append(number)
    later = tuple(tuple(found) for found in needed)
    forward = _Project(
        seconds=tuple(seconds[build.name] for build in builds),
        takes=tuple(tuple((index[pool], amount) for pool, amount in pools.demand(build.amounts)) for build in builds),
        capacity=tuple(pools.whole.values()),
        later=later,
        before=tuple(map(len, needs)),
    )
    return forward, replace(forward, later=needs, before=tuple(map(len, later)))
