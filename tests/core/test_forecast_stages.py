"""What builds have in common: its time counts once, for whoever comes to it first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.durations import Basis, Duration
from matrixbuild.core.forecast import expected, prioritised, remaining, what_if
from matrixbuild.core.priorities import Bounds, bounds, paths, ranked
from matrixbuild.core.schedule import ScheduledBuild
from matrixbuild.core.simulation import simulated
from tests.builders_schedule import build
from tests.core.test_schedule_laws import CAPACITY, releases

BASE, TOOLS = "+base 22.04", "+tools"


def shares(name: str, *stages: str, needs: tuple[str, ...] = (), cpu: int = 1) -> ScheduledBuild:
    return replace(build(name, *needs, cpu=cpu), stages=stages)


def seen(median: float) -> Duration:
    return Duration(median=median, late=median, basis=Basis.BUILD)


TWELVE = [shares(f"image{number}", BASE) for number in range(12)]
SECONDS = {**{made.name: 60.0 for made in TWELVE}, BASE: 720.0}
DURATIONS = {name: seen(seconds) for name, seconds in SECONDS.items()}


def test_whoever_comes_first_does_it_and_the_others_wait_for_it_or_find_it_done() -> None:
    found = simulated(TWELVE, SECONDS, {"cpu": 4})
    assert sorted(found.ends.values()) == [780.0] * 4 + [840.0] * 4 + [900.0] * 4
    assert simulated(TWELVE, SECONDS, {"cpu": 4}, done={BASE: 100.0}).makespan == 100.0 + 3 * 60.0
    assert simulated(TWELVE, SECONDS, {"cpu": 4}, done={BASE: 0.0}).makespan == 3 * 60.0


def test_a_stage_of_which_nothing_is_known_takes_no_time() -> None:
    assert simulated([shares("a", "unknown")], {"a": 5.0}, {"cpu": 1}).makespan == 5.0
    assert what_if([shares("a", "unknown")], {"a": seen(5.0)}, {"cpu": 1}).makespan == 5.0


def test_several_stages_come_one_after_the_other() -> None:
    builds = [shares("a", BASE, TOOLS), shares("b", TOOLS), shares("c", BASE)]
    seconds = {"a": 1.0, "b": 1.0, "c": 1.0, BASE: 10.0, TOOLS: 5.0}
    assert simulated(builds, seconds, {"cpu": 3}).ends == {"a": 16.0, "b": 6.0, "c": 11.0}


def test_the_longest_remaining_path_has_it_once() -> None:
    builds = [shares("first", BASE), shares("then", BASE, needs=("first",)), shares("last", TOOLS, needs=("then",)), shares("alone")]
    seconds = {"first": 1.0, "then": 2.0, "last": 4.0, "alone": 90.0, BASE: 100.0, TOOLS: 50.0}
    assert paths(builds, seconds) == {"last": 54.0, "then": 156.0, "first": 157.0, "alone": 90.0}
    assert [made.name for made in sorted(ranked(builds, seconds), key=lambda made: -made.rank)] == ["first", "then", "last", "alone"]


def test_no_schedule_is_shorter_than_what_has_to_be_done_once() -> None:
    assert bounds(TWELVE, SECONDS, {"cpu": 4}) == Bounds(path=780.0, work=(12 * 60.0 + 720.0) / 4)
    # Somebody else may have done what is in common before the second one starts.
    builds = [shares("first"), shares("then", BASE, needs=("first",)), shares("other", BASE)]
    assert bounds(builds, {"first": 10.0, "then": 1.0, "other": 1.0, BASE: 7.0}, {"cpu": 2}).path == 11.0


def test_the_estimate_counts_it_once() -> None:
    ready = prioritised(TWELVE, DURATIONS, {"cpu": 4})
    assert expected(ready, DURATIONS, {"cpu": 4}).makespan == 900.0
    assert what_if(TWELVE, DURATIONS, {"cpu": 12}).makespan == what_if(TWELVE, DURATIONS, {"cpu": 12}).least == 780.0


def test_what_is_left_of_it() -> None:
    def left(running: Mapping[str, float], *ended: str) -> float:
        return remaining(TWELVE, DURATIONS, {"cpu": 4}, ended=set(ended), running=running).makespan

    four = [made.name for made in TWELVE[:4]]
    assert left({}) == 900.0
    # Whoever has run longest does it, also for those that came later.
    assert left({four[0]: 700.0, **dict.fromkeys(four[1:], 10.0)}) == 20.0 + 3 * 60.0
    assert left({four[0]: 730.0, **dict.fromkeys(four[1:], 10.0)}) == 50.0 + 2 * 60.0
    assert left({}, four[0]) == 3 * 60.0
    assert left({four[1]: 5.0}, four[0]) == 60.0 + 2 * 60.0


@st.composite
def with_stages(draw: st.DrawFn) -> tuple[list[ScheduledBuild], dict[str, float]]:
    builds = [replace(made, stages=tuple(sorted(draw(st.sets(st.sampled_from([BASE, TOOLS, "+more"])))))) for made in draw(releases())]
    names = [*(made.name for made in builds), BASE, TOOLS]
    return builds, {name: float(draw(st.integers(0, 20))) for name in names}


@given(with_stages())
def test_an_estimate_is_never_more_than_without_sharing_and_never_less_than_its_bounds(case: tuple[list[ScheduledBuild], dict[str, float]]) -> None:
    builds, seconds = case
    durations = {name: seen(value) for name, value in seconds.items()}
    found = expected(builds, durations, CAPACITY)
    alone = {made.name: seen(seconds[made.name] + math.fsum(seconds.get(stage, 0.0) for stage in made.stages)) for made in builds}
    assert found.makespan <= expected([replace(made, stages=()) for made in builds], alone, CAPACITY).makespan
    least = bounds(builds, seconds, CAPACITY)
    assert least.path <= found.makespan + 1e-9
    assert least.least <= simulated(builds, seconds, CAPACITY).makespan + 1e-9
    assert found.low <= found.makespan <= found.high


@given(with_stages())
def test_every_stage_is_done_once(case: tuple[list[ScheduledBuild], dict[str, float]]) -> None:
    builds, seconds = case
    found = simulated(builds, seconds, CAPACITY)
    for made in builds:
        taken = found.ends[made.name] - found.starts[made.name]
        most = seconds[made.name] + math.fsum(seconds.get(stage, 0.0) for stage in made.stages)
        assert seconds[made.name] - 1e-9 <= taken <= most + 1e-9
    for stage in {stage for made in builds for stage in made.stages}:
        theirs = [made for made in builds if stage in made.stages]
        first = min(found.starts[made.name] for made in theirs)
        assert all(found.ends[made.name] - seconds[made.name] >= first + seconds.get(stage, 0.0) - 1e-9 for made in theirs)


@given(with_stages(), st.data())
def test_nothing_that_has_ended_or_runs_makes_what_is_left_longer_than_the_whole(
    case: tuple[list[ScheduledBuild], dict[str, float]], data: st.DataObject
) -> None:
    builds, seconds = case
    durations = {name: seen(value) for name, value in seconds.items()}
    ready = [made.name for made in builds if not made.needs]
    ended = data.draw(st.sets(st.sampled_from(ready))) if ready else set()
    found = remaining(builds, durations, CAPACITY, ended=ended, running={})
    assert 0.0 <= found.least <= found.makespan + 1e-9
    assert found.makespan <= math.fsum(seconds.values()) + 1e-9
