"""What every executor keeps, and the fake that stands in for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from matrixbuild.adapters.executors.base import Executor
from matrixbuild.adapters.executors.local import LocalExecutor
from matrixbuild.core.events import Event, Failed, Finished, Interrupted, Woke
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.problems import Place, Problem, UnusableError
from tests.builders_schedule import failure
from tests.fakes.executor import FakeExecutor

REFUSED = UnusableError(
    Problem(summary="the registry does not answer", place=Place(file="release.yaml", line=3), hint="is it running?"), Problem(summary="second")
)
ENDS: dict[str, BaseException] = {
    "push": BuildFailed(failure(FailureKind.PUSH, retry_after=7)),
    "bug": ZeroDivisionError("a bug"),
    "exit": SystemExit(3),
    "refused": REFUSED,
}


def perform(work: str) -> str:
    """The build function of these tests: at module level, as one that travels to a cluster must be."""
    if work in ENDS:
        raise ENDS[work]
    return work.upper()


Factory = Callable[[Callable[[str], Any]], Executor[str]]


@pytest.fixture(params=[LocalExecutor, FakeExecutor])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor[str]]:
    factory: Factory = request.param
    made = factory(perform)
    yield made
    made.close()


def failed(executor: Executor[str], work: str) -> Failure:
    executor.submit("x", work)
    event = executor.next_event()
    assert isinstance(event, Failed)
    assert event.build == "x"
    return event.failure


def test_what_the_build_returns_comes_back_under_its_name(executor: Executor[str]) -> None:
    executor.submit("provider[os=a]", "hello")
    assert executor.next_event() == Finished(build="provider[os=a]", made="HELLO")


def test_each_submit_gives_one_event(executor: Executor[str]) -> None:
    for number in range(50):
        executor.submit(f"b{number}", f"w{number}")
    events = [executor.next_event() for _ in range(50)]
    assert sorted(map(repr, events)) == sorted(repr(Finished(build=f"b{number}", made=f"W{number}")) for number in range(50))
    with pytest.raises(RuntimeError, match=r"^no event can come: nothing runs and nothing rests$"):
        executor.next_event()


def test_a_build_may_come_again(executor: Executor[str]) -> None:
    executor.submit("a", "push")
    executor.next_event()
    executor.submit("a", "fine")
    assert executor.next_event() == Finished(build="a", made="FINE")


def test_a_failure_comes_back_whole(executor: Executor[str]) -> None:
    assert failed(executor, "push") == failure(FailureKind.PUSH, retry_after=7)


def test_an_exception_of_ours_is_an_unknown_failure_with_its_last_line(executor: Executor[str]) -> None:
    found = failed(executor, "bug")
    assert found.kind is FailureKind.UNKNOWN
    assert found.summary == "the engine ended with ZeroDivisionError, which it should have told as a failure"
    assert found.hint == "this is a bug in matrixbuild; please report it with these lines"
    assert found.lines[0].startswith("in perform, line ")
    assert found.lines[-1] == "ZeroDivisionError: a bug"


def test_even_an_exit_is_not_lost(executor: Executor[str]) -> None:
    assert failed(executor, "exit").lines[-1] == "SystemExit: 3"


def test_a_message_for_a_person_keeps_its_words(executor: Executor[str]) -> None:
    assert failed(executor, "refused") == Failure(
        kind=FailureKind.UNKNOWN,
        summary="the registry does not answer",
        lines=("release.yaml:3:1: the registry does not answer", "second"),
        place=Place(file="release.yaml", line=3),
        hint="is it running?",
    )


def test_waits_end_in_their_order(executor: Executor[str]) -> None:
    executor.wake_later("late", 0.03)
    executor.wake_later("soon", 0.01)
    executor.wake_later("at once", 0.0)
    assert [executor.next_event() for _ in range(3)] == [Woke(build="at once"), Woke(build="soon"), Woke(build="late")]


def test_a_build_does_not_wait_for_a_timer(executor: Executor[str]) -> None:
    executor.wake_later("in an hour", 3600)
    executor.submit("a", "now")
    assert executor.next_event() == Finished(build="a", made="NOW")


def test_an_interrupt_is_an_event_even_when_nothing_runs(executor: Executor[str]) -> None:
    executor.interrupt()
    assert executor.next_event() == Interrupted()


def test_an_interrupt_does_not_lose_what_runs(executor: Executor[str]) -> None:
    executor.submit("a", "x")
    executor.interrupt()
    executor.stop("a", now=False)
    events: list[Event] = [executor.next_event(), executor.next_event()]
    assert Interrupted() in events
    assert Finished(build="a", made="X") in events


def test_a_closed_executor_starts_nothing(executor: Executor[str]) -> None:
    executor.close()
    executor.close()
    with pytest.raises(RuntimeError, match=r"^the executor is closed, so 'a' cannot start$"):
        executor.submit("a", "x")
