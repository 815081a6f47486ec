from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from matrixbuild.adapters.engines.earthly.starts import Starts
from tests.processes import until

# What both programs print, line by line, before a build.
PRINTED = [
    b'loading config values from "fast.yml"\n',
    b"            frontend | Unable to detect Docker or Podman. Use --verbose to see details (or errors)\n",
    b"           buildkitd | Connecting to tcp://127.0.0.2:8372...\n",
    b"           buildkitd | ...Done\n",
]


@contextmanager
def another(starts: Starts) -> Iterator[threading.Event]:
    """One more that wants to start; the event is set once it may. It has ended with the block."""
    entered = threading.Event()

    def enter() -> None:
        with starts.starting():
            entered.set()

    thread = threading.Thread(target=enter)
    thread.start()
    yield entered
    thread.join(10)


def test_so_many_start_and_no_more_until_one_has_its_builder() -> None:
    starts = Starts(2)
    with starts.starting() as one, starts.starting(), another(starts) as entered:
        assert not entered.wait(0.1)
        one.connected()
        assert entered.wait(10)


def test_one_counts_once_however_often_it_says_so() -> None:
    starts = Starts(1)
    with ExitStack() as third:
        with starts.starting() as one:
            one.connected()
            with starts.starting():
                entered = third.enter_context(another(starts))
                one.connected()
                assert not entered.wait(0.1)
        assert entered.wait(10)


def test_it_has_its_builder_when_it_says_so_and_not_before() -> None:
    starts = Starts(1)
    with starts.starting() as one, another(starts) as entered:
        one.hear(PRINTED[:3])
        assert not entered.wait(0.1)
        one.hear(PRINTED[3:])
        assert entered.wait(10)
        one.hear(PRINTED)


def test_a_start_that_fails_lets_the_next_one_in() -> None:
    starts = Starts(1)
    for _ in range(3):
        with pytest.raises(RuntimeError), starts.starting():
            raise RuntimeError
    with starts.starting():
        pass


def test_never_more_than_so_many_are_on_their_way() -> None:
    starts, lock = Starts(3), threading.Lock()
    now, most, ended = 0, 0, 0

    def build() -> None:
        nonlocal now, most, ended
        with starts.starting() as start:
            with lock:
                now += 1
                most = max(most, now)
            threading.Event().wait(0.005)
            with lock:
                now -= 1
            start.hear([b"   buildkitd | Found buildkit daemon as docker container (earthly-buildkitd)\n"])
        with lock:
            ended += 1

    threads = [threading.Thread(target=build) for _ in range(24)]
    for thread in threads:
        thread.start()
    until(lambda: ended == len(threads))
    assert most == 3
