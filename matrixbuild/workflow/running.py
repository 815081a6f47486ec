"""The loop that joins schedule and executor: instructions out, events in, until every build has an end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from matrixbuild.adapters.executors.base import Executor
from matrixbuild.core.events import Event, Finished, Report, Run, Started, State, Stop, WakeLater
from matrixbuild.core.failure import Failure
from matrixbuild.core.schedule import Schedule

Work = TypeVar("Work")
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[Made]):
    """How a build ended: `made` of a built one, `failure` of a failed or cancelled one, `because` names the build that skipped it."""

    state: State
    attempts: int
    made: Made | None = None
    failure: Failure | None = None
    because: str = ""


def run_schedule(
    schedule: Schedule,
    executor: Executor[Work],
    orders: Callable[[Run, Mapping[str, Made]], Work],
    on_report: Callable[[Report, Made | None], None],
) -> dict[str, Outcome[Made]]:
    """Run a schedule to its end; each build's outcome by its name, in the order they ended.

    `orders` gives the work of one attempt; it is called when everything the build needs is built, with what has been made so far. `on_report`
    hears of every build that starts, rests or ends, with what it made where it is built. Both are called in this thread. The executor
    is the caller's, to interrupt and to close.
    """
    made: dict[str, Made] = {}
    outcomes: dict[str, Outcome[Made]] = {}
    event: Event = Started()
    while True:
        if isinstance(event, Finished):
            made[event.build] = event.made
        for instruction in schedule.handle(event):
            match instruction:
                case Run():
                    executor.submit(instruction.build, orders(instruction, made))
                case WakeLater():
                    executor.wake_later(instruction.build, instruction.seconds)
                case Stop():
                    executor.stop(instruction.build, now=instruction.now)
                case Report():
                    _note(outcomes, instruction, made.get(instruction.build))
                    on_report(instruction, made.get(instruction.build))
        if schedule.ended:
            return outcomes
        event = executor.next_event()


def _note(outcomes: dict[str, Outcome[Made]], report: Report, made: Made | None) -> None:
    if report.state.final:
        outcomes[report.build] = Outcome(
            state=report.state, attempts=report.attempt, made=made, failure=report.failure, because=report.because
        )
