"""How a run goes -> the journal, and whoever else wants to know (events file, program's log)."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from matrixbuild.adapters.journal import Journal, open_journal
from matrixbuild.adapters.known_secrets import KNOWN
from matrixbuild.core.events import FreeSpace, Paused, Report, Resumed, State
from matrixbuild.core.exit_codes import ExitCode, Terminated
from matrixbuild.core.happenings import BuildMoved, Happening, LockWritten, PlanMade, Progressed, RunEnded, RunStarted, SpaceFreed, TagPut, Waited
from matrixbuild.core.journal import AttemptRecord, Performed, Result, RunRecord
from matrixbuild.core.learning import History
from matrixbuild.core.plan import Action, Plan
from matrixbuild.core.problems import MatrixbuildError, Problem
from matrixbuild.core.publish import PutTag
from matrixbuild.core.usage import UNMEASURED, Progress

Tell = Callable[[Happening], None]


class Recorder:
    """One run, as it is written down. What builds left is in the journal, on the disk, when `record` returns: only then may anything depend on it.

    `keys` are the build keys by name; `exit_code` is what the run ends with if nothing is raised. Raises UnusableError where the journal cannot be
    written.
    """

    def __init__(self, journal: Journal, run: RunRecord, tell: Tell) -> None:
        self._journal = journal
        self._tell = tell
        self.keys: Mapping[str, str] = {}
        self._attempts: dict[str, AttemptRecord] = {}
        self._heard: dict[tuple[str, int, State], float] = {}
        self._untold: deque[AttemptRecord] = deque()
        self._ended: Counter[State] = Counter()
        self._telling = threading.Lock()
        self._running: set[str] = set()
        self._early: dict[str, Progress] = {}
        self.run = run
        self.exit_code = ExitCode.RUNTIME

    def planned(self, plan: Plan) -> None:
        self.keys = {build.name: build.key for build in plan.builds if build.action is not Action.RETIRE}
        self._journal.planned(self.run.number, builds=len(plan.to_build))
        reuse = sum(build.action is Action.REUSE for build in plan.builds)
        self._tell(PlanMade(name=plan.name, digest=plan.digest, build=len(plan.to_build), reuse=reuse))

    def history(self) -> History:
        """What builds took before."""
        return self._journal.samples()

    def heard(self, reports: Sequence[Report]) -> None:
        """These have come now, and are recorded in a moment."""
        now = time.time()
        self._heard.update(((report.build, report.attempt, report.state), now) for report in reports)

    def record(self, reports: Sequence[tuple[Report, Performed | None]]) -> None:
        """Builds are in other states, all of one moment; with what they left, where they are built."""
        now = time.time()
        moves = [self._move(report, made if report.state is State.BUILT else None, self._when(report, now)) for report, made in reports]
        self._journal.all_attempted(moves)
        self._untold += (attempt for attempt, _ in moves)

    def _when(self, report: Report, now: float) -> float:
        return self._heard.pop((report.build, report.attempt, report.state), now)

    def _move(self, report: Report, made: Performed | None, now: float) -> tuple[AttemptRecord, Result | None]:
        attempt = self._moved(report, made, now)
        self._attempts[report.build] = attempt
        left = Result(key=attempt.key, build=report.build, run=self.run.number, finished=now, output=made.output) if made else None
        return attempt, left

    def report(self, report: Report, made: Performed | None) -> None:
        """Tell of what was recorded, in the same order."""
        attempt = self._untold.popleft()
        self._ended[report.state] += report.state.final
        seconds = attempt.seconds if report.state is not State.RUNNING else None
        output = made.output if made and report.state is State.BUILT else None
        with self._telling:
            self._tell(BuildMoved(report=report, key=attempt.key, seconds=seconds, made=output, usage=attempt.usage))
            self._moved_to(report.build, report.state)

    def _moved(self, report: Report, made: Performed | None, now: float) -> AttemptRecord:
        before = self._attempts.get(report.build)
        # A build that rests, and then is given up, ends with the attempt that it had.
        same = before if before and before.number == report.attempt else None
        running = report.state is State.RUNNING
        spent = made.usage if made else report.failure.usage if report.failure else UNMEASURED
        return AttemptRecord(
            run=self.run.number,
            build=report.build,
            key=self.keys[report.build],
            number=report.attempt,
            state=report.state,
            started=now if running else same.started if same else None,
            ended=None if running else (same.ended if same and same.ended is not None else now),
            kind=report.failure.kind.value if report.failure else "",
            summary=str(report.failure) if report.failure else report.because,
            usage=UNMEASURED if running else spent,
        )

    def progressed(self, build: str, progress: Progress) -> None:
        """A running build is further on: told, and not written down. What comes before it was told that it runs (builds start while that is written)
        is told right after that. Any thread may call it."""
        with self._telling:
            if build in self._running:
                self._tell(Progressed(build=build, progress=progress))
            else:
                self._early[build] = progress

    def _moved_to(self, build: str, state: State) -> None:
        if state is not State.RUNNING:
            self._running.discard(build)
            self._early.pop(build, None)
            return
        self._running.add(build)
        if progress := self._early.pop(build, None):
            self._tell(Progressed(build=build, progress=progress))

    def waits(self, what: Paused | Resumed) -> None:
        self._tell(Waited(what=what))

    def freed(self, wanted: FreeSpace, freed: int) -> None:
        self._tell(SpaceFreed(build=wanted.build, wanted=wanted.bytes, freed=freed))

    def put(self, put: PutTag) -> None:
        self._tell(TagPut(put=put))

    def lock_written(self, path: Path, builds: int) -> None:
        self._tell(LockWritten(path=str(path), builds=builds))

    def ended(self, exit_code: int, problems: tuple[Problem, ...] = ()) -> None:
        now = time.time()
        self._journal.end(self.run.number, exit_code=exit_code, now=now)
        counts = {state.value: count for state, count in self._ended.items() if count}
        seconds = now - self.run.started
        told = KNOWN.hidden_problems(problems)
        self._tell(RunEnded(run=self.run.number, exit_code=exit_code, seconds=seconds, builds=counts, problems=told))


@contextmanager
def recorded(state: Path, manifest: str, tell: Tell) -> Iterator[Recorder]:
    """A run, recorded from its beginning to however it ends, in the journal of a state directory that this process holds."""
    with open_journal(state) as journal:
        before = next(iter(journal.runs(1)), None)
        after = before if before and before.stopped else None
        built = sum(attempt.state is State.BUILT for attempt in journal.attempts(after.number)) if after else 0
        run = journal.begin(pid=os.getpid(), now=time.time())
        recorder = Recorder(journal, run, tell)
        tell(RunStarted(run=run.number, manifest=manifest, pid=run.pid, after=after, built=built))
        try:
            yield recorder
        except MatrixbuildError as error:
            _ended_by(recorder, error.exit_code, error.problems)
            raise
        except KeyboardInterrupt:
            _ended_by(recorder, ExitCode.INTERRUPTED)
            raise
        except Terminated:
            _ended_by(recorder, ExitCode.TERMINATED)
            raise
        except BaseException:
            _ended_by(recorder, ExitCode.RUNTIME)
            raise
        recorder.ended(recorder.exit_code)


def _ended_by(recorder: Recorder, exit_code: int, problems: tuple[Problem, ...] = ()) -> None:
    """Written down if that can be: where it cannot (the disk is full), what the run ended with says more, and the next one sees a run that died."""
    try:
        recorder.ended(exit_code, problems)
    except MatrixbuildError:
        return
