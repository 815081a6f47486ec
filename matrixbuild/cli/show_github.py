"""Problems -> workflow commands of GitHub Actions, which it shows as annotations beside the lines they are about."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matrixbuild.core.problems import Place, Problem, Severity


def problems_github(problems: Sequence[Problem], *, named: Callable[[str], str]) -> str:
    """One `::error ...::` or `::warning ...::` a line; `named` gives a file's name as the repository knows it."""
    return "".join(f"{_command(problem, named)}\n" for problem in problems)


def _command(problem: Problem, named: Callable[[str], str]) -> str:
    properties = _spot(problem.place, named) if problem.place else {}
    properties["title"] = f"matrixbuild: {problem.code}" if problem.code else "matrixbuild"
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    message = problem.summary + (f"\nhint: {problem.hint}" if problem.hint else "")
    level = "notice" if problem.severity is Severity.REMARK else problem.severity.value
    return f"::{level} {given}::{_data(message)}"


def _spot(place: Place, named: Callable[[str], str]) -> dict[str, str]:
    line, end = str(place.line), str(place.column + place.width)
    return {"file": named(place.file), "line": line, "endLine": line, "col": str(place.column), "endColumn": end}


# What GitHub's runner takes back (toolkit, packages/core: escapeData, escapeProperty); % first, or it would be escaped twice.
def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
