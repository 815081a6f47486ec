"""A person reads each cause once, and what the failed cells share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matrixbuild.cli.show_causes import causes_lines
from matrixbuild.core.failure import FailureKind
from matrixbuild.workflow.applying import Listener, apply_manifest
from matrixbuild.workflow.engines import engine_of
from tests.fakes.engines import Failing
from tests.projects import MANIFEST, small_project

QUIET = Listener(on_plan=lambda plan: None, on_report=lambda report, made: None)


def told(root: Path, kinds: Mapping[str, FailureKind], *, attempts: int = 1, limits: str = "{cpu: 1}") -> list[str]:
    retry = f"{{attempts: {attempts}, wait: {{initial: 1ms, max: 1ms}}}}"
    project = small_project(root, manifest=f"{MANIFEST}  schedule: {{limits: {limits}, retry: {retry}}}\n")
    return causes_lines(apply_manifest(project.manifest, QUIET, engine=lambda prepared: Failing(engine_of(prepared), kinds)))


def test_one_cause_is_told_in_one_line_with_the_value_that_tells(tmp_path: Path) -> None:
    assert told(tmp_path, {"jammy": FailureKind.STEP}) == [
        "3 failures, 1 cause, {os=jammy}: a step failure",
        "  image[fips=false,os=jammy]",
        "  image[fips=true,os=jammy]",
        "  notes[os=jammy]",
    ]


def test_several_causes_are_counted_and_then_told_each(tmp_path: Path) -> None:
    assert told(tmp_path, {"jammy": FailureKind.STEP, "noble": FailureKind.GUARD}) == [
        "6 failures, 2 causes",
        "",
        "3 builds failed, {os=jammy}: a step failure",
        "  image[fips=false,os=jammy]",
        "  image[fips=true,os=jammy]",
        "  notes[os=jammy]",
        "",
        "3 builds failed, {os=noble}: a guard failure",
        "  image[fips=false,os=noble]",
        "  image[fips=true,os=noble]",
        "  notes[os=noble]",
    ]


def test_why_something_is_not_tried_again_is_told_where_a_person_would_not_expect_it(tmp_path: Path) -> None:
    lines = told(tmp_path, {"jammy": FailureKind.OOM}, attempts=9, limits="{cpu: 1, memory: 1Gi}")
    assert lines[-1] == "  not tried again: it had all the memory there is"


def test_where_nothing_failed_nothing_is_told(tmp_path: Path) -> None:
    assert told(tmp_path, {}) == []
