"""How long a build will take: from its own past, from builds like it, from what was declared, from nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.durations import DEFAULT_SECONDS, Basis, Duration, Durations, parsed

SLOW = "provider[fips=true,kubernetes=k3s-1.33.10,os=rhel-9]"
FAST = "provider[fips=true,kubernetes=k3s-1.33.10,os=ubuntu-24.04]"


def test_its_own_past_is_the_best() -> None:
    assert Durations({SLOW: [100.0, 120.0, 110.0], FAST: [10.0]}).of(SLOW) == Duration(median=110.0, late=165.0, basis=Basis.BUILD)


def test_with_enough_attempts_the_ninetieth_percentile_is_seen() -> None:
    times = [float(seconds) for seconds in range(10, 20)]
    found = Durations({SLOW: times}).of(SLOW)
    assert found.median == 14.5
    assert found.late == pytest.approx(18.0)


def test_a_version_that_is_new_takes_what_its_neighbours_take() -> None:
    new = SLOW.replace("1.33.10", "1.34.0")
    found = Durations({SLOW: [100.0], FAST: [10.0]}).of(new)
    assert (found.median, found.basis) == (100.0, Basis.SIMILAR)


def test_with_no_neighbour_the_axis_value_that_tells_most_counts() -> None:
    history = {SLOW: [100.0], FAST: [10.0], FAST.replace("24.04", "22.04"): [10.0], FAST.replace("ubuntu-24.04", "debian-12"): [10.0]}
    found = Durations(history).of("provider[fips=false,kubernetes=rke2-1.34.2,os=rhel-9]")
    assert (found.median, found.basis) == (100.0, Basis.VALUE)


def test_a_target_seen_with_other_values_and_one_never_seen() -> None:
    durations = Durations({SLOW: [100.0], FAST: [10.0]})
    found = durations.of("provider[os=sles-15]")
    assert (found.median, found.basis) == (55.0, Basis.TARGET)
    assert found.late == pytest.approx(100.0)
    assert durations.of("iso[os=rhel-9]", declared=60.0) == Duration(median=60.0, late=90.0, basis=Basis.DECLARED)
    assert durations.of("iso[os=rhel-9]").basis is Basis.DEFAULT
    assert durations.of("iso[os=rhel-9]").median == DEFAULT_SECONDS


def test_how_much_builds_differ_among_each_other_is_in_the_percentile() -> None:
    history = {f"iso[os=a,v={number}]": [float(number)] for number in range(1, 11)}
    found = Durations(history).of("iso[os=b,v=99]")
    assert found.median == 5.5
    assert found.late == pytest.approx(9.0)


def test_names_are_taken_apart_as_they_are_made() -> None:
    assert parsed("keys") == ("keys", ())
    assert parsed("iso[arch=amd64,os=ubuntu-24.04]@0a1b2c3d") == ("iso", ("arch=amd64", "os=ubuntu-24.04"))


times = st.lists(st.floats(0, 1e6), min_size=1, max_size=12)
names = st.builds(lambda target, os, version: f"{target}[os={os},v={version}]", *(st.sampled_from(words) for words in ("pq", "abc", "123")))


@given(st.dictionaries(names, times, max_size=8), names)
def test_an_estimate_lies_within_what_was_seen_and_is_never_late_before_its_median(history: dict[str, list[float]], name: str) -> None:
    found = Durations(history).of(name)
    assert 0 <= found.median <= found.late
    if found.basis is not Basis.DEFAULT:
        seen = [seconds for taken in history.values() for seconds in taken]
        assert min(seen) <= found.median <= max(seen)


@given(times)
def test_the_order_of_a_history_changes_nothing(taken: list[float]) -> None:
    assert Durations({SLOW: taken}).of(SLOW) == Durations({SLOW: taken[::-1]}).of(SLOW)
