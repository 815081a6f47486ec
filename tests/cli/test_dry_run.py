"""`apply --dry-run`: everything is checked and told as an apply would, and nothing is done."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from tests.projects import MANIFEST, SmallProject, small_project


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    return small_project(tmp_path)


def contents(root: Path) -> dict[str, str]:
    """Every file below a directory, by its digest, but digests of sources that are kept between processes, and what SQLite opens to read."""
    files = (path for path in root.rglob("*") if path.is_file() and "cache" not in path.parts and not path.name.endswith(("-shm", "-wal")))
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_it_tells_what_apply_would_do_and_leaves_everything_as_it_was(project: SmallProject) -> None:
    before = contents(project.root)
    ended = project.run("apply", "small.yaml", "--dry-run")
    assert (ended.code, ended.out, ended.err) == (0, project.run("plan", "small.yaml", "--refresh").out, "")
    assert "Image names: 4 to create. Builds: 6 to build.\n" in ended.out
    assert contents(project.root) == before


def test_it_asks_the_registry_and_not_the_lock_alone(project: SmallProject) -> None:
    project.apply()
    shutil.rmtree(project.root / "registry")
    assert project.plan()["builds"][0]["action"] == "reuse"
    found = project.run("apply", "small.yaml", "--dry-run", "--format", "json").json()
    assert {build["action"] for build in found["builds"] if build["name"].startswith("image")} == {"rebuild"}


def test_it_draws_a_generation_and_keeps_none(project: SmallProject) -> None:
    project.apply()
    before = contents(project.root)
    ended = project.run("apply", "small.yaml", "--dry-run", "--rebuild", "os=jammy")
    assert (ended.code, "Builds: 3 to rebuild, 3 to reuse.\n" in ended.out) == (0, True), ended.out
    assert contents(project.root) == before
    assert project.plan()["builds"][0]["action"] == "reuse"


def test_it_refuses_what_apply_refuses(tmp_path: Path) -> None:
    project = small_project(tmp_path, manifest=MANIFEST.replace("tags: mutable", "tags: immutable"))
    project.apply()
    (project.root / "src" / "common").write_text("another\n")
    before = contents(project.root)
    dry, wet = project.run("apply", "small.yaml", "--dry-run"), project.run("apply", "small.yaml")
    assert (dry.code, dry.out, dry.err) == (5, "", wet.err)
    assert "tags are immutable" in dry.err
    assert {name: digest for name, digest in contents(project.root).items() if not name.startswith(".matrixbuild/")} == {
        name: digest for name, digest in before.items() if not name.startswith(".matrixbuild/")
    }


def test_it_says_whether_a_saved_plan_may_still_be_applied(project: SmallProject) -> None:
    assert project.run("plan", "small.yaml", "-o", "then.plan.json").code == 0
    assert project.run("apply", "then.plan.json", "--dry-run").code == 0
    (project.root / "src" / "common").write_text("another\n")
    ended = project.run("apply", "then.plan.json", "--dry-run")
    assert (ended.code, ended.out) == (5, "")
    assert "the saved plan is stale" in ended.err


@pytest.mark.parametrize("option", ["--events", "--junit"])
def test_what_tells_of_what_happens_has_nothing_to_tell(project: SmallProject, option: str) -> None:
    ended = project.run("apply", "small.yaml", "--dry-run", option, "told")
    summary = f"error: {option} tells what happens, and with --dry-run nothing does\n  hint: leave one of them out\n"
    assert (ended.code, ended.out, ended.err) == (64, "", summary)
