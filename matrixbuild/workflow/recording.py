"""How a run goes -> the journal, and whoever else wants to know (events file, program's log)."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from matrixbuild.adapters.journal import Journal, open_journal
from matrixbuild.core.events import Paused, Report, Resumed, State
from matrixbuild.core.exit_codes import ExitCode, Terminated
from matrixbuild.core.happenings import BuildMoved, Happening, LockWritten, PlanMade, RunEnded, RunStarted, TagPut, Waited
from matrixbuild.core.journal import AttemptRecord, Result, RunRecord
from matrixbuild.core.lock_merge import Output
from matrixbuild.core.plan import Action, Plan
from matrixbuild.core.problems import MatrixbuildError, Problem
from matrixbuild.core.publish import PutTag

Tell = Callable[[Happening], None]


class Recorder:
    """One run, as it is written down. What a build left is in the journal, on the disk, when `report` returns: only then may anything depend on it.

    `exit_code` is what the run ends with if nothing is raised. Raises UnusableError where the journal cannot be written.
    """

    def __init__(self, journal: Journal, run: RunRecord, tell: Tell) -> None:
        self._journal = journal
        self._tell = tell
        self._keys: Mapping[str, str] = {}
        self._attempts: dict[str, AttemptRecord] = {}
        self._ended: Counter[str] = Counter()
        self.run = run
        self.exit_code = ExitCode.RUNTIME

    def planned(self, plan: Plan) -> None:
        self._keys = {build.name: build.key for build in plan.builds if build.action is not Action.RETIRE}
        self._journal.planned(self.run.number, builds=len(plan.to_build))
        reuse = sum(build.action is Action.REUSE for build in plan.builds)
        self._tell(PlanMade(name=plan.name, digest=plan.digest, build=len(plan.to_build), reuse=reuse))

    def durations(self) -> Mapping[str, tuple[float, ...]]:
        """How long builds took before (Journal.durations)."""
        return self._journal.durations()

    def report(self, report: Report, made: Output | None) -> None:
        """A build is in another state; `made` is what it left, where it is built."""
        now = time.time()
        attempt = self._moved(report, now)
        self._attempts[report.build] = attempt
        left = Result(key=attempt.key, build=report.build, run=self.run.number, finished=now, output=made) if made else None
        self._journal.attempted(attempt, left if report.state is State.BUILT else None)
        self._ended[report.state.value] += report.state.final
        seconds = attempt.seconds if report.state is not State.RUNNING else None
        self._tell(BuildMoved(report=report, key=attempt.key, seconds=seconds, made=made if report.state is State.BUILT else None))

    def _moved(self, report: Report, now: float) -> AttemptRecord:
        before = self._attempts.get(report.build)
        # A build that rests, and then is given up, ends with the attempt that it had.
        same = before if before and before.number == report.attempt else None
        running = report.state is State.RUNNING
        return AttemptRecord(
            run=self.run.number,
            build=report.build,
            key=self._keys[report.build],
            number=report.attempt,
            state=report.state,
            started=now if running else same.started if same else None,
            ended=None if running else (same.ended if same and same.ended is not None else now),
            kind=report.failure.kind.value if report.failure else "",
            summary=str(report.failure) if report.failure else report.because,
        )

    def waits(self, what: Paused | Resumed) -> None:
        self._tell(Waited(what=what))

    def put(self, put: PutTag) -> None:
        self._tell(TagPut(put=put))

    def lock_written(self, path: Path, builds: int) -> None:
        self._tell(LockWritten(path=str(path), builds=builds))

    def ended(self, exit_code: int, problems: tuple[Problem, ...] = ()) -> None:
        now = time.time()
        self._journal.end(self.run.number, exit_code=exit_code, now=now)
        counts = {state: count for state, count in self._ended.items() if count}
        seconds = now - self.run.started
        self._tell(RunEnded(run=self.run.number, exit_code=exit_code, seconds=seconds, builds=counts, problems=problems))


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

