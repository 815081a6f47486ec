"""What several builds send to one builder is sent by one of them first, and nobody waits for it for ever."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.events import Event, Failed, Finished, Report, Run, State, Uploaded
from matrixbuild.core.failure import FailureKind
from matrixbuild.core.policy import FailurePolicy, failure_policy
from matrixbuild.core.schedule import Schedule, ScheduledBuild
from matrixbuild.core.scheduled import Waiting
from matrixbuild.core.uploads import Uploads
from tests.builders_schedule import ONCE, Play, build, failure
from tests.core.test_schedule_laws import CAPACITY, RETRY, World, releases

TWICE = failure_policy(attempts=2, initial=1, maximum=1)


class Sending(Play):
    """A play in which builds send files: each of them the same, unless it is said otherwise."""

    def __init__(self, *names: str, policy: FailurePolicy = ONCE, others: Iterable[str] = ()) -> None:
        builds = [build(name, cpu=1) for name in (*names, *others)]
        self.schedule = Schedule(builds, capacity={"cpu": 9}, policy=policy, contexts=dict.fromkeys(names, "builder 0, files"))
        self.disk = None

    def sent(self, name: str, *heard: str) -> Sending:
        return self._say(Uploaded(build=name), heard)


def test_one_goes_ahead_and_the_others_wait_without_a_place_until_its_files_are_there() -> None:
    play = Sending("a", "b", "c", others=["free"]).start("run a", "run free")
    assert play.schedule.held == {"cpu": 2}
    assert play.schedule.waiting("b") == Waiting(builds=("a",))
    play.sent("a", "run b", "run c").sent("a").finish("b", "b built").finish("a", "a built").finish("c", "c built").finish("free", "free built").ends()


def test_one_that_is_built_has_sent_its_files() -> None:
    Sending("a", "b", "c").start("run a").finish("a", "a built", "run b", "run c").finish("b", "b built").finish("c", "c built").ends()


def test_where_the_first_fails_the_next_one_goes_ahead() -> None:
    play = Sending("a", "b", "c").start("run a").fail("a", FailureKind.STEP, "a failed: step", "run b")
    play.sent("b", "run c").finish("b", "b built").finish("c", "c built").ends()


def test_one_that_rests_lets_the_next_one_go_ahead_and_then_waits_for_it() -> None:
    play = Sending("a", "b", policy=TWICE).start("run a")
    told = play.schedule.handle(Failed(build="a", failure=failure(FailureKind.NETWORK)))
    assert [each.build for each in told if isinstance(each, Run)] == ["b"]
    play.wake("a").sent("b", "run a again (2)").finish("a", "a built").finish("b", "b built").ends()


def test_word_of_an_attempt_that_is_over_says_nothing() -> None:
    play = Sending("a", "b", "c").start("run a").fail("a", FailureKind.STEP, "a failed: step", "run b")
    play.sent("a").sent("b", "run c")


def test_an_interrupt_waits_for_nothing() -> None:
    play = Sending("a", "b").start("run a").interrupt("stop a", "b cancelled").interrupt("stop a now", "a cancelled")
    play.ends()
    # A word may come after the end.
    play.sent("a")


def test_builds_that_send_nothing_stand_before_no_gate() -> None:
    uploads = Uploads({"a": "files"})
    assert uploads.gates("b") == frozenset()
    uploads.started("b")
    uploads.sent("b")
    uploads.ended("b")
    assert (uploads.shut, uploads.ahead_of("b")) == (frozenset(), "")
    assert uploads.gates("a") == {("sent", "files")}


@dataclass(kw_only=True)
class SendingWorld(World):
    """At any time a running build may say that its files are there, or one that runs no more."""

    names: list[str] = field(default_factory=list)

    def _next(self) -> Event:
        if self.chance.random() < 0.3:
            return Uploaded(build=self.chance.choice(self.running or self.names))
        return super()._next()


@given(releases(), st.data(), st.integers(0, 2**32), st.booleans())
def test_no_build_waits_for_ever_and_no_two_send_the_same_at_once(
    builds: list[ScheduledBuild], data: st.DataObject, seed: int, interrupts: bool
) -> None:
    contexts = {made.name: data.draw(st.sampled_from(["x", "y"])) for made in builds if data.draw(st.booleans())}
    schedule = Schedule(builds, capacity=CAPACITY, policy=RETRY, contexts=contexts)
    stage = SendingWorld(schedule=schedule, chance=Random(seed), interrupts=interrupts, names=[made.name for made in builds])
    running, there = set[str](), set[str]()
    for event, instructions in stage.play():
        if isinstance(event, Finished) or (isinstance(event, Uploaded) and event.build in running):
            there.add(contexts.get(event.build, ""))
        for told in instructions:
            if isinstance(told, Report):
                (running.add if told.state is State.RUNNING else running.discard)(told.build)
        sending = [contexts[name] for name in running if name in contexts and contexts[name] not in there]
        assert len(sending) == len(set(sending))
    assert schedule.ended
    assert not running
