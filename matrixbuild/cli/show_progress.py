"""How an apply goes -> plain lines, one for each thing that a person has to know."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from matrixbuild.core.counts import counted
from matrixbuild.core.events import Paused, Report, Resumed, State
from matrixbuild.core.happenings import Happening, SpaceFreed, Waited
from matrixbuild.core.lock_merge import Output
from matrixbuild.core.plan import Action, Plan
from matrixbuild.core.schedule import Schedule
from matrixbuild.workflow.scheduling import Outlook


class Progress:
    """One line for each build that ends or rests; the clock is asked only to say how long a build took."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._began: dict[str, float] = {}
        self._ended = 0
        self._total = 0
        self._pauses: dict[str, Paused] = {}

    def plan(self, plan: Plan) -> None:
        self._total = len(plan.to_build)
        reused = sum(build.action is Action.REUSE for build in plan.builds)
        counts = f"{plan.counts.cells} cells, {plan.counts.demands} builds, {plan.counts.builds} after deduplication"
        self._say(f"{plan.name}: {counts}: {self._total} to build, {reused} as they were")

    def report(self, report: Report, _made: Output | None) -> None:
        if report.state is State.RUNNING:
            self._began.setdefault(report.build, self._clock())
        elif report.state is State.RESTING:
            self._say(f"{'':>9}  again    {report.build} in {report.wait:.1f} s, after attempt {report.attempt}: {report.failure}")
        elif report.state.final:
            self._ended += 1
            self._say(f"[{self._ended:>{len(str(self._total))}}/{self._total}]  {report.state:<7}  {report.build}{self._detail(report)}")

    def outlook(self, _outlook: Outlook, _schedule: Schedule) -> None:
        """Lines that stay say nothing of what may come; see progress.LiveProgress."""

    def happened(self, happening: Happening) -> None:
        if isinstance(happening, Waited):
            self._wait(happening.what)
        elif isinstance(happening, SpaceFreed):
            self._say(f"{'':>9}  freed    {happening.freed / 2**20:,.0f} MiB of disk for {happening.build}")

    def _wait(self, what: Paused | Resumed) -> None:
        if isinstance(what, Paused):
            # A registry that asks again while it is left alone is no news.
            if what.cause not in self._pauses:
                self._say(f"{'':>9}  paused   {_paused(what)}")
            self._pauses[what.cause] = what
        elif before := self._pauses.pop(what.cause, None):
            self._say(f"{'':>9}  goes on  {before.host or before.failure}")

    def _detail(self, report: Report) -> str:
        if report.state is State.BUILT:
            return f"  {self._clock() - self._began[report.build]:.2f} s"
        if report.state is State.SKIPPED:
            return f"  (needs {report.because})" if report.limit is None else f"  ({stopped(report.limit, report.because)})"
        return f": {report.failure}" if report.failure else ""

    def close(self) -> None:
        """Nothing is left to be undone; see progress.LiveProgress."""

    def _say(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()


def _paused(what: Paused) -> str:
    """Who waits, for how long, and why."""
    who = f"builds that talk to {what.host}" if what.host else "builds that meet this"
    how_long = f"for {what.seconds:.0f} s" if what.seconds is not None else "until one has shown that it is gone"
    return f"{who}, {how_long}: {what.failure}"


def stopped(limit: int, last: str) -> str:
    """Which failures stopped a run."""
    return f"schedule.onFailure starts nothing after {counted(limit, 'failure')}, and {last} was {'it' if limit == 1 else 'the last'}"
