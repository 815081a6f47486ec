"""How an apply goes -> a view that lives on a terminal: what runs, since when and for how much longer, what it says, what rests, what is left."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from matrixbuild.cli.outlooks import Ahead
from matrixbuild.cli.progress_lines import Pause, Shown, build_line, pause_line, printable, totals_line, waiting_line
from matrixbuild.cli.show_progress import Progress
from matrixbuild.core import usage
from matrixbuild.core.events import Paused, Report, Resumed, State
from matrixbuild.core.happenings import Happening, Progressed, Waited
from matrixbuild.core.lock_merge import Output
from matrixbuild.core.plan import Plan
from matrixbuild.core.schedule import Schedule
from matrixbuild.workflow.scheduling import Outlook

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

_MARGIN = 4
_TAIL = 4096
_DUMB = ("dumb", "unknown", "")


def draws(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether a stream is a terminal that can be drawn on."""
    return stream.isatty() and environment.get("TERM", "") not in _DUMB and "GITHUB_ACTIONS" not in environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a view asks for: `expected`, the seconds a build very likely takes (None: nobody knows); `last_line`, what an attempt of it said last."""

    expected: Callable[[str], float | None] = lambda _: None
    last_line: Callable[[str, int], str] = lambda _, __: ""


class LiveProgress:
    """A listener like Progress: what has ended scrolls away in the same lines, what has not is redrawn below them.

    Everything is cut to the terminal as it is at that moment, so that it may be resized, and no line wraps.
    """

    def __init__(self, console: Console, sources: Sources, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._sources = sources
        self._clock = clock
        self._told = io.StringIO()
        self._lines = Progress(self._told, clock)
        self._live: Live | None = None
        self._began = clock()
        self._total = 0
        self._ended: dict[State, int] = {}
        self._over: set[str] = set()
        self._now: dict[str, Shown] = {}
        self._progress: dict[str, usage.Progress] = {}
        self._pauses: dict[str, Pause] = {}
        self._ahead: Ahead | None = None

    def plan(self, plan: Plan) -> None:
        from rich.live import Live

        self._lines.plan(plan)
        self._print()
        self._total = len(plan.to_build)
        self._live = Live(console=self._console, get_renderable=self.view, refresh_per_second=4, transient=True)
        self._live.start()
        # A run that is killed must not leave a terminal without one.
        self._console.show_cursor(show=True)

    def outlook(self, outlook: Outlook, schedule: Schedule) -> None:
        """What the run is going to be, and what answers for what its builds wait."""
        self._ahead = Ahead(outlook, schedule, self._clock)

    def happened(self, happening: Happening) -> None:
        if isinstance(happening, Progressed):
            self._progress[happening.build] = happening.progress
            return
        if isinstance(happening, Waited):
            self._wait(happening.what)
        self._lines.happened(happening)
        self._print()

    def _wait(self, what: Paused | Resumed) -> None:
        if isinstance(what, Resumed):
            self._pauses.pop(what.cause, None)
            return
        until = None if what.seconds is None else self._clock() + what.seconds
        before = self._pauses.get(what.cause)
        # The longest wait that any build was asked for counts for all of them.
        if before is None or until is None or (before.until is not None and until > before.until):
            self._pauses[what.cause] = Pause(what=what, until=until)

    def report(self, report: Report, made: Output | None) -> None:
        now = self._clock()
        self._progress.pop(report.build, None)
        if report.state is State.RUNNING:
            self._now[report.build] = Shown(build=report.build, attempt=report.attempt, since=now)
        elif report.state is State.RESTING:
            shown = Shown(build=report.build, attempt=report.attempt, since=now, until=now + report.wait, failure=str(report.failure))
            self._now[report.build] = shown
        elif report.state.final:
            self._now.pop(report.build, None)
            self._over.add(report.build)
            self._ended[report.state] = self._ended.get(report.state, 0) + 1
        self._lines.report(report, made)
        self._print()

    def _print(self) -> None:
        """What is to stay, above the view: as it is, without the markup that the name of a build could be taken for."""
        if text := self._told.getvalue():
            self._told.seek(0)
            self._told.truncate()
            self._console.print(text, end="", markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def view(self) -> RenderableType:
        """The part that is redrawn, no higher and no wider than the terminal is now."""
        from rich.console import Group
        from rich.text import Text

        width, height = self._console.size
        below = [*self._waiting(), self._totals(width)]
        # The last line is the one that nobody wants to miss, and what waits is of use only beside what runs.
        below = below if height > len(below) + _MARGIN else below[-1:]
        lines = [*self._running(width, max(1, height - _MARGIN + 1 - len(below))), *below]
        return Group(*(Text(line[: width - 1], no_wrap=True, overflow="crop") for line in lines))

    def _running(self, width: int, room: int) -> list[str]:
        """What runs and what rests, the oldest first, in at most so many lines and one that counts the rest."""
        shown = sorted(self._shown(), key=lambda each: (each.until is not None, each.since))
        more = [f"  and {len(shown) - room} more"] if len(shown) > room else []
        return [*(self._line(each, width) for each in shown[:room]), *more]

    def _shown(self) -> list[Shown]:
        return list(self._now.values())  # a copy: another thread draws

    def _line(self, shown: Shown, width: int) -> str:
        return build_line(
            shown,
            now=self._clock(),
            width=width,
            expected=self._sources.expected(shown.build),
            progress=self._progress.get(shown.build),
            line=self._sources.last_line(shown.build, shown.attempt),
        )

    def _waiting(self) -> list[str]:
        now = self._clock()
        pauses = [pause_line(pause, now=now) for pause in list(self._pauses.values())]
        running = {each.build for each in self._shown() if each.until is None}
        resting = {each.build for each in self._shown() if each.until is not None and each.until > now}
        waiting = waiting_line(self._ahead.waits(besides=self._over | running | resting)) if self._ahead else ""
        return [*pauses, *([waiting] if waiting else [])]

    def _totals(self, width: int) -> str:
        now, shown = self._clock(), self._shown()
        resting = sum(each.until is not None for each in shown)
        ended = sum(self._ended.values())
        counts = {
            "running": len(shown) - resting,
            "resting": resting,
            "waiting": max(0, self._total - ended - len(shown)),
            **{state.value: count for state, count in self._ended.items() if state is not State.BUILT},
        }
        running = {each.build: now - each.since for each in shown if each.until is None}
        left = self._ahead.left(ended=frozenset(self._over), running=running) if self._ahead else None
        return totals_line(counts, ended=ended, total=self._total, elapsed=now - self._began, left=left, width=width)


def last_line(path: Path) -> str:
    """The last line of a file that may be growing, without what would move a cursor; empty where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return printable(next((line for line in reversed(lines) if line.strip()), ""))
