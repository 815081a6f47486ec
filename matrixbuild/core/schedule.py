"""When each build runs: events in, instructions out; no clock, process or registry is known here.

Only `Schedule.handle` changes anything, and only by the moves of `events.MOVES`. Waiting is an instruction, not a sleep, so a
build that rests before its next attempt holds no pool, a simulation needs no time, and neither do the tests. The same builds and the
same events give the same instructions. Work that one event causes is put on lists, never on the call stack: chains may be long.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from matrixbuild.core.events import (
    Event,
    Failed,
    Finished,
    FreeSpace,
    Instruction,
    Interrupted,
    Report,
    Run,
    Started,
    State,
    Stop,
    Uploaded,
    WakeLater,
    Woke,
)
from matrixbuild.core.failure import Failure, FailureKind
from matrixbuild.core.pauses import Gate, Pauses, gates
from matrixbuild.core.policy import Again, FailurePolicy, GivenUp, Memory
from matrixbuild.core.pools import Pools, Queue
from matrixbuild.core.retry import Treatment
from matrixbuild.core.roster import IllegalEvent, Roster, illegal
from matrixbuild.core.scheduled import Progress, ScheduledBuild, Waiting
from matrixbuild.core.uploads import Uploads

__all__ = ["IllegalEvent", "Schedule", "ScheduledBuild"]

_NOTHING: Mapping[str, str] = {}
_MEMORY = "memory"
_DISK = "disk"
_NOTHING_STARTS = (State.WAITING, State.READY, State.RESTING)


class Schedule:
    """The state machine of one run. After `most_failures` failed builds (None: however many) nothing else is started; what runs goes on. `contexts`
    are files that builds send, as core.uploads has them.

    Raises ValueError where two builds have one name, a need is not among the builds, or a pool has no capacity. Cycles are found in the
    plan; one that comes this far raises IllegalEvent as soon as nothing can go on.
    """

    def __init__(
        self,
        builds: Iterable[ScheduledBuild],
        *,
        capacity: Mapping[str, int],
        policy: FailurePolicy,
        most_failures: int | None = None,
        contexts: Mapping[str, str] = _NOTHING,
    ) -> None:
        self._policy = policy
        self._most_failures = most_failures
        self._capacity = capacity
        self._last_failed: Progress | None = None
        self._pools = Pools(capacity)
        self._queue = Queue()
        self._pauses = Pauses(policy.pause_after)
        self._uploads = Uploads(contexts)
        self._roster = Roster(builds, self._pools)
        self._retries_left = policy.budget.of(len(self._roster.order))
        self._timers = 0
        self._started = False
        self._interrupts = 0
        self._out: list[Instruction] = []

    @property
    def ended(self) -> bool:
        """Every build is built, failed, skipped or cancelled."""
        return self._roster.ended

    @property
    def counts(self) -> Mapping[State, int]:
        """How many builds are in each state."""
        return dict(self._roster.counts)

    @property
    def held(self) -> Mapping[str, int]:
        """What running builds hold, pool by pool."""
        return self._pools.held

    def state(self, name: str) -> State:
        return self._roster[name].state

    def story(self, name: str) -> str:
        """Every state the build has been in, in order."""
        return self._roster[name].told

    def needs(self, name: str) -> tuple[str, ...]:
        """The builds of the run that this one needs."""
        return self._roster[name].build.needs

    def waiting(self, name: str) -> Waiting:
        """What this build waits for now; nothing where it runs or has ended."""
        progress = self._roster[name]
        if progress.state is State.WAITING:
            return Waiting(builds=tuple(need for need in sorted(set(progress.build.needs)) if self.state(need) is not State.BUILT))
        if progress.state is State.RESTING:
            return Waiting(proof=not progress.timers)
        if progress.state is not State.READY:
            return Waiting()
        shut = progress.gates & self._shut
        return Waiting(
            builds=tuple(filter(None, [self._uploads.ahead_of(name)])),
            pools=tuple(sorted(pool for pool in self._pools.short_of(progress.demand) if pool)),
            hosts=tuple(sorted(host for kind, host in shut if kind == "asked")),
            proof=any(kind == "proven" for kind, _ in shut),
        )

    def handle(self, *events: Event, disk: int | None = None) -> tuple[Instruction, ...]:
        """Take in one event, or several of the same moment; what to do about them, in this order.

        `disk` is how many bytes are free now where builds write (None: nobody knows; then only the pool of that name counts). Raises IllegalEvent
        for an event that cannot be now.
        """
        self._out = []
        self._pools.see_disk(disk)
        for event in events:
            self._take_in(event)
        self._out += self._pauses.told()
        self._run_what_fits()
        self._check_going_on()
        return tuple(self._out)

    def _take_in(self, event: Event) -> None:
        if isinstance(event, Started) == self._started:
            raise IllegalEvent("a run starts once" if self._started else f"{event} before the run has started")
        match event:
            case Started():
                self._start()
            case Finished(build=name):
                self._finish(self._roster.running(name, event))
            case Failed(build=name, failure=failure):
                self._fail(self._roster.running(name, event), failure)
            case Woke(build=name):
                self._wake(name, event)
            case Uploaded(build=name):
                self._sent(self._roster.known(name, event))
            case Interrupted():
                self._interrupt()
        if self._halted and not self._interrupts:
            self._give_up()

    def _start(self) -> None:
        self._started = True
        for progress in self._roster.order:
            if not progress.missing:
                self._make_ready(progress)

    def _finish(self, progress: Progress) -> None:
        self._end_attempt(progress, State.BUILT)
        self._report(progress)
        for dependant in progress.dependants:
            dependant.missing -= 1
            # After an interrupt it is cancelled already.
            if not dependant.missing and dependant.state is State.WAITING:
                self._make_ready(dependant)
        self._free(self._pauses.finished(progress.build.name, progress.build.hosts))

    def _fail(self, progress: Progress, failure: Failure) -> None:
        progress.failure = failure
        treatment = self._policy.treatment(failure.kind)
        answer = self._answer(progress, failure)
        again = isinstance(answer, Again)
        freed = self._pauses.failed(progress.build.name, failure, again=again, outside=treatment.outside)
        if isinstance(answer, Again):
            self._rest(progress, failure, answer)
        else:
            cancelled = failure.kind is FailureKind.CANCELLED
            progress.given_up = None if cancelled else answer
            self._end_attempt(progress, State.CANCELLED if cancelled else State.FAILED)
            self._lose(progress)
        self._leave_host_alone(progress, failure, treatment)
        self._free(freed)

    def _answer(self, progress: Progress, failure: Failure) -> Again | GivenUp:
        if self._interrupts or self._halted:
            return GivenUp.STOPPED
        memory = Memory(held=dict(progress.demand).get(_MEMORY, 0), limit=self._capacity.get(_MEMORY))
        answer = self._policy.answer(failure, attempt=progress.attempt, key=progress.build.key, memory=memory)
        return GivenUp.BUDGET if isinstance(answer, Again) and not self._retries_left else answer

    def _rest(self, progress: Progress, failure: Failure, again: Again) -> None:
        self._retries_left -= 1
        self._end_attempt(progress, State.RESTING)
        if again.memory is not None:
            progress.memory = again.memory
            progress.demand = self._pools.demand(progress.amounts)
        self._report(progress, failure=failure, wait=again.wait, memory=again.memory)
        if again.space:
            self._out.append(FreeSpace(build=progress.build.name, bytes=dict(progress.build.amounts).get(_DISK, 0)))
        self._wake_later(progress, again.wait)

    def _leave_host_alone(self, progress: Progress, failure: Failure, treatment: Treatment) -> None:
        """A registry that limits requests is left alone by all builds for the time it asks for, also where this one is not tried again."""
        if failure.retry_after is None or not failure.host or self._interrupts or self._halted:
            return
        wait = treatment.wait_before(progress.attempt + 1, asked=failure.retry_after, key=progress.build.key)
        if wait is not None:
            self._pauses.ask(progress.build.name, failure, wait)
            if progress.state is State.FAILED:
                self._wake_later(progress, wait)

    def _lose(self, progress: Progress) -> None:
        """It has ended without being built."""
        if progress.state is State.FAILED:
            self._last_failed = progress
        self._report(progress, failure=progress.failure)
        self._skip_dependants(progress)

    @property
    def _halted(self) -> bool:
        return self._most_failures is not None and self._roster.counts[State.FAILED] >= self._most_failures

    def _give_up(self) -> None:
        """Start nothing else: what rests has failed with the failure it rests from, what waits is skipped for the last that failed."""
        if not any(self._roster.counts[state] for state in _NOTHING_STARTS):
            return
        self._queue = Queue()
        for progress in self._roster.order:
            if progress.state is State.RESTING:
                self._roster.move(progress, State.FAILED)
                progress.given_up = GivenUp.STOPPED
                self._lose(progress)
        culprit = self._last_failed.build.name if self._last_failed else ""
        for progress in self._roster.order:
            if progress.state in (State.WAITING, State.READY):
                self._roster.move(progress, State.SKIPPED)
                self._report(progress, because=culprit, limit=self._most_failures)

    def _skip_dependants(self, culprit: Progress) -> None:
        """Everything that needs it, near or far, says its name: the build to look at is the one that failed."""
        reached = list(culprit.dependants)
        for progress in reached:
            if progress.state is State.WAITING:
                self._roster.move(progress, State.SKIPPED)
                self._report(progress, because=culprit.build.name)
                reached += progress.dependants

    def _wake(self, name: str, event: Event) -> None:
        progress = self._roster.known(name, event)
        if not progress.timers:
            raise illegal(progress, event)
        progress.timers -= 1
        self._timers -= 1
        # The last one counts: no wait is ever cut short by one that began before it.
        if progress.timers:
            return
        self._pauses.rang(name)
        # A timer outlives the interrupt that cancelled its build, or the failure after which nothing is started.
        if progress.state is State.RESTING and self._pauses.may_go(name):
            self._make_ready(progress)

    def _free(self, names: Iterable[str]) -> None:
        for name in names:
            if self._roster[name].state is State.RESTING:
                self._make_ready(self._roster[name])

    def _interrupt(self) -> None:
        self._interrupts += 1
        self._queue = Queue()
        for progress in self._roster.order:
            if progress.state is State.RUNNING:
                self._stop(progress)
            elif not progress.state.final:
                self._roster.move(progress, State.CANCELLED)
                self._report(progress)

    def _stop(self, progress: Progress) -> None:
        now = self._interrupts > 1
        self._out.append(Stop(build=progress.build.name, now=now))
        if now:
            self._end_attempt(progress, State.CANCELLED)
            self._report(progress)

    def _sent(self, progress: Progress) -> None:
        # Told by another thread than its end: it may be over by now.
        if progress.state is State.RUNNING:
            self._uploads.sent(progress.build.name)

    @property
    def _shut(self) -> frozenset[Gate]:
        return self._pauses.shut | self._uploads.shut if self._uploads.shut else self._pauses.shut

    def _run_what_fits(self) -> None:
        while (number := self._queue.next(self._pools, self._shut)) is not None:
            progress = self._roster.order[number]
            self._pools.take(progress.demand)
            progress.attempt += 1
            self._roster.move(progress, State.RUNNING)
            self._uploads.started(progress.build.name)
            self._report(progress)
            self._out.append(Run(build=progress.build.name, attempt=progress.attempt))

    def _check_going_on(self) -> None:
        while not (self.ended or self._roster.counts[State.RUNNING] or self._timers):
            number = self._queue.short_of_disk(self._pools, self._shut)
            if number is None:
                stuck = next(progress for progress in self._roster.order if not progress.state.final)
                raise IllegalEvent(f"nothing runs or rests, and the run has not ended; {stuck.build.name!r} was {stuck.told}")
            self._ask_for_space(self._roster.order[number])

    def _ask_for_space(self, progress: Progress) -> None:
        """Nothing runs that could leave it the disk it asks for: have some freed and look again, as often as its failure would be tried again."""
        treatment = self._policy.treatment(FailureKind.DISK)
        progress.space_asked += 1
        wait = treatment.wait_before(progress.space_asked + 1, key=progress.build.key)
        if progress.space_asked < treatment.attempts and wait is not None:
            self._out.append(FreeSpace(build=progress.build.name, bytes=dict(progress.demand)[_DISK]))
            self._wake_later(progress, wait)
            return
        self._queue.take(progress.number, demand=progress.demand, gates=progress.gates)
        progress.failure = self._no_disk(progress)
        progress.given_up = GivenUp.ATTEMPTS
        self._roster.move(progress, State.FAILED)
        self._lose(progress)
        if self._halted:
            self._give_up()
        self._run_what_fits()

    def _no_disk(self, progress: Progress) -> Failure:
        wanted, left = dict(progress.demand)[_DISK], self._pools.disk_left or 0
        return Failure(
            kind=FailureKind.DISK,
            summary=f"not started: it asks for {wanted / 2**30:.1f}Gi of disk, and {max(left, 0) / 2**30:.1f}Gi are free",
            hint="free some space, or lower resources.disk of its target",
        )

    def _make_ready(self, progress: Progress) -> None:
        self._roster.move(progress, State.READY)
        name = progress.build.name
        progress.gates = gates(progress.build.hosts, probing=self._pauses.probes(name)) | self._uploads.gates(name)
        self._queue.add(progress.number, rank=progress.build.rank, demand=progress.demand, gates=progress.gates)

    def _wake_later(self, progress: Progress, seconds: float) -> None:
        progress.timers += 1
        self._timers += 1
        self._out.append(WakeLater(build=progress.build.name, seconds=seconds))

    def _end_attempt(self, progress: Progress, state: State) -> None:
        self._roster.move(progress, state)
        self._pools.give_back(progress.demand)
        if state is State.BUILT:
            self._uploads.sent(progress.build.name)
        self._uploads.ended(progress.build.name)

    def _report(
        self,
        progress: Progress,
        *,
        failure: Failure | None = None,
        wait: float = 0.0,
        because: str = "",
        limit: int | None = None,
        memory: int | None = None,
    ) -> None:
        self._out.append(
            Report(
                build=progress.build.name,
                state=progress.state,
                attempt=progress.attempt,
                failure=failure,
                wait=wait,
                because=because,
                limit=limit,
                given_up=progress.given_up,
                memory=memory,
            )
        )
