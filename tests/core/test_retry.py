from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.failure import FailureKind
from matrixbuild.core.retry import RetryPolicy
from tests.builders_schedule import failure

NETWORK = failure(FailureKind.NETWORK)


@pytest.mark.parametrize("kind", FailureKind)
def test_only_what_may_go_well_the_next_time_is_tried_again(kind: FailureKind) -> None:
    again = RetryPolicy().wait_before(2, failure=failure(kind), key="k") is not None
    assert again == (kind.value in {"network", "registry", "builder", "push", "timeout"})


def test_another_choice_of_kinds_is_kept() -> None:
    policy = RetryPolicy(kinds=frozenset({FailureKind.OOM}))
    assert policy.wait_before(2, failure=failure(FailureKind.OOM), key="k") is not None
    assert policy.wait_before(2, failure=NETWORK, key="k") is None


def test_attempts_count_the_first_one() -> None:
    policy = RetryPolicy(attempts=3)
    assert [policy.wait_before(attempt, failure=NETWORK, key="k") is None for attempt in (2, 3, 4)] == [False, False, True]
    assert RetryPolicy(attempts=1).wait_before(2, failure=NETWORK, key="k") is None


def test_waits_double_up_to_the_longest() -> None:
    policy = RetryPolicy(attempts=9, initial=8, maximum=64)
    whole = [8.0, 16.0, 32.0, 64.0, 64.0, 64.0]
    waits = [policy.wait_before(attempt, failure=NETWORK, key="k") for attempt in range(2, 8)]
    assert all(wait is not None and most / 2 < wait <= most for wait, most in zip(waits, whole, strict=True))


def test_builds_that_failed_together_come_back_apart_and_the_same_way_every_run() -> None:
    policy = RetryPolicy()
    waits = {key: policy.wait_before(2, failure=NETWORK, key=key) for key in map(str, range(100))}
    assert len(set(waits.values())) == 100
    assert waits == {key: RetryPolicy().wait_before(2, failure=NETWORK, key=key) for key in waits}


def test_what_a_registry_asks_for_is_kept_in_full() -> None:
    asked = failure(FailureKind.REGISTRY, retry_after=90.0)
    assert RetryPolicy(initial=1, maximum=90).wait_before(2, failure=asked, key="k") == 90.0


def test_a_registry_that_asks_for_longer_than_the_longest_wait_ends_it() -> None:
    asked = failure(FailureKind.REGISTRY, retry_after=21600.0)
    assert RetryPolicy(maximum=300).wait_before(2, failure=asked, key="k") is None


@given(st.integers(2, 10**6), st.floats(0, 1e6), st.floats(0, 1e6), st.text())
def test_no_wait_is_longer_than_the_longest(attempt: int, initial: float, more: float, key: str) -> None:
    policy = RetryPolicy(attempts=10**6, initial=initial, maximum=initial + more)
    wait = policy.wait_before(attempt, failure=NETWORK, key=key)
    assert wait is not None
    assert 0 <= wait <= policy.maximum


@pytest.mark.parametrize(
    ("attempts", "initial", "maximum", "message"),
    [
        (0, 1.0, 2.0, "a build needs at least one attempt, not 0"),
        (1, 5.0, 2.0, "the first wait (5 s) is not negative, and not longer than the longest (2 s)"),
        (1, -1.0, 2.0, "the first wait (-1 s) is not negative, and not longer than the longest (2 s)"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(attempts: int, initial: float, maximum: float, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        RetryPolicy(attempts=attempts, initial=initial, maximum=maximum)
    assert str(caught.value) == message
