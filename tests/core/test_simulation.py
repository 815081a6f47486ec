"""The scheduler, played through in no time; and the planning pass, which must never make a run longer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.improving import improved
from matrixbuild.core.priorities import bounds, ranked
from matrixbuild.core.schedule import ScheduledBuild
from matrixbuild.core.simulation import Simulated, simulated
from tests.builders_schedule import build
from tests.core.test_schedule_laws import CAPACITY, releases


def test_a_run_is_told_by_starts_and_ends() -> None:
    builds = [build("a", cpu=1), build("b", "a", cpu=1), build("c", cpu=1)]
    found = simulated(builds, {"a": 3.0, "b": 1.0, "c": 5.0}, {"cpu": 2})
    assert found == Simulated(starts={"a": 0.0, "c": 0.0, "b": 3.0}, ends={"a": 3.0, "c": 5.0, "b": 4.0})
    assert found.makespan == 5.0
    assert simulated([], {}, {}).makespan == 0.0


def test_what_ends_in_one_moment_leaves_its_room_together() -> None:
    builds = [build("a", cpu=1), build("b", cpu=1), build("big", cpu=2, rank=9), build("small", cpu=1)]
    found = simulated([*builds[:2], build("c", "a", "b", cpu=2, rank=9), builds[3]], {"a": 1.0, "b": 1.0, "c": 1.0, "small": 1.0}, {"cpu": 2})
    assert found.starts["c"] == 1.0


def test_a_better_order_is_found() -> None:
    builds = [build("a", cpu=1, rank=1), build("b", "a", cpu=1), build("c", cpu=1, rank=9), build("d", cpu=1, rank=9)]
    seconds = dict.fromkeys("abcd", 4.0)
    assert simulated(builds, seconds, {"cpu": 2}).makespan == 12.0
    assert simulated(improved(builds, seconds, {"cpu": 2}), seconds, {"cpu": 2}).makespan == 8.0


times = st.integers(0, 20).map(float)


@given(releases(), st.data())
def test_no_run_is_shorter_than_its_bounds_and_the_planning_pass_makes_none_longer(builds: list[ScheduledBuild], data: st.DataObject) -> None:
    seconds = {made.name: data.draw(times) for made in builds}
    before = ranked(builds, seconds)
    after = improved(before, seconds, CAPACITY)
    long, short = (simulated(made, seconds, CAPACITY).makespan for made in (before, after))
    assert bounds(builds, seconds, CAPACITY).least - 1e-9 <= short <= long
    assert [made.name for made in after] == [made.name for made in builds]
    assert improved(before, seconds, CAPACITY) == after


@given(releases(), st.data())
def test_needs_end_before_and_nothing_is_left_out(builds: list[ScheduledBuild], data: st.DataObject) -> None:
    seconds = {made.name: data.draw(times) for made in builds}
    found = simulated(builds, seconds, CAPACITY)
    assert set(found.ends) == set(seconds)
    assert all(found.ends[need] <= found.starts[made.name] for made in builds for need in made.needs)
