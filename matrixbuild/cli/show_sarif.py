"""Problems -> one run in SARIF 2.1.0, the format of code scanning services."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from matrixbuild import __version__
from matrixbuild.core.problems import Place, Problem, Severity

_ROOT = "%SRCROOT%"
_NO_CODE = "problem"


def problems_sarif(problems: Sequence[Problem], *, named: Callable[[str], str]) -> str:
    """The log as JSON; rules are the codes of the problems. `named` gives a file's name relative to the repository, or absolute outside it."""
    codes = list(dict.fromkeys(problem.code or _NO_CODE for problem in problems))
    rules = [{"id": code, "shortDescription": {"text": code.replace("-", " ")}} for code in codes]
    run = {
        "tool": {"driver": {"name": "matrixbuild", "semanticVersion": __version__, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem, codes, named) for problem in problems],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _result(problem: Problem, codes: Sequence[str], named: Callable[[str], str]) -> dict[str, Any]:
    code = problem.code or _NO_CODE
    return {
        "ruleId": code,
        "ruleIndex": codes.index(code),
        "level": "note" if problem.severity is Severity.REMARK else problem.severity.value,
        "message": {"text": problem.summary + (f" ({problem.hint})" if problem.hint else "")},
        "locations": [{"physicalLocation": _location(problem.place, named)}],
    }


def _location(place: Place | None, named: Callable[[str], str]) -> dict[str, Any]:
    if place is None:  # a service refuses a result without a location
        return {"artifactLocation": {"uri": ".", "uriBaseId": _ROOT}}
    region = {"startLine": place.line, "startColumn": place.column, "endColumn": place.column + place.width}
    return {"artifactLocation": _artifact(named(place.file)), "region": region}


def _artifact(name: str) -> dict[str, str]:
    if Path(name).is_absolute():
        return {"uri": f"file://{quote(name)}"}
    return {"uri": quote(name), "uriBaseId": _ROOT}
