"""Problems -> what a person reads (place, line, caret, hint) or a machine does (JSON; GitHub and SARIF are modules of their own)."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

from matrixbuild.core.problems import Place, Problem, Severity

MACHINES = ("json", "github", "sarif")
MOST_SHOWN = 50
_WINDOW = 120
"""Characters of a line that are shown; a longer one is cut around the caret."""

_LONGEST = 2_000
"""Characters of a sentence that are shown: a value in it may be as long as a manifest."""

_RED, _YELLOW, _BLUE, _BOLD, _OFF = "\x1b[31m", "\x1b[33m", "\x1b[34m", "\x1b[1m", "\x1b[0m"
_HUES = {Severity.ERROR: _RED, Severity.WARNING: _YELLOW, Severity.REMARK: _BLUE}


def show_problems(problems: Sequence[Problem], format: str = "text") -> None:  # noqa: A002 - the option's own name
    """Text goes to stderr, in colour where that is a terminal; what machines read is data and goes to stdout."""
    if format in MACHINES:
        sys.stdout.write(shown(problems, format))
    else:
        sys.stderr.write(problems_text(problems, colour=wants_colour(sys.stderr, os.environ)))


def shown(problems: Sequence[Problem], form: str) -> str:
    """The problems as text, or in one of the forms in MACHINES; without colour."""
    if form not in MACHINES:
        return problems_text(problems)
    if form == "json":
        return json.dumps({"problems": [problem_json(problem) for problem in problems]}, indent=2, ensure_ascii=False) + "\n"
    # Imported here: most errors are shown as text.
    from matrixbuild.adapters.project import project_root
    from matrixbuild.cli.show_github import problems_github
    from matrixbuild.cli.show_sarif import problems_sarif

    named = partial(_within, root=project_root(Path("here")))
    return problems_github(problems, named=named) if form == "github" else problems_sarif(problems, named=named)


def _within(file: str, *, root: Path) -> str:
    """A file's name relative to the repository that the program runs in; absolute where it is outside."""
    path = Path(os.path.realpath(Path(file).parent), Path(file).name)
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


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
    hue = _HUES[problem.severity]
    where = paint(_BOLD, f"{_clean(str(problem.place))}: ") if problem.place else ""
    lines = [f"{where}{paint(hue, f'{problem.severity.value}:')} {_cut(problem.summary)}"]
    margin = " " * len(str(problem.place.line)) if problem.place else ""
    if problem.place and problem.place.text.strip():
        text, caret = _excerpt(problem.place)
        lines += [f"  {paint(_BLUE, f'{problem.place.line} |')} {text}", f"  {margin} {paint(_BLUE, '|')} {paint(hue, caret)}"]
    if problem.hint:
        lines.append(f"  {margin} {paint(_BLUE, '=')} hint: {_cut(problem.hint)}" if margin else f"  hint: {_cut(problem.hint)}")
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


def _cut(text: str) -> str:
    return _clean(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def _clean(text: str) -> str:
    # Nothing in a file may steer the terminal: every control, format and line-separating character prints as a blank.
    return "".join(" " if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs") else char for char in text)
