"""`plan --against`: what the changes since a revision bring, over real repositories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from matrixbuild.adapters.schema_check import schema_text
from tests.projects import MANIFEST, SmallProject, small_project
from tests.repositories import Repository, repository


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    """Published, and all of it committed."""
    made = small_project(tmp_path / "project")
    git(made)
    made.apply()
    (made.root / ".gitignore").write_text("/out/\n/registry/\n.matrixbuild/\n")
    git(made).commit()
    return made


def git(project: SmallProject) -> Repository:
    return repository(project.root)


def against(project: SmallProject, revision: str, *words: str) -> dict[str, Any]:
    plan = project.plan("--against", revision, *words)
    Draft202012Validator(json.loads(schema_text("plan"))).validate(plan)
    found: dict[str, Any] = plan["against"]
    return found


def builds(found: dict[str, Any]) -> tuple[list[str], list[str]]:
    return found["byThisChange"]["builds"], found["alreadyPending"]["builds"]


JAMMY = ["image[fips=false,os=jammy]", "image[fips=true,os=jammy]", "notes[os=jammy]"]
NOBLE = ["image[fips=false,os=noble]", "image[fips=true,os=noble]", "notes[os=noble]"]


def test_without_a_change_nothing_is_told(project: SmallProject) -> None:
    assert against(project, "HEAD") == {
        "revision": "HEAD",
        "byThisChange": {"builds": [], "images": []},
        "alreadyPending": {"builds": [], "images": []},
        "settled": [],
        "notes": [],
    }


def test_a_change_of_the_source_and_one_that_was_there_before(project: SmallProject) -> None:
    (project.root / "src" / "jammy.conf").write_text("changed before\n")
    git(project).commit()
    (project.root / "src" / "noble.conf").write_text("changed now\n")
    found = against(project, "HEAD")
    assert builds(found) == (NOBLE, JAMMY)
    assert found["byThisChange"]["images"] == ["oci-layout:registry/noble:1", "oci-layout:registry/noble:1-fips"]
    assert found["alreadyPending"]["images"] == ["oci-layout:registry/jammy:1", "oci-layout:registry/jammy:1-fips"]


def test_what_is_committed_and_what_is_not_count_alike_as_now(project: SmallProject) -> None:
    old = git(project).git("rev-parse", "HEAD")
    (project.root / "src" / "noble.conf").write_text("changed\n")
    uncommitted = against(project, old)
    git(project).commit()
    assert against(project, old) == uncommitted
    assert builds(uncommitted) == (NOBLE, [])


def test_a_change_of_the_manifest_and_of_what_it_extends(project: SmallProject) -> None:
    base = MANIFEST.replace("{REGISTRY}", "oci-layout:registry")
    (project.root / "base.yaml").write_text(base)
    project.manifest.write_text("extends: base.yaml\nmetadata: {name: small}\n")
    git(project).commit()
    (project.root / "base.yaml").write_text(base.replace("[jammy, noble]", "[jammy, noble, new]"))
    (project.root / "src" / "new.conf").write_text("new\n")
    assert builds(against(project, "HEAD")) == (["image[fips=false,os=new]", "image[fips=true,os=new]", "notes[os=new]"], [])


def test_a_lock_that_the_change_brings_settles_what_was_pending(project: SmallProject) -> None:
    lock = project.lock.read_bytes()
    project.lock.unlink()
    git(project).commit()
    project.lock.write_bytes(lock)
    found = against(project, "HEAD")
    assert builds(found) == ([], [])
    assert found["settled"] == sorted([*JAMMY, *NOBLE])


def test_a_manifest_that_was_not_there_yet(project: SmallProject) -> None:
    git(project).git("rm", "-r", "--quiet", "--cached", "small.yaml", "small.lock.json")
    git(project).git("commit", "--quiet", "--amend", "--message", "without")
    project.lock.unlink()
    found = against(project, "HEAD")
    assert found["notes"] == ["the manifest was not there yet"]
    assert builds(found) == (sorted([*JAMMY, *NOBLE]), [])


def test_a_manifest_that_was_broken_then(project: SmallProject) -> None:
    text = project.manifest.read_text()
    project.manifest.write_text(text.replace("source:", "sauce:"))
    git(project).commit()
    project.manifest.write_text(text)
    (project.root / "src" / "noble.conf").write_text("changed\n")
    found = against(project, "HEAD")
    assert found["notes"] == [
        "the manifest could not be planned as it was, so that all counts as changed: small.yaml:5:3: unknown key 'sauce' in spec"
    ]
    assert builds(found) == (NOBLE, [])


def test_a_source_outside_of_the_repository_is_taken_as_it_is_now(tmp_path: Path) -> None:
    made = small_project(tmp_path / "project", manifest=MANIFEST.replace("path: src", "path: ../elsewhere"))
    (made.root / "src").rename(tmp_path / "elsewhere")
    git(made).commit()
    (tmp_path / "elsewhere" / "noble.conf").write_text("changed\n")
    found = against(made, "HEAD")
    assert found["notes"] == ["the source is no part of the manifest's repository: it is taken as it is now"]
    assert builds(found) == ([], sorted([*JAMMY, *NOBLE]))


def test_a_manifest_below_the_root_of_the_repository(tmp_path: Path) -> None:
    outer = repository(tmp_path / "outer", {"README": "1\n"})
    made = small_project(outer.root / "deep" / "er")
    outer.commit()
    (made.root / "src" / "noble.conf").write_text("changed\n")
    assert builds(against(made, "HEAD")) == (NOBLE, JAMMY)


def test_options_count_for_both(project: SmallProject) -> None:
    (project.root / "src" / "noble.conf").write_text("changed\n")
    assert builds(against(project, "HEAD", "-l", "os=jammy")) == ([], [])
    assert builds(against(project, "HEAD", "-l", "fips=true,os=noble")) == (NOBLE[1:], [])


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (
            ("--against", "nowhere"),
            3,
            "error: git knows no commit 'nowhere' in {root}\n  hint: a branch, a tag or a commit that this clone has\n",
        ),
        (
            ("--against", "HEAD", "--refresh"),
            64,
            "error: --against compares what files say, and --refresh asks the registry\n  hint: give one of them\n",
        ),
    ],
)
def test_what_cannot_be_compared(project: SmallProject, words: tuple[str, ...], code: int, told: str) -> None:
    ended = project.run("plan", "small.yaml", *words)
    assert (ended.code, ended.out, ended.err) == (code, "", told.format(root=project.root))


def test_without_a_repository(tmp_path: Path) -> None:
    made = small_project(tmp_path / "project")
    ended = made.run("plan", "small.yaml", "--against", "HEAD")
    told = f"error: {made.root} is in no git repository\n  hint: --against compares with a revision of the manifest's git repository\n"
    assert (ended.code, ended.err) == (8, told)
