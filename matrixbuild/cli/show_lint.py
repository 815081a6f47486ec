"""Linted Earthfiles -> text for a person, JSON (schemas/lint.schema.json), annotations for GitHub or a SARIF log."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

from matrixbuild.cli.show_problems import problem_json, problem_text, show_problems, wants_colour
from matrixbuild.core.counts import counted
from matrixbuild.core.earthfile.linting_findings import Finding
from matrixbuild.workflow.linting import Linted


def show_lint(linted: Sequence[Linted], form: str) -> None:
    """What is found goes to stdout; of an Earthfile that cannot be read, text goes to stderr."""
    if form == "json":
        sys.stdout.write(json.dumps(_json(linted), indent=2, ensure_ascii=False) + "\n")
    elif form == "text":
        show_problems([each.problem for each in linted if each.problem])
        sys.stdout.write(lint_text(linted, colour=wants_colour(sys.stdout, os.environ)))
    else:
        show_problems([problem for each in linted for problem in each.problems], form)


def lint_text(linted: Sequence[Linted], *, colour: bool = False) -> str:
    """Each finding as a block, and a line for each Earthfile that can be read."""
    blocks = "".join(problem_text(finding.problem, colour=colour) for each in linted for finding in each.findings)
    return blocks + "".join(f"{each.file}: {_sizes(each)}\n" for each in linted if not each.problem)


def _sizes(linted: Linted) -> str:
    remarks = len(linted.findings) - linted.warnings
    told = [counted(number, noun) for number, noun in ((linted.warnings, "warning"), (remarks, "remark")) if number]
    return ", ".join(told) or "nothing to tell"


def _json(linted: Sequence[Linted]) -> dict[str, object]:
    return {
        "earthfiles": [_summary(each) for each in linted],
        "findings": [_finding(finding) for each in linted for finding in each.findings],
        "problems": [problem_json(each.problem) for each in linted if each.problem],
    }


def _summary(linted: Linted) -> dict[str, object]:
    return {"file": linted.file, "valid": linted.problem is None, "warnings": linted.warnings, "remarks": len(linted.findings) - linted.warnings}


def _finding(finding: Finding) -> dict[str, object]:
    told = {name: value for name, value in problem_json(finding.problem).items() if name != "code"}
    return {"rule": finding.rule.name, "kind": finding.rule.kind.value, **told, "runs": finding.runs or None, "targets": list(finding.targets)}
