"""What apply cannot honour yet it refuses with 8, naming the key; plan honours it."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrixbuild.core.problems import ExitCode
from matrixbuild.workflow.honouring import UNHONOURED
from tests.projects import MANIFEST, SmallProject, small_project


def with_timeout(root: Path) -> SmallProject:
    return small_project(root, manifest=MANIFEST.replace("      earthly: +notes\n", "      earthly: +notes\n      timeout: 90m\n"))


@pytest.mark.parametrize(
    ("manifest", "key", "why", "line"),
    [
        (
            MANIFEST + "  schedule: {silence: 20m}\n",
            "schedule.silence",
            "a build of the embedded engine is no process that could be silent or be stopped",
            "silence: 20m",
        ),
        (
            MANIFEST.replace("      earthly: +notes\n", "      earthly: +notes\n      timeout: 90m\n"),
            "targets.*.timeout",
            "a build of the embedded engine is no process that could be stopped",
            "notes:",
        ),
    ],
)
def test_a_key_that_the_embedded_engine_cannot_honour_is_refused(tmp_path: Path, manifest: str, key: str, why: str, line: str) -> None:
    project = small_project(tmp_path, manifest=manifest)
    assert project.run("plan", "small.yaml").code == 0
    ended = project.run("apply", "small.yaml")
    assert ended.code == ExitCode.UNUSABLE
    assert f"this matrixbuild cannot honour {key}: {why}\n" in ended.err
    assert ended.err.count("cannot honour") == 1
    assert line in ended.err
    assert not (project.root / "registry").exists()


def test_what_is_not_used_is_not_told(tmp_path: Path) -> None:
    assert small_project(tmp_path, manifest=MANIFEST + "  schedule: {retry: {attempts: 1}}\n").run("apply", "small.yaml").code == 0


def test_every_key_is_named_once() -> None:
    keys = [(line.key, engine) for line in UNHONOURED for engine in line.engines]
    assert len(keys) == len(set(keys))
