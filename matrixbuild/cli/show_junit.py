"""How an apply went -> JUnit XML: a test case for each target and cell, so that a pipeline shows which cells failed and why."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from matrixbuild.core.build import Build
from matrixbuild.core.events import State
from matrixbuild.core.journal import Performed
from matrixbuild.core.problems import Problem
from matrixbuild.workflow.applying import Applied
from matrixbuild.workflow.running import Outcome

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write, escaped or not."""


def junit(applied: Applied, seconds: Mapping[str, float]) -> str:
    """`seconds` is how long each build took that ran, by name. A build for several cells is a case for each of them, with the same outcome."""
    prepared = applied.planned.prepared
    cases = [
        # The time once, or the sum would tell of more than was spent.
        _case(build, str(cell), applied.outcomes.get(build.name), 0.0 if number else seconds.get(build.name, 0.0))
        for build in sorted(prepared.selected, key=lambda build: build.name)
        for number, (cell, _) in enumerate(build.cells)
    ]
    return _document(prepared.manifest.name, cases)


def junit_of_problems(name: str, problems: Sequence[Problem]) -> str:
    """Of an apply that ended with an error: one case that says so."""
    case = ET.Element("testcase", classname=_text(name), name="apply", time="0.000")
    error = ET.SubElement(case, "error", message=_text(str(problems[0])), type=_text(problems[0].code or "error"))
    error.text = _text("\n".join(str(problem) for problem in problems))
    return _document(name, [case])


def _case(build: Build, cell: str, outcome: Outcome[Performed] | None, seconds: float) -> ET.Element:
    case = ET.Element("testcase", classname=_text(build.target), name=_text(cell or build.name), time=f"{seconds:.3f}")
    if outcome is None:
        ET.SubElement(case, "system-out").text = "as it was: nothing it is made from has changed"
    elif outcome.state is State.FAILED and outcome.failure:
        failure = ET.SubElement(case, "failure", message=_text(str(outcome.failure)), type=outcome.failure.kind.value)
        hint = [f"hint: {outcome.failure.hint}"] if outcome.failure.hint else []
        failure.text = _text("\n".join([build.name, str(outcome.failure), *outcome.failure.lines, *hint]))
    elif outcome.state is not State.BUILT:
        because = f": because of {outcome.because}" if outcome.because else ""
        ET.SubElement(case, "skipped", message=_text(f"{outcome.state}{because}"))
    return case


def _document(name: str, cases: Sequence[ET.Element]) -> str:
    counts = {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": sum(case.find("error") is not None for case in cases),
        "skipped": sum(case.find("skipped") is not None for case in cases),
    }
    words = {key: str(count) for key, count in counts.items()} | {"time": f"{sum(float(case.get('time', '0')) for case in cases):.3f}"}
    words["name"] = _text(name)
    suites = ET.Element("testsuites", words)
    ET.SubElement(suites, "testsuite", words).extend(cases)
    ET.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suites, encoding="unicode")}\n'


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
