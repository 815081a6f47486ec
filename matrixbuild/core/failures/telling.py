"""What a failure was, and where -> the sentence and the few lines that a person reads of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from matrixbuild.core.failure import FailureKind
from matrixbuild.core.failures.run_manifest import Ran
from matrixbuild.core.failures.steps import ERROR, Step, last_lines
from matrixbuild.core.failures.words import shortened
from matrixbuild.core.problems import Place

MOST_LINES = 10
_WIDEST = 400
_COMMAND_WIDTH = 80
_BEFORE = 2
"""Lines before the first error that are told with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """`summary` is a sentence without the place, `lines` what decided; `place` where, if that is another than the error's own."""

    summary: str
    lines: tuple[str, ...] = ()
    place: Place | None = None


def step_told(ran: Ran | None, step: Step, output: str, *, earthly: str, held: str = "") -> Told:
    """Of a command that ended with an error: its last words, of a guard its own."""
    name = _shortened(ran.name, _COMMAND_WIDTH) if ran and ran.name else "a command"
    ended = f"ended with exit code {step.code}" if step.code is not None else "failed"
    why = {
        FailureKind.DISK: ", as no space was left",
        FailureKind.OOM: f", killed for want of memory{held}" if step.sign else f" without a word: killed, probably for want of memory{held}",
        FailureKind.GUARD: ", as it refuses what it was given",
    }.get(step.kind, ", after a network failure" if step.again else "")
    return Told(summary=f"{_of(ran, earthly)}{name} {ended}{why}", lines=decisive(_end_of(output)))


def _end_of(output: str) -> list[str]:
    """The last lines; where one of them looks like an error, what is long before it tells nothing."""
    lines = last_lines(output, MOST_LINES)
    first = next((number for number, line in enumerate(lines) if ERROR.search(line)), 0)
    return lines[max(0, first - _BEFORE) :]


def message_told(line: str, ran: Ran | None, *, earthly: str) -> Told:
    """Of what the program itself could not do: the innermost error is the sentence, and stands in full among the lines where it is long."""
    shown = _shortened(shortened(line), _WIDEST // 2)
    return Told(summary=f"{_of(ran, earthly)}{shown}", lines=decisive([line]) if shown != line else ())


def doing_told(what: str, running: Iterable[Ran], *, earthly: str) -> Told:
    """Of an end that came from outside: what went on at that time."""
    found = [ran for ran in running if ran.name]
    if not found:
        return Told(summary=f"{f'{earthly}: ' if earthly else ''}{what}")
    name = _shortened(found[0].name, _COMMAND_WIDTH)
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return Told(summary=f"{_of(found[0], earthly)}{what} during {name}{more}", place=found[0].place)


def decisive(lines: Iterable[str]) -> tuple[str, ...]:
    """At most MOST_LINES, the last ones, none wider than a screen holds in a few lines."""
    return tuple(_shortened(line, _WIDEST) for line in list(lines)[-MOST_LINES:])


def memory_told(peak: int | None, limit: int | None) -> str:
    if peak is None:
        return ""
    return f" (it held {peak / 2**20:.0f} MiB{f' of {limit / 2**20:.0f} MiB' if limit else ''})"


def _of(ran: Ran | None, earthly: str) -> str:
    name = (ran.earthly if ran else "") or earthly
    return f"{name}: " if name else ""


def _shortened(text: str, width: int) -> str:
    line = " ".join(text.split()) if "\n" in text else text
    return line if len(line) <= width else f"{line[: width // 2 - 1]}…{line[-(width - width // 2) :]}"
