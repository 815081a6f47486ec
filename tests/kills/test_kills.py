"""`kill -9` at any moment loses nothing finished: what the journal or the registry proves is not done again, and nothing needs a person."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from matrixbuild.adapters.journal import read_journal
from tests.kills.world import ALL, BOTH, IMAGES, NOTES, TAGS, Executions, ended, release, start
from tests.projects import SmallProject, layout_manifests

SOAK = bool(os.environ.get("MATRIXBUILD_SOAK"))
KILLED = (-signal.SIGKILL,)
BUILDS_TAKE, LONGEST = ("0.05-5", 5.0) if SOAK else ("0.05", 1.5)
"""Seconds: so a soak's kills hit builds in their middle, as well as pushes and what is written down."""


@pytest.fixture
def executions(tmp_path: Path) -> Executions:
    return Executions(path=tmp_path / "executions")


def finished(project: SmallProject) -> frozenset[str]:
    """The builds whose results the journal has."""
    with read_journal(project.root / ".matrixbuild" / "small") as journal:
        if journal is None:
            return frozenset()
        return frozenset(attempt.build for run in journal.runs() for attempt in journal.attempts(run.number) if attempt.state == "built")


def check_release(project: SmallProject) -> None:
    """Everything is published and locked, and another apply does nothing."""
    lock = json.loads(project.lock.read_text())
    assert set(lock["builds"]) == ALL
    tags = dict(layout_manifests(project.root / "registry"))
    assert project.digests() == {f"oci-layout:registry/{name}": digest for name, digest in tags.items() if ":mb-" not in name}
    assert len(project.digests()) == TAGS
    before = project.lock.read_bytes()
    assert project.apply() == {}
    assert project.lock.read_bytes() == before


@pytest.mark.parametrize("mode", ["atomic", "each"])
@pytest.mark.parametrize("point", ["started:1", "started:5", "journalled:1", "journalled:6", "journalled:10", "tagged:1", "tagged:4", "tagged:7", "locked:1"])
def test_a_run_that_is_killed_is_finished_by_the_next(tmp_path: Path, executions: Executions, point: str, mode: str) -> None:
    project = release(tmp_path / "one", mode=mode)
    ended(start(project, executions, point=point), KILLED)
    known, through = finished(project), executions.ended
    assert set(through) >= known
    before = executions.started
    ended(start(project, executions))
    again = executions.started - before
    assert not set(again) & known
    # An image that was pushed is found by its content tag, whatever the journal had time for.
    assert not set(again) & set(through) & IMAGES
    assert set(before) | set(again) == ALL
    check_release(project)


@pytest.mark.parametrize("number", [1, 4, 10])
def test_what_was_pushed_and_not_written_down_is_found_in_the_registry(tmp_path: Path, executions: Executions, number: int) -> None:
    project = release(tmp_path / "one")
    ended(start(project, executions, point=f"pushed:{number}"), KILLED)
    known, through = finished(project), set(executions.ended)
    ended(start(project, executions))
    twice = {build for build, count in executions.started.items() if count > 1}
    assert not twice & known
    # Of what leaves files nobody knows whether they are whole: what was in flight, or ended within a pace of the journal's last line, runs once more.
    assert not twice & through & IMAGES
    assert max(executions.started.values()) <= 2
    check_release(project)


@pytest.mark.parametrize("point", ["journalled:10", "tagged:7"])
def test_another_clone_finishes_a_release_and_builds_no_image_twice(tmp_path: Path, executions: Executions, point: str) -> None:
    project = release(tmp_path / "one")
    ended(start(project, executions, point=point), KILLED)
    before = executions.started
    assert before == Counter(ALL)
    registry = os.path.relpath(project.root / "registry", tmp_path / "two")
    other = release(tmp_path / "two", registry=f"oci-layout:{registry}")
    ended(start(other, executions))
    assert set(executions.started - before) == NOTES | BOTH
    assert set(json.loads(other.lock.read_text())["builds"]) == ALL


@pytest.mark.parametrize("seed", range(200 if SOAK else 2))
def test_kills_at_random_moments(tmp_path: Path, executions: Executions, seed: int) -> None:
    """The process is killed again and again, wherever it happens to be, until a run gets through."""
    project = release(tmp_path / "one", mode="atomic" if seed % 2 else "each")
    chance = random.Random(seed)
    flights = Counter[str]()
    for kills in range(60):
        known, before = finished(project), executions.started
        child = start(project, executions, seconds=BUILDS_TAKE)
        try:
            child.wait(chance.uniform(0.3, LONGEST + kills / 5))
        except subprocess.TimeoutExpired:
            child.kill()
        code = ended(child, (0, *KILLED))
        again = executions.started - before
        assert not set(again) & known, "what is in the journal is not done again"
        assert max(again.values(), default=0) <= 1
        flights += Counter({build for build in again if build not in finished(project)})
        if code == 0:
            break
    else:
        pytest.fail("no run got through")
    assert all(count <= 1 + flights[build] for build, count in executions.started.items())
    assert not {build for build, count in executions.ended.items() if count > 1} & IMAGES, "what is in the registry is not done again"
    check_release(project)


@pytest.mark.parametrize("many", [2, 8])
def test_applies_at_once_execute_everything_once(tmp_path: Path, executions: Executions, many: int) -> None:
    project = release(tmp_path / "one")
    children = [start(project, executions, seconds="0.1") for _ in range(many)]
    codes = Counter(ended(child, (0, 7)) for child in children)
    assert codes[0] >= 1
    assert executions.started == Counter(ALL)
    assert executions.ended == Counter(ALL)
    check_release(project)
