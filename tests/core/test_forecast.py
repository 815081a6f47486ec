"""How long a run takes, on this machine or on another, and how long it still takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.durations import Basis, Duration
from matrixbuild.core.forecast import Estimate, expected, prioritised, remaining, what_if
from matrixbuild.core.schedule import ScheduledBuild
from tests.builders_schedule import build
from tests.core.test_schedule_laws import CAPACITY, releases

BUILDS = [build("base", cpu=1), *(build(f"app{number}", "base", cpu=1) for number in range(6))]


def seen(median: float, late: float | None = None) -> Duration:
    return Duration(median=median, late=median if late is None else late, basis=Basis.BUILD)


SURE = {made.name: seen(60.0) for made in BUILDS}
UNSURE = {made.name: seen(60.0, 90.0) for made in BUILDS}


def test_what_always_takes_the_same_takes_that() -> None:
    assert what_if(BUILDS, SURE, {"cpu": 2}) == Estimate(makespan=240.0, low=240.0, high=240.0, least=210.0, known=1.0)


def test_another_machine_is_another_time() -> None:
    assert [what_if(BUILDS, SURE, {"cpu": cpu}).makespan for cpu in (1, 3, 6)] == [420.0, 180.0, 120.0]


def test_what_varies_has_an_interval_that_is_the_same_every_time() -> None:
    found = what_if(BUILDS, UNSURE, {"cpu": 2})
    assert found.makespan == 240.0
    assert 180.0 < found.low < 240.0 < found.high < 380.0
    assert what_if(BUILDS, UNSURE, {"cpu": 2}) == found


def test_so_many_builds_that_their_own_swings_even_out() -> None:
    many = [build(f"b{number}", cpu=1) for number in range(4000)]
    found = expected(many, {made.name: seen(60.0, 90.0) for made in many}, {"cpu": 100})
    assert found.makespan == 2400.0
    assert 1700.0 < found.low < 1900.0
    assert 3000.0 < found.high < 3300.0


def test_known_is_the_part_that_rests_on_something_seen() -> None:
    durations = SURE | {"base": Duration(median=1.0, late=2.0, basis=Basis.DEFAULT), "app0": Duration(median=1.0, late=2.0)}
    assert what_if(BUILDS, durations, {"cpu": 2}).known == 5 / 7
    assert what_if([], {}, {"cpu": 2}) == Estimate(makespan=0.0, low=0.0, high=0.0, least=0.0, known=0.0)


def test_what_runs_goes_on_and_what_has_ended_is_over() -> None:
    ready = prioritised(BUILDS, SURE, {"cpu": 2})
    found = remaining(ready, SURE, {"cpu": 2}, ended={"base", "app0", "app1"}, running={"app2": 45.0, "app3": 10.0})
    assert found.makespan == 110.0


def test_a_build_that_is_late_is_not_over_yet() -> None:
    ready = prioritised(BUILDS[:1], UNSURE, {"cpu": 2})
    late, later = (remaining(ready, UNSURE, {"cpu": 2}, ended=set(), running={"base": elapsed}) for elapsed in (70.0, 500.0))
    assert (late.makespan, later.makespan) == (6.0, 6.0)
    assert late.high > 6.0
    assert later.high == 6.0


@given(releases(), st.data())
def test_an_interval_holds_the_makespan_and_more_room_is_no_reason_to_fail(builds: list[ScheduledBuild], data: st.DataObject) -> None:
    medians = {made.name: data.draw(st.integers(0, 20)) for made in builds}
    durations = {name: seen(float(median), float(2 * median)) for name, median in medians.items()}
    found = what_if(builds, durations, CAPACITY)
    assert found.low <= found.makespan <= found.high
    assert found.least <= found.makespan + 1e-9
