"""What follows a failure: for each kind whether, how often, after how long and with what reservation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matrixbuild.core.failure import FailureKind
from matrixbuild.core.policy import OUTSIDE, WORTH_RETRYING, Again, Budget, FailurePolicy, GivenUp, Memory, failure_policy, worth_retrying
from matrixbuild.core.retry import Remedy, Treatment
from tests.builders_schedule import failure

GI = 2**30
SOON = failure_policy(initial=0, maximum=0)
NETWORK, OOM, DISK, STEP = (failure(kind) for kind in (FailureKind.NETWORK, FailureKind.OOM, FailureKind.DISK, FailureKind.STEP))


@pytest.mark.parametrize("kind", FailureKind)
def test_only_what_may_go_well_the_next_time_is_tried_again(kind: FailureKind) -> None:
    answer = SOON.answer(failure(kind), attempt=1, memory=Memory(held=1, limit=9))
    worth = kind.value in {"network", "registry", "builder", "push", "timeout", "oom", "disk"}
    assert isinstance(answer, Again) == worth
    assert worth or answer is GivenUp.KIND


def test_attempts_count_the_first_one() -> None:
    assert [SOON.answer(NETWORK, attempt=attempt) for attempt in (1, 2, 3)] == [Again(wait=0), Again(wait=0), GivenUp.ATTEMPTS]
    assert failure_policy(attempts=1).answer(NETWORK, attempt=1) is GivenUp.KIND


def test_a_manifest_says_otherwise_of_some_kinds_and_the_others_stay() -> None:
    said = failure_policy(on=[("step", True), ("network", False), ("push", True)])
    assert said.treatments.keys() == WORTH_RETRYING - {FailureKind.NETWORK} | {FailureKind.STEP}
    assert said.answer(NETWORK, attempt=1) is GivenUp.KIND
    assert isinstance(said.answer(STEP, attempt=1), Again)


def test_what_lies_outside_the_builds() -> None:
    assert {kind for kind in FailureKind if SOON.treatment(kind).outside} == OUTSIDE
    assert {kind.value for kind in OUTSIDE} == {"network", "registry", "builder", "push"}


def test_a_kind_may_have_a_treatment_of_its_own() -> None:
    policy = FailurePolicy(treatments={FailureKind.STEP: Treatment(attempts=2, initial=0, maximum=0, remedy=Remedy.SPACE)})
    assert [policy.answer(STEP, attempt=attempt) for attempt in (1, 2)] == [Again(wait=0, space=True), GivenUp.ATTEMPTS]
    assert policy.answer(NETWORK, attempt=1) is GivenUp.KIND


def test_after_a_full_disk_space_is_made() -> None:
    assert SOON.answer(DISK, attempt=1) == Again(wait=0, space=True)


def test_memory_is_doubled_up_to_all_there_is_and_then_it_is_final() -> None:
    held, seen = 8 * GI, []
    while isinstance(
        answer := failure_policy(attempts=20, initial=0, maximum=0).answer(OOM, attempt=1, memory=Memory(held=held, limit=40 * GI)), Again
    ):
        assert answer.memory is not None
        held = answer.memory
        seen.append(held // GI)
    assert seen == [16, 32, 40]
    assert answer is GivenUp.MEMORY


def test_a_build_that_asked_for_no_memory_gets_half_of_it_and_then_all() -> None:
    assert Memory(limit=9).larger == 5
    assert Memory(held=5, limit=9).larger == 9
    assert Memory(held=9, limit=9).larger is None
    assert SOON.answer(OOM, attempt=1) is GivenUp.MEMORY


def test_what_a_registry_asks_for_is_kept_in_full_or_not_tried() -> None:
    limited = failure(FailureKind.REGISTRY, retry_after=90.0)
    assert failure_policy(maximum=90).answer(limited, attempt=1) == Again(wait=90.0)
    assert failure_policy(maximum=89).answer(limited, attempt=1) is GivenUp.WAIT


def test_a_budget_is_a_share_of_the_builds_and_some_more() -> None:
    assert [Budget().of(builds) for builds in (0, 1, 10, 11, 1000)] == [10, 11, 11, 12, 110]
    assert Budget(share=0, more=3).of(1000) == 3


class TestFailuresThatSayItThemselves:
    HOPELESS = replace(NETWORK, again=False)
    PASSING = replace(STEP, again=True)

    def test_one_that_would_fail_the_same_way_is_final(self) -> None:
        assert SOON.answer(self.HOPELESS, attempt=1) is GivenUp.KIND
        assert failure_policy(on=[("network", True)]).answer(self.HOPELESS, attempt=1) is GivenUp.KIND

    def test_one_that_may_pass_is_tried_once_more(self) -> None:
        assert [SOON.answer(self.PASSING, attempt=attempt) for attempt in (1, 2)] == [Again(wait=0), GivenUp.ATTEMPTS]
        assert failure_policy(attempts=1).answer(self.PASSING, attempt=1) is GivenUp.KIND

    def test_the_manifest_has_the_last_word_on_a_kind(self) -> None:
        assert failure_policy(on=[("step", False)]).answer(self.PASSING, attempt=1) is GivenUp.KIND
        often = failure_policy(attempts=5, initial=0, maximum=0, on=[("step", True)])
        assert [isinstance(often.answer(self.PASSING, attempt=attempt), Again) for attempt in (1, 4, 5)] == [True, True, False]

    @pytest.mark.parametrize("again", [True, False])
    @pytest.mark.parametrize("kind", FailureKind)
    def test_whether_it_is_worth_it(self, kind: FailureKind, again: bool) -> None:
        assert worth_retrying(replace(failure(kind), again=again)) is again
        assert worth_retrying(failure(kind)) is (kind in WORTH_RETRYING)
