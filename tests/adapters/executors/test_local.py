from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import pytest

from matrixbuild.adapters.executors.interrupts import Interrupts
from matrixbuild.adapters.executors.local import LocalExecutor
from matrixbuild.core.events import Finished, Interrupted, Uploaded, Woke

Step = Callable[[], object]


def call(step: Step) -> object:
    return step()


def test_as_many_builds_run_at_once_as_are_given() -> None:
    together = threading.Barrier(12, timeout=10)
    with LocalExecutor(call) as executor:
        for number in range(12):
            executor.submit(f"b{number}", lambda: together.wait() >= 0)
        assert {executor.next_event() for _ in range(12)} == {Finished(build=f"b{number}", made=True) for number in range(12)}


def test_what_is_announced_comes_in_its_turn_and_ends_nothing() -> None:
    going = threading.Event()
    with LocalExecutor(call) as executor:
        executor.submit("b", lambda: going.wait(10))
        threading.Thread(target=executor.announce, args=[Uploaded(build="b")]).start()
        assert executor.next_event() == Uploaded(build="b")
        going.set()
        assert executor.next_event() == Finished(build="b", made=True)


def test_one_may_wait_for_so_long_and_no_longer() -> None:
    going = threading.Event()
    with LocalExecutor(call) as executor:
        executor.submit("b", lambda: going.wait(10))
        assert executor.next_events(within=0.01) == ()
        executor.wake_later("c", 0.01)
        assert executor.next_events(within=10) == (Woke(build="c"),)
        going.set()
        assert executor.next_events(within=10) == (Finished(build="b", made=True),)


def test_threads_are_used_again() -> None:
    with LocalExecutor(call) as executor:
        seen = set()
        for _ in range(20):
            executor.submit("b", threading.current_thread)
            event = executor.next_event()
            assert isinstance(event, Finished)
            seen.add(event.made)
        assert len(seen) == 1


def test_a_thousand_waits_take_no_thread() -> None:
    with LocalExecutor(call) as executor:
        before = threading.active_count()
        for number in range(1000):
            executor.wake_later(f"b{number}", 0.01)
        assert threading.active_count() == before
        assert len({executor.next_event() for _ in range(1000)}) == 1000


def test_closing_after_the_last_event_leaves_no_thread() -> None:
    before = threading.active_count()
    with LocalExecutor(call) as executor:
        executor.submit("b", int)
        executor.next_event()
    assert threading.active_count() == before


def test_closing_does_not_wait_for_what_still_runs() -> None:
    gate = threading.Event()
    with LocalExecutor(call) as executor:
        executor.submit("b", gate.wait)
    (running,) = [thread for thread in threading.enumerate() if thread.name.startswith("build-")]
    assert running.daemon
    gate.set()
    running.join(timeout=10)
    assert not running.is_alive()


def test_an_engine_with_processes_is_told_to_stop_them() -> None:
    told: list[tuple[str, bool]] = []
    with LocalExecutor(call, stop=lambda build, now: told.append((build, now))) as executor:
        executor.stop("a", now=False)
        executor.stop("a", now=True)
    assert told == [("a", False), ("a", True)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_the_thread_that_waits_for_an_event(number: signal.Signals) -> None:
    gate = threading.Event()
    before = signal.getsignal(number)
    with LocalExecutor(call) as executor, Interrupts(executor.interrupt) as interrupts:
        executor.submit("b", gate.wait)
        alarm = threading.Timer(0.05, os.kill, (os.getpid(), number))
        alarm.start()
        assert executor.next_event() == Interrupted()
        assert interrupts.signal is number
        gate.set()
        assert executor.next_event() == Finished(build="b", made=True)
        alarm.join()
    assert signal.getsignal(number) is before


def test_without_a_signal_there_is_none() -> None:
    with LocalExecutor(call) as executor, Interrupts(executor.interrupt) as interrupts:
        pass
    assert interrupts.signal is None


def test_the_first_signal_is_remembered_and_each_is_told() -> None:
    calls: list[int] = []
    with Interrupts(lambda: calls.append(1)) as interrupts:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    assert interrupts.signal is signal.SIGTERM
    assert len(calls) == 2
