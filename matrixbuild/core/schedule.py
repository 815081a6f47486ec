"""When each build runs: events in, instructions out; no clock, process or registry is known here.

Only `Schedule.handle` changes anything, and only by the moves of `events.MOVES`. Waiting is an instruction, not a sleep, so a
build that rests before its next attempt holds no pool, a simulation needs no time, and neither do the tests. The same builds and the
same events give the same instructions. Work that one event causes is put on lists, never on the call stack: chains may be long.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from matrixbuild.core.events import (
    MOVES,
    Event,
    Failed,
    Finished,
    Instruction,
    Interrupted,
    Report,
    Run,
    Started,
    State,
    Stop,
    WakeLater,
    Woke,
)
from matrixbuild.core.failure import Failure, FailureKind
from matrixbuild.core.pools import Amounts, Pools, Queue
from matrixbuild.core.retry import RetryPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledBuild:
    """What the scheduler knows of a build: `needs` are names of builds of the same run (what is reused is not among them), `amounts` what
    it holds while it runs, `rank` the length of the longest path that starts with it (any unit; higher goes first), `key` its build key.
    """

    name: str
    needs: tuple[str, ...] = ()
    amounts: Amounts = ()
    rank: float = 0.0
    key: str = ""


class IllegalEvent(Exception):  # noqa: N818  (it names the event, not an error class)
    """A bug of the scheduler or of an executor: an event that cannot be, told with the story of its build."""


@dataclass(slots=True, kw_only=True)
class _Progress:
    """Where a build is; the one mutable thing a build has."""

    build: ScheduledBuild
    number: int
    demand: Amounts
    missing: int
    dependants: list[_Progress] = field(default_factory=list)
    state: State = State.WAITING
    attempt: int = 0
    story: list[str] = field(default_factory=lambda: [State.WAITING.value])


class Schedule:
    """The state machine of one run.

    Raises ValueError where two builds have one name, a need is not among the builds, or a pool has no capacity. Cycles are found in the
    plan; one that comes this far raises IllegalEvent as soon as nothing can go on.
    """

    def __init__(self, builds: Iterable[ScheduledBuild], *, capacity: Mapping[str, int], retry: RetryPolicy) -> None:
        self._retry = retry
        self._pools = Pools(capacity)
        self._queue = Queue()
        self._builds: dict[str, _Progress] = {}
        for build in builds:
            self._add(build)
        self._join()
        self._order = list(self._builds.values())
        self._counts = dict.fromkeys(State, 0) | {State.WAITING: len(self._order)}
        self._started = False
        self._interrupts = 0
        self._out: list[Instruction] = []

    def _add(self, build: ScheduledBuild) -> None:
        if build.name in self._builds:
            raise ValueError(f"two builds are called {build.name!r}")
        self._builds[build.name] = _Progress(
            build=build, number=len(self._builds), demand=self._pools.demand(build.amounts), missing=len(set(build.needs))
        )

    def _join(self) -> None:
        for progress in self._builds.values():
            for need in sorted(set(progress.build.needs)):
                if need not in self._builds:
                    raise ValueError(f"{progress.build.name!r} needs {need!r}, which is not among the builds")
                self._builds[need].dependants.append(progress)

    @property
    def ended(self) -> bool:
        """Every build is built, failed, skipped or cancelled."""
        return sum(count for state, count in self._counts.items() if state.final) == len(self._order)

    @property
    def counts(self) -> Mapping[State, int]:
        """How many builds are in each state."""
        return dict(self._counts)

    @property
    def held(self) -> Mapping[str, int]:
        """What running builds hold, pool by pool."""
        return self._pools.held

    def state(self, name: str) -> State:
        return self._builds[name].state

    def story(self, name: str) -> str:
        """Every state the build has been in, in order."""
        return " > ".join(self._builds[name].story)

    def handle(self, event: Event) -> tuple[Instruction, ...]:
        """Take in one event; what to do about it, in this order. Raises IllegalEvent for one that cannot be now."""
        if isinstance(event, Started) == self._started:
            raise IllegalEvent("a run starts once" if self._started else f"{event} before the run has started")
        self._out = []
        match event:
            case Started():
                self._start()
            case Finished(build=name):
                self._finish(self._running(name, event))
            case Failed(build=name, failure=failure):
                self._fail(self._running(name, event), failure)
            case Woke(build=name):
                self._wake(name, event)
            case Interrupted():
                self._interrupt()
        self._run_what_fits()
        self._check_going_on()
        return tuple(self._out)

    def _start(self) -> None:
        self._started = True
        for progress in self._order:
            if not progress.missing:
                self._make_ready(progress)

    def _finish(self, progress: _Progress) -> None:
        self._end_attempt(progress, State.BUILT)
        self._report(progress)
        for dependant in progress.dependants:
            dependant.missing -= 1
            # After an interrupt it is cancelled already.
            if not dependant.missing and dependant.state is State.WAITING:
                self._make_ready(dependant)

    def _fail(self, progress: _Progress, failure: Failure) -> None:
        wait = self._wait(progress, failure)
        if wait is not None:
            self._end_attempt(progress, State.RESTING)
            self._report(progress, failure=failure, wait=wait)
            self._out.append(WakeLater(build=progress.build.name, seconds=wait))
            return
        self._end_attempt(progress, State.CANCELLED if failure.kind is FailureKind.CANCELLED else State.FAILED)
        self._report(progress, failure=failure)
        self._skip_dependants(progress)

    def _wait(self, progress: _Progress, failure: Failure) -> float | None:
        if self._interrupts:
            return None
        return self._retry.wait_before(progress.attempt + 1, failure=failure, key=progress.build.key)

    def _skip_dependants(self, culprit: _Progress) -> None:
        """Everything that needs it, near or far, says its name: the build to look at is the one that failed."""
        reached = list(culprit.dependants)
        for progress in reached:
            if progress.state is State.WAITING:
                self._move(progress, State.SKIPPED)
                self._report(progress, because=culprit.build.name)
                reached += progress.dependants

    def _wake(self, name: str, event: Event) -> None:
        progress = self._known(name, event)
        # A timer outlives the interrupt that cancelled its build.
        if progress.state is State.CANCELLED and self._interrupts:
            return
        if progress.state is not State.RESTING:
            raise self._illegal(progress, event)
        self._make_ready(progress)

    def _interrupt(self) -> None:
        self._interrupts += 1
        self._queue = Queue()
        for progress in self._order:
            if progress.state is State.RUNNING:
                self._stop(progress)
            elif not progress.state.final:
                self._move(progress, State.CANCELLED)
                self._report(progress)

    def _stop(self, progress: _Progress) -> None:
        now = self._interrupts > 1
        self._out.append(Stop(build=progress.build.name, now=now))
        if now:
            self._end_attempt(progress, State.CANCELLED)
            self._report(progress)

    def _run_what_fits(self) -> None:
        while (number := self._queue.next(self._pools)) is not None:
            progress = self._order[number]
            self._pools.take(progress.demand)
            progress.attempt += 1
            self._move(progress, State.RUNNING)
            self._report(progress)
            self._out.append(Run(build=progress.build.name, attempt=progress.attempt))

    def _check_going_on(self) -> None:
        if self.ended or self._counts[State.RUNNING] or self._counts[State.RESTING]:
            return
        stuck = next(progress for progress in self._order if not progress.state.final)
        raise IllegalEvent(f"nothing runs or rests, and the run has not ended; {stuck.build.name!r} was {self.story(stuck.build.name)}")

    def _make_ready(self, progress: _Progress) -> None:
        self._move(progress, State.READY)
        self._queue.add(progress.number, rank=progress.build.rank, demand=progress.demand)

    def _end_attempt(self, progress: _Progress, state: State) -> None:
        self._move(progress, state)
        self._pools.give_back(progress.demand)

    def _move(self, progress: _Progress, state: State) -> None:
        if state not in MOVES[progress.state]:
            raise IllegalEvent(f"{progress.build.name!r} cannot become {state}; it was {self.story(progress.build.name)}")
        self._counts[progress.state] -= 1
        self._counts[state] += 1
        progress.state = state
        progress.story.append(f"{state} {progress.attempt}" if state is State.RUNNING else state.value)

    def _report(self, progress: _Progress, *, failure: Failure | None = None, wait: float = 0.0, because: str = "") -> None:
        self._out.append(
            Report(build=progress.build.name, state=progress.state, attempt=progress.attempt, failure=failure, wait=wait, because=because)
        )

    def _running(self, name: str, event: Event) -> _Progress:
        progress = self._known(name, event)
        if progress.state is not State.RUNNING:
            raise self._illegal(progress, event)
        return progress

    def _known(self, name: str, event: Event) -> _Progress:
        if name not in self._builds:
            raise IllegalEvent(f"{type(event).__name__} for {name!r}, which is not among the builds")
        return self._builds[name]

    def _illegal(self, progress: _Progress, event: Event) -> IllegalEvent:
        return IllegalEvent(f"{type(event).__name__} for {progress.build.name!r}, which was {self.story(progress.build.name)}")
