from __future__ import annotations

import re

import pytest

from matrixbuild.core.events import Event, Failed, Finished, Interrupted, Report, Run, Started, State, WakeLater, Woke
from matrixbuild.core.failure import FailureKind
from matrixbuild.core.policy import failure_policy
from matrixbuild.core.schedule import IllegalEvent, Schedule
from tests.builders_schedule import ONCE, Play, build, failure, words

STEP, NETWORK, CANCELLED = FailureKind.STEP, FailureKind.NETWORK, FailureKind.CANCELLED
TWICE = failure_policy(attempts=2, initial=0, maximum=0)


def test_a_build_runs_when_what_it_needs_is_built() -> None:
    play = Play(build("base"), build("app", "base"), build("iso", "base", "app"))
    play.start("run base")
    play.finish("base", "base built", "run app")
    play.finish("app", "app built", "run iso")
    play.finish("iso", "iso built").ends()


def test_a_need_named_twice_counts_once() -> None:
    Play(build("base"), build("app", "base", "base")).start("run base").finish("base", "base built", "run app").finish("app", "app built").ends()


def test_a_run_of_nothing_ends_as_it_starts() -> None:
    Play().start().ends()


def test_everything_that_fits_runs_at_once() -> None:
    play = Play(build("a", cpu=1), build("b", cpu=1), build("c", cpu=1), cpu=2)
    play.start("run a", "run b").finish("b", "b built", "run c")


def test_the_longest_remaining_path_goes_first() -> None:
    play = Play(build("short", cpu=1, rank=1), build("long", cpu=1, rank=5), cpu=1)
    play.start("run long").finish("long", "long built", "run short")


def test_a_build_larger_than_the_machine_runs_alone() -> None:
    play = Play(build("a", cpu=1), build("huge", cpu=99), build("b", cpu=1), cpu=4)
    play.start("run a", "run b").finish("a", "a built").finish("b", "b built", "run huge").finish("huge", "huge built").ends()


def test_a_failure_skips_only_what_needs_it_and_each_says_which() -> None:
    play = Play(build("base"), build("other"), build("app", "base"), build("iso", "app", "other"), build("disk", "other"))
    play.start("run base", "run other")
    play.fail("base", STEP, "base failed: step", "app skipped: base", "iso skipped: base")
    play.finish("other", "other built", "run disk")
    play.finish("disk", "disk built").ends()


def test_of_two_failures_the_first_is_named() -> None:
    play = Play(build("a"), build("b"), build("both", "a", "b"))
    play.start("run a", "run b").fail("b", STEP, "b failed: step", "both skipped: b").fail("a", STEP, "a failed: step").ends()


def test_a_failure_worth_it_is_tried_again_and_rests_without_holding_anything() -> None:
    play = Play(build("a", cpu=1, key="k"), build("b", cpu=1), policy=TWICE, cpu=1)
    play.start("run a")
    play.fail("a", NETWORK, "a resting: network", "wake a in 0", "run b")
    play.wake("a")
    play.finish("b", "b built", "run a again (2)")
    play.finish("a", "a built").ends()
    assert play.schedule.story("a") == "waiting > ready > running 1 > resting > ready > running 2 > built"


def test_the_last_attempt_is_the_last() -> None:
    play = Play(build("a"), build("b", "a"), policy=TWICE)
    play.start("run a").fail("a", NETWORK, "a resting: network", "wake a in 0").wake("a", "run a again (2)")
    play.fail("a", NETWORK, "a failed: network", "b skipped: a").ends()


def test_how_long_it_rests_is_the_policys_word() -> None:
    policy = failure_policy(initial=5, maximum=300)
    schedule = Schedule([build("a", key="sha256:1")], capacity={}, policy=policy)
    schedule.handle(Started())
    asked = failure(FailureKind.REGISTRY, retry_after=30)
    assert schedule.handle(Failed(build="a", failure=asked)) == (
        Report(build="a", state=State.RESTING, attempt=1, failure=asked, wait=30),
        WakeLater(build="a", seconds=30.0),
    )


def test_a_start_is_reported_before_it_is_told() -> None:
    assert Schedule([build("a")], capacity={}, policy=ONCE).handle(Started()) == (
        Report(build="a", state=State.RUNNING, attempt=1),
        Run(build="a", attempt=1),
    )


def test_an_interrupt_stops_what_runs_and_starts_nothing_more() -> None:
    play = Play(build("a", cpu=1), build("b", cpu=1), build("c", "a"), build("d", cpu=1), cpu=2)
    play.start("run a", "run b")
    play.interrupt("stop a", "stop b", "c cancelled", "d cancelled")
    play.finish("a", "a built")
    play.fail("b", CANCELLED, "b cancelled: cancelled").ends()


def test_after_an_interrupt_nothing_is_tried_again_and_a_real_failure_is_still_one() -> None:
    play = Play(build("a"), policy=TWICE)
    play.start("run a").interrupt("stop a").fail("a", NETWORK, "a failed: network").ends()


def test_an_interrupt_ends_a_rest_and_its_timer_may_still_ring() -> None:
    play = Play(build("a"), build("b"), policy=TWICE)
    play.start("run a", "run b").fail("a", NETWORK, "a resting: network", "wake a in 0")
    play.interrupt("a cancelled", "stop b").wake("a").finish("b", "b built").ends()


def test_a_second_interrupt_waits_for_nobody() -> None:
    play = Play(build("a"), build("b"))
    play.start("run a", "run b").interrupt("stop a", "stop b").finish("a", "a built").interrupt("stop b now", "b cancelled").ends()


def test_one_build_cancelled_by_itself_skips_what_needs_it() -> None:
    play = Play(build("a"), build("b", "a"), policy=TWICE)
    play.start("run a").fail("a", CANCELLED, "a cancelled: cancelled", "b skipped: a").ends()


def test_fail_fast_starts_nothing_else_and_lets_what_runs_go_on() -> None:
    play = Play(build("a", cpu=1), build("b", cpu=1), build("c", cpu=1), build("d", "a"), build("e", "b"), most_failures=1, cpu=2)
    play.start("run a", "run b")
    play.fail("a", STEP, "a failed: step", "d skipped: a", "c skipped: a (limit 1)", "e skipped: a (limit 1)")
    play.finish("b", "b built").ends()


def test_so_many_failures_stop_a_run_and_not_one_less() -> None:
    play = Play(*(build(name, cpu=1) for name in "abcde"), most_failures=2, cpu=2)
    play.start("run a", "run b").fail("a", STEP, "a failed: step", "run c")
    play.fail("c", STEP, "c failed: step", "d skipped: c (limit 2)", "e skipped: c (limit 2)")
    play.fail("b", STEP, "b failed: step").ends()


def test_a_failure_that_is_tried_again_is_none_yet() -> None:
    play = Play(build("a", cpu=1), build("b", cpu=1), policy=TWICE, most_failures=1, cpu=1)
    play.start("run a").fail("a", NETWORK, "a resting: network", "wake a in 0", "run b").wake("a").finish("b", "b built", "run a again (2)")
    play.finish("a", "a built").ends()


def test_what_rests_when_the_run_stops_has_failed_with_what_it_rests_from_and_its_timer_may_still_ring() -> None:
    play = Play(build("a"), build("b"), build("c", "a"), build("d", "b"), policy=TWICE, most_failures=1)
    play.start("run a", "run b").fail("a", NETWORK, "a resting: network", "wake a in 0")
    play.fail("b", STEP, "b failed: step", "d skipped: b", "a failed: network", "c skipped: a").wake("a").ends()


def test_what_runs_when_the_run_stops_is_not_tried_again() -> None:
    play = Play(build("a"), build("b"), policy=TWICE, most_failures=1)
    play.start("run a", "run b").fail("a", STEP, "a failed: step").fail("b", NETWORK, "b failed: network").ends()


def test_a_build_that_somebody_cancelled_is_no_failure() -> None:
    play = Play(build("a", cpu=1), build("b", cpu=1), most_failures=1, cpu=1)
    play.start("run a").fail("a", CANCELLED, "a cancelled: cancelled", "run b").finish("b", "b built").ends()


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (Started(), "a run starts once"),
        (Finished(build="nobody", made=None), "Finished for 'nobody', which is not among the builds"),
        (Finished(build="b", made=None), "Finished for 'b', which was waiting"),
        (Failed(build="b", failure=failure()), "Failed for 'b', which was waiting"),
        (Woke(build="a"), "Woke for 'a', which was waiting > ready > running 1"),
    ],
)
def test_an_event_that_cannot_be_is_told_with_the_story_of_its_build(event: Event, message: str) -> None:
    play = Play(build("a"), build("b", "a")).start("run a")
    with pytest.raises(IllegalEvent, match=f"^{re.escape(message)}$"):
        play.schedule.handle(event)
    play.finish("a", "a built", "run b")


@pytest.mark.parametrize("event", [Interrupted(), Woke(build="a")])
def test_nothing_comes_before_the_start(event: Event) -> None:
    with pytest.raises(IllegalEvent, match=r"before the run has started$"):
        Schedule([build("a")], capacity={}, policy=ONCE).handle(event)


def test_a_cycle_that_comes_this_far_is_told_and_does_not_hang() -> None:
    with pytest.raises(IllegalEvent, match=r"^nothing runs or rests, and the run has not ended; 'a' was waiting$"):
        Play(build("a", "b"), build("b", "a")).start()


def test_needs_and_names_are_checked() -> None:
    with pytest.raises(ValueError, match=r"^'a' needs 'b', which is not among the builds$"):
        Play(build("a", "b"))
    with pytest.raises(ValueError, match=r"^two builds are called 'a'$"):
        Play(build("a"), build("a"))


def test_counts_follow_the_builds() -> None:
    play = Play(build("a"), build("b", "a")).start("run a").fail("a", STEP, "a failed: step", "b skipped: a")
    assert {state: count for state, count in play.schedule.counts.items() if count} == {State.FAILED: 1, State.SKIPPED: 1}
    assert play.schedule.state("b") is State.SKIPPED


def test_a_chain_of_three_thousand_is_built_and_is_skipped() -> None:
    chain = [build("0"), *(build(str(number), str(number - 1)) for number in range(1, 3000))]
    play = Play(*chain).start("run 0")
    for number in range(2999):
        play.finish(str(number), f"{number} built", f"run {number + 1}")
    play.finish("2999", "2999 built").ends()
    skipped = Play(*chain).start("run 0").schedule.handle(Failed(build="0", failure=failure()))
    assert words(skipped) == ["0 failed: step", *(f"{number} skipped: 0" for number in range(1, 3000))]
