from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.retry import Treatment


def test_waits_double_up_to_the_longest() -> None:
    treatment = Treatment(initial=8, maximum=64)
    whole = [8.0, 16.0, 32.0, 64.0, 64.0, 64.0]
    waits = [treatment.wait_before(attempt, key="k") for attempt in range(2, 8)]
    assert all(wait is not None and most / 2 < wait <= most for wait, most in zip(waits, whole, strict=True))


def test_builds_that_failed_together_come_back_apart_and_the_same_way_every_run() -> None:
    waits = {key: Treatment().wait_before(2, key=key) for key in map(str, range(100))}
    assert len(set(waits.values())) == 100
    assert waits == {key: Treatment().wait_before(2, key=key) for key in waits}


def test_what_a_registry_asks_for_is_kept_in_full() -> None:
    assert Treatment(initial=1, maximum=90).wait_before(2, asked=90.0, key="k") == 90.0


def test_a_registry_that_asks_for_longer_than_the_longest_wait_ends_it() -> None:
    assert Treatment(maximum=300).wait_before(2, asked=21600.0, key="k") is None


@given(st.integers(2, 10**6), st.floats(0, 1e6), st.floats(0, 1e6), st.text())
def test_no_wait_is_longer_than_the_longest(attempt: int, initial: float, more: float, key: str) -> None:
    treatment = Treatment(initial=initial, maximum=initial + more)
    wait = treatment.wait_before(attempt, key=key)
    assert wait is not None
    assert 0 <= wait <= treatment.maximum


@pytest.mark.parametrize(
    ("attempts", "initial", "maximum", "message"),
    [
        (0, 1.0, 2.0, "a build needs at least one attempt, not 0"),
        (1, 5.0, 2.0, "the first wait (5 s) is not negative, and not longer than the longest (2 s)"),
        (1, -1.0, 2.0, "the first wait (-1 s) is not negative, and not longer than the longest (2 s)"),
    ],
)
def test_a_treatment_that_makes_no_sense_is_refused(attempts: int, initial: float, maximum: float, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        Treatment(attempts=attempts, initial=initial, maximum=maximum)
    assert str(caught.value) == message
