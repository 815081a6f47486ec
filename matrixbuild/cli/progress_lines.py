"""What runs, rests and waits at a moment -> the lines of a view that is redrawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from matrixbuild.cli.show_forecast import estimated
from matrixbuild.core.events import Paused
from matrixbuild.core.forecast import Estimate
from matrixbuild.core.usage import Progress
from matrixbuild.core.waits import Waits

NARROW = 60
_NAMED = 3
"""So many needs are named of all that builds wait for."""


@dataclass(slots=True, kw_only=True)
class Shown:
    """A build that runs or rests: since when, by the clock; until when it rests."""

    build: str
    attempt: int
    since: float
    until: float | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """What builds wait for, and until when (None: until one has shown that it is gone)."""

    what: Paused
    until: float | None


def build_line(shown: Shown, *, now: float, width: int, expected: float | None, progress: Progress | None, line: str) -> str:
    """How long a build runs, for how much longer, and where it is; or when it is tried again."""
    if shown.until is not None:
        return f"  {'again in ' + clock_text(max(0.0, shown.until - now)):<17}  {shown.build}  attempt {shown.attempt} failed: {shown.failure}"
    elapsed = now - shown.since
    left = f" ~{clock_text(max(0.0, expected - elapsed))} left" if expected is not None else ""
    if width < NARROW:
        return f"  {clock_text(elapsed)} {shown.build}"
    words = [f"  {clock_text(elapsed) + left:<17}", shown.build]
    if shown.attempt > 1:
        words.append(f"attempt {shown.attempt}")
    if progress and (where := printable(str(progress))):
        words.append(where)
    if said := printable(progress.line) if progress and progress.line else line:
        words.append(f"| {said}")
    return "  ".join(words)


def pause_line(pause: Pause, *, now: float) -> str:
    """Which registry wants to be left alone and for how long, or which cause has to go away."""
    if pause.until is not None:
        return f"  {'on in ' + clock_text(max(0.0, pause.until - now)):<17}  {pause.what.host} asked to be left alone: {pause.what.failure}"
    return f"  {'paused':<17}  until a build shows that this is gone: {pause.what.failure}"


def waiting_line(waits: Waits) -> str:
    """`waiting: 12 for cpu; 8 for root, 3 for base[os=x] and others`; nothing where nothing waits."""
    parts = [f"{count} for {pools}" for pools, count in waits.pools]
    parts += [f"{count} for {host}" for host, count in waits.hosts]
    parts += [f"{waits.proof} for a build that shows whether a cause is gone"] if waits.proof else []
    parts += [f"{waits.turn} for their turn"] if waits.turn else []
    needs = ", ".join(f"{count} for {need}" for need, count in waits.needs[:_NAMED])
    more = len(waits.needs) - _NAMED
    parts += [f"{needs} and {more} other{'s' if more > 1 else ''}" if more > 0 else needs] if needs else []
    return f"  waiting: {'; '.join(parts)}" if parts else ""


def totals_line(counts: Mapping[str, int], *, ended: int, total: int, elapsed: float, left: Estimate | None, width: int) -> str:
    short = f"[{ended}/{total}] {clock_text(elapsed)}"
    if width < NARROW:
        return short
    return "  ".join([short, *_totals(counts, left)])


def _totals(counts: Mapping[str, int], left: Estimate | None) -> Iterator[str]:
    if told := ", ".join(f"{count} {what}" for what, count in counts.items() if count):
        yield told
    if left is not None:
        yield f"{estimated(left)} left"


def clock_text(seconds: float) -> str:
    """`0:07`, `12:30`, `1:02:03`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def printable(text: str) -> str:
    """Without what would move a cursor."""
    return "".join(letter for letter in text if letter.isprintable())
