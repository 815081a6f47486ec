"""How an apply goes -> lines for the log of GitHub Actions, what each build said folded away below its own."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import TextIO

from matrixbuild.cli.show_progress import Progress
from matrixbuild.core.events import Report, State
from matrixbuild.core.happenings import Happening
from matrixbuild.core.lock_merge import Output
from matrixbuild.core.plan import Plan
from matrixbuild.core.schedule import Schedule
from matrixbuild.workflow.scheduling import Outlook


class GroupedProgress:
    """A listener like Progress; `said` gives the lines of an attempt."""

    def __init__(self, stream: TextIO, said: Callable[[str, int], Iterable[str]]) -> None:
        self._stream = stream
        self._said = said
        self._told = io.StringIO()
        self._lines = Progress(self._told)

    def plan(self, plan: Plan) -> None:
        self._lines.plan(plan)
        self._write(self._line())

    def report(self, report: Report, made: Output | None) -> None:
        self._lines.report(report, made)
        line = self._line()
        if report.state in (State.BUILT, State.FAILED, State.RESTING) and report.attempt:
            # Two spaces: a line that begins with `::` would be a command to the runner.
            self._write(f"::group::{line}", *(f"  {each}" for each in self._said(report.build, report.attempt)), "::endgroup::")
        elif line:
            self._write(line)

    def outlook(self, outlook: Outlook, schedule: Schedule) -> None:
        self._lines.outlook(outlook, schedule)

    def happened(self, happening: Happening) -> None:
        self._lines.happened(happening)
        if line := self._line():
            self._write(line)

    def close(self) -> None:
        """As Progress."""

    def _line(self) -> str:
        line = self._told.getvalue().removesuffix("\n")
        self._told.seek(0)
        self._told.truncate()
        return line

    def _write(self, *lines: str) -> None:
        self._stream.write("".join(f"{line}\n" for line in lines))
        self._stream.flush()
