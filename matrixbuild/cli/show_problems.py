"""Problems -> what a person reads (place, line, caret, hint) or a machine does."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import TextIO

from matrixbuild.core.problems import Place, Problem, Severity

MOST_SHOWN = 50
_WINDOW = 120
"""Characters of a line that are shown; a longer one is cut around the caret."""

_RED, _YELLOW, _BLUE, _BOLD, _OFF = "\x1b[31m", "\x1b[33m", "\x1b[34m", "\x1b[1m", "\x1b[0m"


def show_problems(problems: Sequence[Problem], format: str = "text") -> None:  # noqa: A002 - the option's own name
    """Text goes to stderr, in colour where that is a terminal; JSON is data and goes to stdout."""
    if format == "json":
        sys.stdout.write(json.dumps({"problems": [problem_json(problem) for problem in problems]}, indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stderr.write(problems_text(problems, colour=wants_colour(sys.stderr, os.environ)))


def wants_colour(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether to colour what goes to `stream`: a terminal that is not dumb, unless NO_COLOR is set (no-color.org)."""
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def problems_text(problems: Sequence[Problem], *, colour: bool = False) -> str:
    """All of them, errors and warnings as they come, and how many there are where that is more than one block can show."""
    shown = "".join(problem_text(problem, colour=colour) for problem in problems[:MOST_SHOWN])
    more = len(problems) - MOST_SHOWN
    return shown if more <= 0 else f"{shown}... and {more} more\n"


def problem_text(problem: Problem, *, colour: bool = False) -> str:
    """One block: `file:line:column: error: summary`, the line, a caret under the spot, the hint."""
    paint = _painter(colour=colour)
    hue = _RED if problem.severity is Severity.ERROR else _YELLOW
    where = paint(_BOLD, f"{_clean(str(problem.place))}: ") if problem.place else ""
    lines = [f"{where}{paint(hue, f'{problem.severity.value}:')} {_clean(problem.summary)}"]
    margin = " " * len(str(problem.place.line)) if problem.place else ""
    if problem.place and problem.place.text.strip():
        text, caret = _excerpt(problem.place)
        lines += [f"  {paint(_BLUE, f'{problem.place.line} |')} {text}", f"  {margin} {paint(_BLUE, '|')} {paint(hue, caret)}"]
    if problem.hint:
        lines.append(f"  {margin} {paint(_BLUE, '=')} hint: {_clean(problem.hint)}" if margin else f"  hint: {_clean(problem.hint)}")
    return "\n".join(lines) + "\n"


def problem_json(problem: Problem) -> dict[str, object]:
    """The same as data; the line itself is in the file."""
    place = problem.place
    spot = {"file": place.file, "line": place.line, "column": place.column, "width": place.width} if place else None
    return {"severity": problem.severity.value, "code": problem.code, "summary": problem.summary, "hint": problem.hint, "place": spot}


def _painter(*, colour: bool) -> Callable[[str, str], str]:
    return (lambda hue, text: f"{hue}{text}{_OFF}") if colour else (lambda _hue, text: text)


def _excerpt(place: Place) -> tuple[str, str]:
    """The line, or the part of it around the spot, and the carets under the spot."""
    start = place.column - 1
    first = max(0, start - _WINDOW // 2) if len(place.text) > _WINDOW else 0
    part = place.text[first : first + _WINDOW]
    before, after = "…" if first else "", "…" if first + _WINDOW < len(place.text) else ""
    spot = part[start - first : start - first + place.width] or " "
    lead = before + part[: start - first]
    return _clean(f"{before}{part}{after}").rstrip(), " " * _columns(lead) + "^" * max(1, _columns(spot))


def _columns(text: str) -> int:
    """Columns of a terminal that `text` takes."""
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _clean(text: str) -> str:
    # Nothing in a file may steer the terminal: every control, format and line-separating character prints as a blank.
    return "".join(" " if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs") else char for char in text)
