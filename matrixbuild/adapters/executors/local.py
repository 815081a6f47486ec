"""Builds on this machine: work in, events out, by threads that wait for it."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
import traceback
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Generic, Self, TypeVar

from matrixbuild.adapters.known_secrets import KNOWN
from matrixbuild.core.events import Event, Failed, Finished, Interrupted, Uploaded, Woke
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.problems import MatrixbuildError

Work = TypeVar("Work")


class LocalExecutor(Generic[Work]):
    """An Executor (see base) of as many threads as builds run at once.

    `build` performs one build; `stop`, where given, is how an engine with processes of its own ends the build of a name (a thread cannot
    be ended from outside; without `stop` a running build runs to its end). Timers are a heap that `next_event` looks at, not threads.
    The threads are daemons: after a second Ctrl-C nothing keeps the program from leaving.
    """

    def __init__(self, build: Callable[[Work], Any], *, stop: Callable[[str, bool], None] | None = None) -> None:
        self._build = build
        self._stop = stop
        self._work: SimpleQueue[tuple[str, Work] | None] = SimpleQueue()
        # SimpleQueue.put is reentrant, so a signal handler may use it while this very thread waits in get.
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._timers: list[tuple[float, int, str]] = []
        self._tickets = itertools.count()
        self._running = 0
        self._threads: list[threading.Thread] = []
        self._closed = False

    def submit(self, build: str, work: Work) -> None:
        if self._closed:
            raise RuntimeError(f"the executor is closed, so {build!r} cannot start")
        self._running += 1
        self._work.put((build, work))
        # `_running` counts builds whose event is not taken yet, so there is always a thread for each build that runs.
        if self._running > len(self._threads):
            self._add_thread()

    def wake_later(self, build: str, seconds: float) -> None:
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._tickets), build))

    def stop(self, build: str, *, now: bool) -> None:
        if self._stop:
            self._stop(build, now)

    def interrupt(self) -> None:
        self._events.put(Interrupted())

    def announce(self, event: Uploaded) -> None:
        """Give this event in its turn; any thread may call it."""
        self._events.put(event)

    def next_event(self) -> Event:
        while True:
            if event := self._next(None):
                return event

    def next_events(self, *, within: float | None = None) -> tuple[Event, ...]:
        event = self.next_event() if within is None else self._next(within)
        found = [event] if event else []
        # What is in the queue is taken without waiting; timers that are due by now come with the next call.
        while found and not self._events.empty():
            found.append(self.next_event())
        return tuple(found)

    def _next(self, within: float | None) -> Event | None:
        """None when the first timer is due before the next event, or nothing has come `within` so many seconds."""
        event = self._arrived(within)
        if event is not None:
            self._running -= isinstance(event, Finished | Failed)
            return event
        if self._timers and self._timers[0][0] <= time.monotonic():
            return Woke(build=heapq.heappop(self._timers)[2])
        return None

    def _arrived(self, within: float | None) -> Event | None:
        """The next event of a thread or an interrupt."""
        if not self._running and not self._timers and self._events.empty():
            raise RuntimeError("no event can come: nothing runs and nothing rests")
        times = [within] if within is not None else []
        if self._timers:
            times.append(max(0.0, self._timers[0][0] - time.monotonic()))
        try:
            return self._events.get(timeout=min(times, default=None))
        except Empty:
            return None

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for _ in self._threads:
            self._work.put(None)
        if not self._running:
            for thread in self._threads:
                thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _add_thread(self) -> None:
        thread = threading.Thread(target=self._serve, name=f"build-{len(self._threads) + 1}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        while (item := self._work.get()) is not None:
            self._events.put(attempt(self._build, *item))


def attempt(perform: Callable[[Work], Any], build: str, work: Work) -> Finished[Any] | Failed:
    """Perform one build; whatever it does becomes an event, with nothing of a secret in it."""
    try:
        return Finished(build=build, made=perform(work))
    except BuildFailed as error:
        return Failed(build=build, failure=KNOWN.hidden_failure(error.failure))
    except BaseException as error:  # noqa: BLE001  (an exception that got past here would leave its build running for ever)
        return Failed(build=build, failure=KNOWN.hidden_failure(unexpected(error)))


def unexpected(error: BaseException) -> Failure:
    """An exception that is not BuildFailed, as a failure: a message for a person keeps its words, anything else is a bug of ours."""
    if isinstance(error, MatrixbuildError) and error.problems:
        first = error.problems[0]
        lines = tuple(str(problem) for problem in error.problems)
        return Failure(kind=FailureKind.UNKNOWN, summary=first.summary, lines=lines, place=first.place, hint=first.hint)
    return Failure(
        kind=FailureKind.UNKNOWN,
        summary=f"the engine ended with {type(error).__name__}, which it should have told as a failure",
        lines=(_last_frame(error), traceback.format_exception_only(error)[-1].rstrip()),
        hint="this is a bug in matrixbuild; please report it with these lines",
    )


def _last_frame(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"in {frames[-1].name}, line {frames[-1].lineno} of {frames[-1].filename}" if frames else "outside any function"
