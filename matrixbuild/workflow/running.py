"""The loop that joins schedule and executor: instructions out, events in, until every build has an end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from matrixbuild.adapters.executors.base import Executor
from matrixbuild.core.events import Event, Finished, FreeSpace, Instruction, Paused, Report, Resumed, Run, Started, State, Stop, WakeLater
from matrixbuild.core.failure import Failure
from matrixbuild.core.policy import GivenUp
from matrixbuild.core.schedule import Schedule

Work = TypeVar("Work")
Made = TypeVar("Made")


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
    disk: Callable[[], int | None] = lambda: None,
    free_space: Callable[[FreeSpace], None] = lambda _: None,
    on_pause: Callable[[Paused | Resumed], None] = lambda _: None,
) -> dict[str, Outcome[Made]]:
    """Run a schedule to its end; each build's outcome by its name, in the order they ended.

    `orders` gives the work of one attempt; it is called when everything the build needs is built, with what has been made so far. `on_report`
    hears of every build that starts, rests or ends, with what it made where it is built. `record` is given all reports of a moment at once, before
    any of them is told and before anything is done that depends on a build which is built now: so what it writes down is written when somebody
    relies on it. With `early`, builds that start and need nothing of that run while it writes, and what ends meanwhile shares the next time; else
    everything that ended is told before anything starts. All are called in this thread. The executor is the caller's, to interrupt and to close.
    `disk` tells how many bytes are free where builds write, and is asked at every event; `free_space` frees some as far as it can; `on_pause` hears
    of builds that wait for a registry, or for a cause to go away.
    """
    loop = _Loop(executor=executor, orders=orders, on_report=on_report, free_space=free_space, on_pause=on_pause)
    events: tuple[Event, ...] = (Started(),)
    while True:
        loop.made.update((event.build, event.made) for event in events if isinstance(event, Finished))
        instructions = schedule.handle(*events, disk=disk())
        now, then = _apart(schedule, instructions) if early else ((), instructions)
        for instruction in now:
            loop.obey(instruction)
        if reports := [(told, loop.made.get(told.build)) for told in then if isinstance(told, Report)]:
            record(reports)
        for instruction in then:
            loop.obey(instruction)
        if schedule.ended:
            return loop.outcomes
        events = executor.next_events()


def _apart(schedule: Schedule, instructions: Sequence[Instruction]) -> tuple[Sequence[Instruction], Sequence[Instruction]]:
    """The builds that can be started while it is written down what happened, for they depend on nothing of it; and all the rest."""
    built = {told.build for told in instructions if isinstance(told, Report) and told.state is State.BUILT}
    now: list[Instruction] = []
    then: list[Instruction] = []
    for told in instructions:
        free = isinstance(told, Run) and built.isdisjoint(schedule.needs(told.build))
        (now if free else then).append(told)
    return now, then


@dataclass(slots=True, kw_only=True)
class _Loop(Generic[Work, Made]):
    """Who does what the schedule says, and what has come of it so far."""

    executor: Executor[Work]
    orders: Callable[[Run, Mapping[str, Made]], Work]
    on_report: Callable[[Report, Made | None], None]
    free_space: Callable[[FreeSpace], None]
    on_pause: Callable[[Paused | Resumed], None]
    made: dict[str, Made] = field(default_factory=dict)
    outcomes: dict[str, Outcome[Made]] = field(default_factory=dict)

    def obey(self, instruction: Instruction) -> None:
        match instruction:
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
            case Report():
                self._note(instruction)
                self.on_report(instruction, self.made.get(instruction.build))

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
