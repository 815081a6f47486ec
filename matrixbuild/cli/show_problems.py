"""Problems -> what a person reads (place, line, caret, hint) or a machine does (JSON; GitHub and SARIF are modules of their own)."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

from matrixbuild.adapters.known_secrets import KNOWN
from matrixbuild.core.problems import Place, Problem, Severity

MACHINES = ("json", "github", "sarif")
MOST_SHOWN = 50
MOST_ALIKE = 3
"""So many problems of one kind at one place are shown: a changed file makes one for each image name that it would move."""

_WINDOW = 120
"""Characters of a line that are shown; a longer one is cut around the caret."""

_LONGEST = 2_000
"""Characters of a sentence that are shown: a value in it may be as long as a manifest."""

_RED, _YELLOW, _BLUE, _BOLD, _OFF = "\x1b[31m", "\x1b[33m", "\x1b[34m", "\x1b[1m", "\x1b[0m"
_HUES = {Severity.ERROR: _RED, Severity.WARNING: _YELLOW, Severity.REMARK: _BLUE}


def show_problems(problems: Sequence[Problem], format: str = "text") -> None:  # noqa: A002 - the option's own name
    """Text goes to stderr, in colour where that is a terminal; what machines read is data and goes to stdout. Known secrets are in neither."""
    problems = KNOWN.hidden_problems(problems)
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
    """Errors and warnings as they come; of those that are alike the first few and how many there are, and so of all."""
    shown, told = [], 0
    for problem, more in _few_alike(problems)[:MOST_SHOWN]:
        shown.append(problem_text(problem, colour=colour))
        if more:
            shown.append(f"... and {more:,} more like this at {_clean(str(problem.place))}\n")
        told += 1 + more
    left = len(problems) - told
    return "".join([*shown, f"... and {left:,} more\n"] if left > 0 else shown)


def _few_alike(problems: Sequence[Problem]) -> list[tuple[Problem, int]]:
    """Those that are shown, and for the last of a kind how many like it are not."""
    alike = Counter(map(_kind, problems))
    met = Counter[object]()
    found = []
    for problem in problems:
        kind = _kind(problem)
        met[kind] += 1
        if kind is None or met[kind] <= MOST_ALIKE:
            found.append((problem, alike[kind] - MOST_ALIKE if kind and met[kind] == MOST_ALIKE else 0))
    return found


def _kind(problem: Problem) -> object:
    """The same for those of which a few say it all; None for what stands alone, as what each rule says of the cells."""
    alone = not problem.place or not problem.code or problem.code.startswith("rule-")
    return None if alone else (problem.place, problem.code, problem.severity)


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
