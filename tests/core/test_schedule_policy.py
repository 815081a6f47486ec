"""What the scheduler makes of failures: larger reservations, freed space, registries that are left alone, causes that are probed, retries that run out."""

from __future__ import annotations

import pytest

from matrixbuild.core.events import Failed, Paused, Report, Started, State
from matrixbuild.core.failure import Failure, FailureKind
from matrixbuild.core.policy import Budget, FailurePolicy, GivenUp, failure_policy
from matrixbuild.core.schedule import IllegalEvent, Schedule
from matrixbuild.core.scheduled import Waiting
from tests.builders_schedule import Play, build, failure

NETWORK, OOM, DISK, STEP, REGISTRY = FailureKind.NETWORK, FailureKind.OOM, FailureKind.DISK, FailureKind.STEP, FailureKind.REGISTRY
GI = 2**30
HUB, MIRROR = "hub.example", "mirror.example"
DOWN = failure(NETWORK, host=HUB, why="the connection was reset")


def soon(attempts: int = 3, *, more: int = 100, pause_after: int = 99) -> FailurePolicy:
    """Retries without waits."""
    return failure_policy(attempts=attempts, initial=0, maximum=90, budget=Budget(share=0, more=more), pause_after=pause_after)


def limited(seconds: float, host: str = HUB) -> Failure:
    return failure(REGISTRY, retry_after=seconds, host=host)


def reported(schedule: Schedule, name: str, what: Failure) -> Report:
    return next(told for told in schedule.handle(Failed(build=name, failure=what)) if isinstance(told, Report) and told.build == name)


def test_what_ran_out_of_memory_comes_back_with_twice_as_much_and_others_make_room() -> None:
    play = Play(build("a", memory=2), build("b", memory=2), build("c", memory=2), policy=soon(), memory=6)
    play.start("run a", "run b", "run c").fail("a", OOM, "a resting: oom with 4 of memory", "wake a in 0").wake("a")
    play.finish("b", "b built", "run a again (2)")
    assert play.schedule.held == {"memory": 6}
    play.fail("a", OOM, "a resting: oom with 6 of memory", "wake a in 0").finish("c", "c built").wake("a", "run a again (3)")
    play.finish("a", "a built").ends()


def test_a_build_that_had_all_the_memory_is_not_tried_again() -> None:
    schedule = Schedule([build("a", memory=8)], capacity={"memory": 8}, policy=soon())
    schedule.handle(Started())
    assert reported(schedule, "a", failure(OOM)).given_up is GivenUp.MEMORY


def test_after_a_full_disk_space_is_asked_for_before_it_comes_back() -> None:
    play = Play(build("a", disk=25), policy=soon(), disk=100)
    play.start("run a").fail("a", DISK, "a resting: disk", "free 25 for a", "wake a in 0").wake("a", "run a again (2)").finish("a", "a built").ends()


def test_no_build_starts_without_its_disk() -> None:
    play = Play(build("a", disk=30), build("b", disk=30), build("small"), policy=soon(), disk=100)
    play.sees(disk=50).start("run a", "run small").sees(disk=25).finish("small", "small built")
    assert play.schedule.waiting("b") == Waiting(pools=("disk",))
    play.sees(disk=40).finish("a", "a built", "run b").finish("b", "b built").ends()


def test_where_nothing_runs_that_could_leave_it_some_space_is_freed_and_looked_at_again() -> None:
    play = Play(build("a", disk=30), policy=soon(), disk=100)
    play.sees(disk=10).start("free 30 for a", "wake a in 0").sees(disk=29).wake("a", "free 30 for a", "wake a in 0")
    play.sees(disk=30).wake("a", "run a").finish("a", "a built").ends()


def test_a_build_that_gets_no_disk_fails_without_an_attempt_and_what_needs_less_goes_on() -> None:
    play = Play(build("a", disk=30 * GI), build("b", "a"), build("c", disk=1 * GI), policy=soon(attempts=2), disk=100 * GI)
    play.sees(disk=2 * GI).start("run c").finish("c", "c built", f"free {30 * GI} for a", "wake a in 0").wake(
        "a", "a failed: disk", "b skipped: a"
    ).ends()
    assert play.schedule.story("a") == "waiting > ready > failed"


def test_what_it_lacked_is_told() -> None:
    schedule = Schedule([build("a", disk=30 * GI)], capacity={"disk": 100 * GI}, policy=failure_policy(on=[("disk", False)]))
    (told,) = schedule.handle(Started(), disk=2 * GI)
    assert isinstance(told, Report)
    assert str(told.failure) == "not started: it asks for 30.0Gi of disk, and 2.0Gi are free"
    assert told.attempt == 0


def test_a_registry_that_limits_requests_is_left_alone_by_every_build_that_talks_to_it() -> None:
    builds = [build("a", cpu=1, hosts=[HUB]), build("b", cpu=1, hosts=[HUB]), build("c", cpu=1, hosts=[MIRROR]), build("d", cpu=1)]
    play = Play(*builds, policy=soon(), cpu=1)
    play.start("run a").fail("a", limited(30), "a resting: registry", "wake a in 30", f"pause {HUB} for 30", "run c")
    assert play.schedule.waiting("b") == Waiting(pools=("cpu",), hosts=(HUB,))
    play.finish("c", "c built", "run d").finish("d", "d built")
    play.wake("a", "resume", "run a again (2)").finish("a", "a built", "run b").finish("b", "b built").ends()


def test_it_is_left_alone_for_as_long_as_it_asked_any_of_them() -> None:
    play = Play(build("a", cpu=1, hosts=[HUB]), build("b", cpu=1, hosts=[HUB]), build("c", cpu=1, hosts=[HUB]), policy=soon(), cpu=2)
    play.start("run a", "run b").fail("a", limited(10), "a resting: registry", "wake a in 10", f"pause {HUB} for 10")
    play.fail("b", limited(60), "b resting: registry", "wake b in 60", f"pause {HUB} for 60").wake("a")
    play.wake("b", "resume", "run a again (2)", "run b again (2)").finish("a", "a built", "run c")


def test_it_is_left_alone_also_when_the_build_it_told_so_is_not_tried_again() -> None:
    play = Play(build("a", cpu=1, hosts=[HUB]), build("b", cpu=1, hosts=[HUB]), policy=soon(attempts=2), cpu=1)
    play.start("run a").fail("a", limited(5), "a resting: registry", "wake a in 5", f"pause {HUB} for 5").wake("a", "resume", "run a again (2)")
    play.fail("a", limited(40), "a failed: registry", "wake a in 40", f"pause {HUB} for 40").wake("a", "resume", "run b")


def test_what_runs_there_already_goes_on_and_a_refusal_of_longer_than_the_longest_wait_holds_up_nobody() -> None:
    play = Play(build("a", cpu=1, hosts=[HUB]), build("b", cpu=1, hosts=[HUB]), policy=soon(), cpu=1)
    play.start("run a").fail("a", limited(91), "a failed: registry", "run b").finish("b", "b built").ends()


def test_one_cause_on_build_after_build_pauses_the_others_and_one_of_them_probes() -> None:
    builds = [build(name, cpu=1, hosts=[HUB]) for name in "abcd"] + [build("elsewhere", cpu=1)]
    play = Play(*builds, policy=soon(pause_after=2), cpu=1)
    play.start("run a").fail("a", DOWN, "a resting: network", "wake a in 0", "run b")
    play.fail("b", DOWN, "b resting: network", "wake b in 0", f"pause {HUB}", "run elsewhere")
    assert play.schedule.waiting("c") == Waiting(pools=("cpu",), proof=True)
    play.wake("a").wake("b").finish("elsewhere", "elsewhere built", "run a again (2)")
    assert play.schedule.waiting("b") == Waiting(proof=True)
    play.finish("a", "a built", "resume", "run b again (2)").finish("b", "b built", "run c").finish("c", "c built", "run d")


def test_a_probe_that_fails_the_same_way_goes_on_probing_and_then_the_next_ones_are_let_go() -> None:
    play = Play(*(build(name, cpu=1, hosts=[HUB]) for name in "abc"), policy=soon(pause_after=2), cpu=1)
    play.start("run a").fail("a", DOWN, "a resting: network", "wake a in 0", "run b")
    play.fail("b", DOWN, "b resting: network", "wake b in 0", f"pause {HUB}").wake("b", "run b again (2)").wake("a")
    play.fail("b", DOWN, "b resting: network", "wake b in 0").wake("b", "run b again (3)")
    play.fail("b", DOWN, "b failed: network", "resume", "run a again (2)").fail("a", DOWN, "a resting: network", "wake a in 0", "run c")


def test_a_probe_that_fails_another_way_has_shown_enough() -> None:
    play = Play(*(build(name, cpu=1, hosts=[HUB]) for name in "abc"), policy=soon(pause_after=2), cpu=1)
    play.start("run a").fail("a", DOWN, "a resting: network", "wake a in 0", "run b")
    play.fail("b", DOWN, "b resting: network", "wake b in 0", f"pause {HUB}").wake("a", "run a again (2)")
    play.fail("a", STEP, "a failed: step", "resume", "run c")


def test_a_success_between_them_and_another_cause_begin_the_count_anew() -> None:
    play = Play(*(build(name, cpu=1, hosts=[HUB]) for name in "abcdef"), policy=soon(pause_after=2), cpu=1)
    play.start("run a").fail("a", DOWN, "a resting: network", "wake a in 0", "run b").finish("b", "b built", "run c")
    play.fail("c", DOWN, "c resting: network", "wake c in 0", "run d").fail("d", STEP, "d failed: step", "run e")
    play.fail("e", DOWN, "e resting: network", "wake e in 0", "run f")


def test_one_build_that_fails_again_and_again_is_one_build() -> None:
    play = Play(build("a", cpu=1, rank=9), build("b", cpu=1), policy=soon(pause_after=2), cpu=1)
    play.start("run a").fail("a", DOWN, "a resting: network", "wake a in 0", "run b").wake("a").finish("b", "b built", "run a again (2)")
    play.fail("a", DOWN, "a resting: network", "wake a in 0").wake("a", "run a again (3)").finish("a", "a built").ends()


def test_a_cause_in_the_builds_themselves_pauses_only_those_that_met_it() -> None:
    stalled = failure(FailureKind.TIMEOUT)
    play = Play(*(build(name, cpu=1) for name in "abcd"), policy=soon(pause_after=2), cpu=1)
    play.start("run a").fail("a", stalled, "a resting: timeout", "wake a in 0", "run b")
    play.fail("b", stalled, "b resting: timeout", "wake b in 0", "pause all", "run c").wake("a").wake("b").finish("c", "c built", "run a again (2)")
    play.finish("a", "a built", "resume", "run b again (2)").finish("b", "b built", "run d")


def test_what_would_fail_the_same_way_again_pauses_nothing() -> None:
    play = Play(*(build(name, cpu=1) for name in "abc"), policy=soon(pause_after=2), cpu=1)
    play.start("run a").fail("a", STEP, "a failed: step", "run b").fail("b", STEP, "b failed: step", "run c")


def test_a_pause_names_the_failure_and_the_build_that_it_began_with() -> None:
    schedule = Schedule([build("a", hosts=[HUB])], capacity={}, policy=soon(pause_after=1))
    schedule.handle(Started())
    (pause,) = (told for told in schedule.handle(Failed(build="a", failure=DOWN)) if isinstance(told, Paused))
    assert pause == Paused(cause=f"network {HUB} the connection was reset", build="a", failure=DOWN, host=HUB)


def test_the_retries_of_a_run_run_out() -> None:
    play = Play(build("a", cpu=1), build("b", cpu=1), build("c", cpu=1), policy=soon(more=2), cpu=3)
    play.start("run a", "run b", "run c").fail("a", NETWORK, "a resting: network", "wake a in 0")
    play.fail("b", NETWORK, "b resting: network", "wake b in 0").fail("c", NETWORK, "c failed: network")
    schedule = Schedule([build("a")], capacity={}, policy=soon(more=0))
    schedule.handle(Started())
    assert reported(schedule, "a", failure(NETWORK)).given_up is GivenUp.BUDGET


def test_no_wait_is_cut_short_by_an_earlier_timer_of_the_same_build() -> None:
    play = Play(build("a", disk=30, hosts=[HUB]), build("b"), policy=soon(), disk=100)
    play.sees(disk=10).start("run b").finish("b", "b built", "free 30 for a", "wake a in 0")
    # Another event finds the space before the timer rings; then two timers are on their way.
    schedule = play.schedule
    play.sees(disk=100)
    assert schedule.handle(disk=100)
    play.fail("a", limited(50), "a resting: registry", "wake a in 50", f"pause {HUB} for 50").wake("a").wake("a", "resume", "run a again (2)")
    with pytest.raises(IllegalEvent, match=r"^Woke for 'a', which was waiting > ready > running 1 > resting > ready > running 2$"):
        play.wake("a")


def test_after_an_interrupt_nobody_is_asked_to_wait_and_a_pause_is_forgotten() -> None:
    play = Play(build("a", hosts=[HUB]), build("b", hosts=[HUB]), build("c", "b"), policy=soon(pause_after=1))
    play.start("run a", "run b").fail("a", DOWN, "a resting: network", "wake a in 0", f"pause {HUB}")
    play.interrupt("a cancelled", "stop b", "c cancelled").wake("a").fail("b", limited(30), "b failed: registry").ends()


def test_what_a_build_waits_for_can_be_asked() -> None:
    play = Play(build("a", cpu=1), build("b", "a"), build("c", cpu=1), cpu=1).start("run a")
    waits = [play.schedule.waiting(name) for name in "abc"]
    assert waits == [Waiting(), Waiting(builds=("a",)), Waiting(pools=("cpu",))]
    assert play.schedule.state("c") is State.READY
