"""The loop that joins schedule and executor: instructions out, events in, until every build has an end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    disk: Callable[[], int | None] = lambda: None,
    free_space: Callable[[FreeSpace], None] = lambda _: None,
    on_pause: Callable[[Paused | Resumed], None] = lambda _: None,
) -> dict[str, Outcome[Made]]:
    """Run a schedule to its end; each build's outcome by its name, in the order they ended.

    `orders` gives the work of one attempt; it is called when everything the build needs is built, with what has been made so far. `on_report`
    hears of every build that starts, rests or ends, with what it made where it is built. Both are called in this thread. The executor
    is the caller's, to interrupt and to close. `disk` tells how many bytes are free where builds write, and is asked at every event; `free_space`
    frees some as far as it can; `on_pause` hears of builds that wait for a registry, or for a cause to go away.
    """
    loop = _Loop(executor=executor, orders=orders, on_report=on_report, free_space=free_space, on_pause=on_pause)
    event: Event = Started()
    while True:
        if isinstance(event, Finished):
            loop.made[event.build] = event.made
        for instruction in schedule.handle(event, disk=disk()):
            loop.obey(instruction)
        if schedule.ended:
            return loop.outcomes
        event = executor.next_event()


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
