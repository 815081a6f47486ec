"""Helpers that let the scheduler's tests read as a conversation: what is said to it, and every word it answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from matrixbuild.core.events import (
    Event,
    Failed,
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
    Woke,
)
from matrixbuild.core.failure import Failure, FailureKind
from matrixbuild.core.policy import FailurePolicy, failure_policy
from matrixbuild.core.schedule import Schedule, ScheduledBuild

ONCE = failure_policy(attempts=1)


def build(name: str, *needs: str, rank: float = 0.0, key: str = "", hosts: Iterable[str] = (), **amounts: int) -> ScheduledBuild:
    """A build with every word at its default."""
    return ScheduledBuild(name=name, needs=needs, amounts=tuple(sorted(amounts.items())), rank=rank, key=key, hosts=frozenset(hosts))


def failure(kind: FailureKind = FailureKind.STEP, *, retry_after: float | None = None, host: str = "", why: str = "") -> Failure:
    return Failure(kind=kind, summary=why or f"a {kind} failure", retry_after=retry_after, host=host)


def words(instructions: Iterable[Instruction]) -> list[str]:
    """Instructions as one sees them in a test; `run x` stands for the report that x runs and the instruction to run it."""
    found = [_word(instruction) for instruction in instructions]
    runs = [f"{word} running" for word in found if word.startswith("run ")]
    assert [word for word in found if word.endswith(" running")] == [word.removeprefix("run ") for word in runs]
    return [word for word in found if not word.endswith(" running")]


def _word(instruction: Instruction) -> str:
    match instruction:
        case Run(build=name, attempt=attempt):
            return f"run {name}" if attempt == 1 else f"run {name} again ({attempt})"
        case WakeLater(build=name, seconds=seconds):
            return f"wake {name} in {seconds:g}"
        case Stop(build=name, now=now):
            return f"stop {name} now" if now else f"stop {name}"
        case FreeSpace(build=name, bytes=wanted):
            return f"free {wanted} for {name}"
        case Paused() | Resumed():
            return _pause(instruction)
        case Report():
            return _told(instruction)


def _pause(instruction: Paused | Resumed) -> str:
    if isinstance(instruction, Resumed):
        return "resume"
    return f"pause {instruction.host or 'all'}" + (f" for {instruction.seconds:g}" if instruction.seconds is not None else "")


def _told(report: Report) -> str:
    again = f" again ({report.attempt})" if report.state is State.RUNNING and report.attempt > 1 else ""
    cause = f": {report.failure.kind}" if report.failure else ""
    memory = f" with {report.memory} of memory" if report.memory is not None else ""
    limit = f" (limit {report.limit})" if report.limit is not None else ""
    return f"{report.build}{again} {report.state}{cause}{memory}" + (f": {report.because}" if report.because else "") + limit


class Play:
    """A schedule on the stage: each method says one event and hears exactly the words that follow."""

    def __init__(self, *builds: ScheduledBuild, policy: FailurePolicy = ONCE, most_failures: int | None = None, **capacity: int) -> None:
        self.schedule = Schedule(builds, capacity=capacity, policy=policy, most_failures=most_failures)
        self.disk: int | None = None

    def start(self, *heard: str) -> Self:
        return self._say(Started(), heard)

    def finish(self, name: str, *heard: str) -> Self:
        return self._say(Finished(build=name, made=None), heard)

    def fail(self, name: str, what: FailureKind | Failure, *heard: str) -> Self:
        return self._say(Failed(build=name, failure=what if isinstance(what, Failure) else failure(what)), heard)

    def wake(self, name: str, *heard: str) -> Self:
        return self._say(Woke(build=name), heard)

    def interrupt(self, *heard: str) -> Self:
        return self._say(Interrupted(), heard)

    def sees(self, *, disk: int | None) -> Self:
        """From now on so much is free on the disk."""
        self.disk = disk
        return self

    def ends(self) -> None:
        assert self.schedule.ended
        assert set(self.schedule.held.values()) <= {0}

    def _say(self, event: Event, heard: tuple[str, ...]) -> Self:
        assert words(self.schedule.handle(event, disk=self.disk)) == list(heard)
        return self
