"""How an apply goes -> a view that lives on a terminal: what runs, since when and for how much longer, what it says, what rests, what is left."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from matrixbuild.cli.show_apply import Progress
from matrixbuild.core.events import Report, State
from matrixbuild.core.lock_merge import Output
from matrixbuild.core.plan import Plan

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

_NARROW = 60
_MARGIN = 3
_TAIL = 4096
_DUMB = ("dumb", "unknown", "")


def draws(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether a stream is a terminal that can be drawn on."""
    return stream.isatty() and environment.get("TERM", "") not in _DUMB and "GITHUB_ACTIONS" not in environment


@dataclass(slots=True, kw_only=True)
class _Shown:
    """A build that runs or rests: since when, by the clock; until when it rests."""

    build: str
    attempt: int
    since: float
    until: float | None = None
    failure: str = ""


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
        self._now: dict[str, _Shown] = {}

    def plan(self, plan: Plan) -> None:
        from rich.live import Live

        self._lines.plan(plan)
        self._print()
        self._total = len(plan.to_build)
        self._live = Live(console=self._console, get_renderable=self.view, refresh_per_second=4, transient=True)
        self._live.start()
        # A run that is killed must not leave a terminal without one.
        self._console.show_cursor(show=True)

    def report(self, report: Report, made: Output | None) -> None:
        now = self._clock()
        if report.state is State.RUNNING:
            self._now[report.build] = _Shown(build=report.build, attempt=report.attempt, since=now)
        elif report.state is State.RESTING:
            shown = _Shown(build=report.build, attempt=report.attempt, since=now, until=now + report.wait, failure=str(report.failure))
            self._now[report.build] = shown
        elif report.state.final:
            self._now.pop(report.build, None)
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
        shown = sorted(list(self._now.values()), key=lambda each: (each.until is not None, each.since))  # noqa: C414 (a copy: another thread draws)
        room = max(1, height - _MARGIN)
        lines = [self._line(each, width) for each in shown[:room]]
        more = [f"  and {len(shown) - room} more"] if len(shown) > room else []
        return Group(*(Text(line[: width - 1], no_wrap=True, overflow="crop") for line in [*lines, *more, self._totals(width)]))

    def _line(self, shown: _Shown, width: int) -> str:
        now = self._clock()
        if shown.until is not None:
            return f"  {'again in ' + _clock_text(max(0.0, shown.until - now)):<17}  {shown.build}  attempt {shown.attempt} failed: {shown.failure}"
        elapsed = now - shown.since
        expected = self._sources.expected(shown.build)
        left = f" ~{_clock_text(max(0.0, expected - elapsed))} left" if expected is not None else ""
        words = [f"  {_clock_text(elapsed) + left:<17}", shown.build]
        if width < _NARROW:
            return f"  {_clock_text(elapsed)} {shown.build}"
        if shown.attempt > 1:
            words.append(f"attempt {shown.attempt}")
        if line := self._sources.last_line(shown.build, shown.attempt):
            words.append(f"| {line}")
        return "  ".join(words)

    def _totals(self, width: int) -> str:
        resting = sum(each.until is not None for each in list(self._now.values()))
        ended = sum(self._ended.values())
        counts = {
            "running": len(self._now) - resting,
            "resting": resting,
            "waiting": max(0, self._total - ended - len(self._now)),
            **{state.value: count for state, count in self._ended.items() if state is not State.BUILT},
        }
        told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        short = f"[{ended}/{self._total}] {_clock_text(self._clock() - self._began)}"
        return short if width < _NARROW else f"{short}  {told}"


def _clock_text(seconds: float) -> str:
    """`0:07`, `12:30`, `1:02:03`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def last_line(path: Path) -> str:
    """The last line of a file that may be growing, without what would move a cursor; empty where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return printable(next((line for line in reversed(lines) if line.strip()), ""))


def printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())
