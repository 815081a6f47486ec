"""The loop that joins schedule and executor: instructions out, events in, until every build has an end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from matrixbuild.adapters.executors.base import Executor
from matrixbuild.core.events import (
    Event,
    Finished,
    FreeSpace,
    Instruction,
    Interrupted,
    Paused,
    Report,
    Resumed,
    Run,
    Started,
    State,
    Stop,
    WakeLater,
)
from matrixbuild.core.failure import Failure
from matrixbuild.core.policy import GivenUp
from matrixbuild.core.schedule import Schedule

Work = TypeVar("Work")
Made = TypeVar("Made")

PACE = 0.025
"""Seconds between two writes of what nothing depends on yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[Made]):
    """How a build ended: `made` of a built one, `failure` of a failed or cancelled one, `given_up` why it was not tried again, `because` and
    `limit` why it was skipped (events.Report)."""

    state: State
    attempts: int
    made: Made | None = None
    failure: Failure | None = None
    because: str = ""
    limit: int | None = None
    given_up: GivenUp | None = None


def run_schedule(
    schedule: Schedule,
    executor: Executor[Work],
    orders: Callable[[Run, Mapping[str, Made]], Work],
    on_report: Callable[[Report, Made | None], None],
    *,
    record: Callable[[Sequence[tuple[Report, Made | None]]], None] = lambda _: None,
    early: bool = False,
    pace: float = PACE,
    heard: Callable[[Sequence[Report]], None] = lambda _: None,
    disk: Callable[[], int | None] = lambda: None,
    free_space: Callable[[FreeSpace], None] = lambda _: None,
    on_pause: Callable[[Paused | Resumed], None] = lambda _: None,
) -> dict[str, Outcome[Made]]:
    """Run a schedule to its end; each build's outcome by its name, in the order they ended.

    `orders` gives the work of one attempt; it is called when everything the build needs is built, with what has been made so far. `on_report`
    hears of every build that starts, rests or ends, with what it made where it is built. `record` is given all reports of a moment at once, before
    any of them is told and before anything is done that depends on a build which is built now: so what it writes down is written when somebody
    relies on it. With `early`, builds that start and need nothing of that run while it writes, and what ends meanwhile shares the next time, or all
    that ends within `pace` seconds of the last one, as long as nothing waits for it: who builds a thousand things a second would wait for the disk
    most of the time. `heard` is given reports at once. Without `early` everything that ended is told before anything starts. All are called in this
    thread. The executor is the caller's, to interrupt and to close.
    `disk` tells how many bytes are free where builds write, and is asked at every event; `free_space` frees some as far as it can; `on_pause` hears
    of builds that wait for a registry, or for a cause to go away.
    """
    loop = _Loop(executor=executor, orders=orders, on_report=on_report, free_space=free_space, on_pause=on_pause, record=record)
    try:
        return _run(loop, schedule, disk, heard, pace=pace if early else None)
    except BaseException:
        # What has happened is not lost with it.
        loop.write()
        raise


def _run(
    loop: _Loop[Work, Made], schedule: Schedule, disk: Callable[[], int | None], heard: Callable[[Sequence[Report]], None], *, pace: float | None
) -> dict[str, Outcome[Made]]:
    """`pace` is None where nothing starts early."""
    due = 0.0
    events: tuple[Event, ...] = (Started(),)
    while True:
        loop.made.update((event.build, event.made) for event in events if isinstance(event, Finished))
        instructions = schedule.handle(*events, disk=disk()) if events else ()
        heard([told for told in instructions if isinstance(told, Report)])
        loop.take(schedule, instructions, early=pace is not None)
        if pace is None or loop.pressing or schedule.ended or time.monotonic() >= due:
            loop.settle()
            due = time.monotonic() + (pace or 0.0)
        if schedule.ended:
            return loop.outcomes
        came = loop.executor.next_events(within=max(0.0, due - time.monotonic()) if loop.late else None)
        # What ended in the moment of an interrupt has ended: after a second one nobody would take it any more.
        events = tuple(sorted(came, key=lambda event: isinstance(event, Interrupted)))


@dataclass(slots=True, kw_only=True)
class _Loop(Generic[Work, Made]):
    """Who does what the schedule says, and what has come of it so far. `late` are instructions that wait for what they tell, or rest on, to be
    recorded; `pressing`: not all of them only have to be told; `unwritten` are the builds that are built and not recorded."""

    executor: Executor[Work]
    orders: Callable[[Run, Mapping[str, Made]], Work]
    on_report: Callable[[Report, Made | None], None]
    free_space: Callable[[FreeSpace], None]
    on_pause: Callable[[Paused | Resumed], None]
    record: Callable[[Sequence[tuple[Report, Made | None]]], None]
    late: list[Instruction] = field(default_factory=list)
    pressing: bool = False
    unwritten: set[str] = field(default_factory=set)
    made: dict[str, Made] = field(default_factory=dict)
    outcomes: dict[str, Outcome[Made]] = field(default_factory=dict)

    def take(self, schedule: Schedule, instructions: Sequence[Instruction], *, early: bool) -> None:
        """Start the builds, where that may be `early`, that depend on nothing which is not recorded yet; put off all the rest."""
        self.unwritten.update(told.build for told in instructions if isinstance(told, Report) and told.state is State.BUILT)
        for told in instructions:
            if early and isinstance(told, Run) and self.unwritten.isdisjoint(schedule.needs(told.build)):
                self.obey(told)
            else:
                self.late.append(told)
                self.pressing |= not isinstance(told, Report)

    def settle(self) -> None:
        """Record what was put off, and do it."""
        late = self.write()
        for instruction in late:
            self.obey(instruction)

    def write(self) -> Sequence[Instruction]:
        late, self.late, self.pressing = self.late, [], False
        self.unwritten.clear()
        if reports := [(told, self.made.get(told.build)) for told in late if isinstance(told, Report)]:
            self.record(reports)
        return late

    def obey(self, instruction: Instruction) -> None:
        match instruction:
            # The frequent ones first.
            case Report():
                self._note(instruction)
                self.on_report(instruction, self.made.get(instruction.build))
            case Run():
                self.executor.submit(instruction.build, self.orders(instruction, self.made))
            case WakeLater():
                self.executor.wake_later(instruction.build, instruction.seconds)
            case FreeSpace():
                self.free_space(instruction)
            case Paused() | Resumed():
                self.on_pause(instruction)
            case Stop():
                self.executor.stop(instruction.build, now=instruction.now)

    def _note(self, report: Report) -> None:
        if report.state.final:
            self.outcomes[report.build] = Outcome(
                state=report.state,
                attempts=report.attempt,
                made=self.made.get(report.build),
                failure=report.failure,
                because=report.because,
                limit=report.limit,
                given_up=report.given_up,
            )
