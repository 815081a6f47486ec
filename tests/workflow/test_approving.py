"""Saved plans and expected digests: carried out as they are, and refused once anything they rest on has moved."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.projects import MANIFEST, SmallProject, in_child, layout_manifests, small_project
from tests.repositories import repository

TAGGED = MANIFEST.replace("  axes:", "  vars: {tag: one}\n  axes:").replace('"1{{', '"{{ vars.tag }}{{')


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    return small_project(tmp_path / "project", manifest=TAGGED)


def save(project: SmallProject, *words: str, name: str = "small.plan") -> str:
    """Save the plan; its digest."""
    ended = project.run("plan", "small.yaml", "-o", name, *words)
    assert ended.code == 0, ended.err
    return ended.out.splitlines()[-1].removeprefix("Plan ")


def stale(*moved: str) -> str:
    hint = "look at what it comes to now, and save that: matrixbuild plan small.yaml -o FILE"
    return "".join(f"error: the saved plan is stale: {one}\n  hint: {hint}\n" for one in moved)


def published(project: SmallProject) -> list[str]:
    names = [name for name, _ in layout_manifests(project.root / "registry")] if (project.root / "registry").exists() else []
    return sorted(name for name in names if name and ":mb-" not in name)


def test_a_saved_plan_is_carried_out(project: SmallProject) -> None:
    save(project)
    ended = project.run("apply", "small.plan")
    assert ended.code == 0, ended.err
    assert len(published(project)) == 4
    assert project.plan()["builds"][0]["action"] == "reuse"


def test_it_is_what_plan_prints_as_json_and_holds_no_path_of_this_machine_and_no_time(project: SmallProject) -> None:
    save(project)
    text = (project.root / "small.plan").read_text()
    assert json.loads(text) == project.plan()
    assert str(project.root) not in text
    shutil.copytree(project.root, project.root.parent / "deep" / "er" / "copy")
    again = SmallProject(root=project.root.parent / "deep" / "er" / "copy")
    (again.root / "small.plan").unlink()
    save(again)
    assert (again.root / "small.plan").read_text() == text


def test_it_carries_what_the_command_line_said(project: SmallProject) -> None:
    save(project, "--set", "tag=two", "-l", "os=jammy")
    ended = project.run("apply", "small.plan")
    assert ended.code == 0, ended.err
    assert published(project) == ["jammy:two", "jammy:two-fips"]


def test_only_vars_that_have_another_value_are_told(project: SmallProject) -> None:
    assert "sets" not in project.plan("--set", "tag=one")["basis"]
    assert project.plan("--set", "tag=two")["basis"]["sets"] == {"tag": "two"}
    assert project.plan("--set", "tag=one")["digest"] == project.plan()["digest"]
    assert "Vars given with --set: tag=two.\n" in project.run("plan", "small.yaml", "--set", "tag=two").out


@pytest.mark.parametrize(
    ("path", "old", "new", "told"),
    [
        ("small.yaml", "publish: {tags: mutable}", "publish: {tags: mutable, mode: each}", "the manifest small.yaml comes to something else now"),
        ("small.yaml", "spec:", "# a note\nspec:", ""),
        ("src/noble.conf", "24.04", "24.10", "files of the source that builds read are others now"),
        ("src/Earthfile", "LABEL fips", "LABEL FIPS", "files of the source that builds read are others now"),
        ("src/Earthfile", "VERSION 0.8\n", "VERSION 0.8\n\n# a note\n", ""),
        ("src/README", "", "nobody reads this\n", ""),
    ],
)
def test_it_is_refused_once_something_it_rests_on_has_moved(project: SmallProject, path: str, old: str, new: str, told: str) -> None:
    save(project)
    file = project.root / path
    text = file.read_text() if file.exists() else ""
    assert old in text
    file.write_text(text.replace(old, new) if old else new)
    ended = project.run("apply", "small.plan")
    if told:
        assert (ended.code, ended.out, ended.err) == (5, "", stale(told))
        assert published(project) == []
    else:
        assert ended.code == 0, ended.err


def test_everything_that_has_moved_is_told(project: SmallProject) -> None:
    save(project)
    project.apply()
    (project.root / "src" / "noble.conf").write_text("other\n")
    ended = project.run("apply", "small.plan")
    assert (ended.code, ended.err) == (5, stale("files of the source that builds read are others now", "there is a lock now"))


def test_a_lock_of_other_builds(project: SmallProject) -> None:
    project.apply()
    save(project)
    lock = json.loads(project.lock.read_text())
    lock["builds"].popitem()
    project.lock.write_text(json.dumps(lock))
    ended = project.run("apply", "small.plan")
    assert (ended.code, ended.err) == (5, stale("the lock has other builds now"))


@pytest.mark.parametrize("changed", [False, True], ids=["as-it-was", "to-be-moved"])
@pytest.mark.parametrize("expected", [False, True], ids=["saved", "expected"])
def test_an_image_that_someone_moved_meanwhile_is_not_moved_back(project: SmallProject, expected: bool, changed: bool) -> None:
    """Only an apply asks the registry; what it finds there was in no plan that anybody reviewed: not even in one that moves the name from what it
    held before."""
    project.apply()
    if changed:
        (project.root / "src" / "jammy.conf").write_text("another\n")
    digest = save(project)
    words = ("small.yaml", "--expect", digest) if expected else ("small.plan",)
    index = project.root / "registry" / "index.json"
    held = json.loads(index.read_text())
    names = {entry["annotations"]["org.opencontainers.image.ref.name"]: entry for entry in held["manifests"] if "annotations" in entry}
    names["jammy:one"]["digest"] = names["noble:one"]["digest"]
    names["jammy:one"]["size"] = names["noble:one"]["size"]
    index.write_text(json.dumps(held))
    before = index.read_bytes()
    ended = project.run("apply", *words)
    found = names["noble:one"]["digest"]
    assert ended.err == (
        f"error: the saved plan is stale: oci-layout:registry/jammy:one holds {found} now, which it does not say\n"
        "  hint: find out who moved it; `matrixbuild plan --refresh` shows what holds it\n"
    )
    assert (ended.code, index.read_bytes()) == (5, before)


def test_what_a_run_built_before_it_died_is_not_built_again(project: SmallProject) -> None:
    """It wrote no lock, so that nothing the plan rests on has moved; its images are under their content tags."""
    save(project)
    assert project.run("apply", "small.plan").code == 0
    project.lock.unlink()
    ended = project.run("apply", "small.plan", "--format", "json")
    assert ended.code == 0, ended.err
    assert [name for name in ended.json()["builds"] if name.startswith("image")] == []


def test_it_is_found_and_finds_its_manifest_from_elsewhere(project: SmallProject, tmp_path: Path) -> None:
    repository(project.root)
    save(project)
    (project.root / "small.plan").rename(tmp_path / "elsewhere.plan")
    (project.root / "deep").mkdir()
    ended = in_child("apply", "../../elsewhere.plan", cwd=project.root / "deep")
    assert ended.code == 0, ended.err
    ended = in_child("apply", "elsewhere.plan", cwd=tmp_path)
    told = f"error: the saved plan is of small.yaml, and there is no such file in {tmp_path}\n  hint: run apply in the project that the plan was made in\n"
    assert (ended.code, ended.err) == (5, told)


@pytest.mark.parametrize("words", [("--set", "tag=two"), ("-l", "os=jammy"), ("--overwrite", "oci-layout:registry/jammy:one")])
def test_options_that_it_has_of_its_own_are_no_others(project: SmallProject, words: tuple[str, ...]) -> None:
    save(project)
    ended = project.run("apply", "small.plan", *words)
    told = (
        "error: a saved plan says itself what it sets, selects and overwrites\n"
        "  hint: leave --set, -l and --overwrite out, or save another plan with them\n"
    )
    assert (ended.code, ended.err) == (64, told)


@pytest.mark.parametrize("words", [("small.plan",), ("small.yaml", "--expect", f"sha256:{'0' * 64}")])
def test_a_rebuild_is_in_no_plan_that_was_approved(project: SmallProject, words: tuple[str, ...]) -> None:
    save(project)
    ended = project.run("apply", *words, "--rebuild", "os=jammy")
    told = (
        "error: --rebuild draws new generations, which no plan that was approved has\n"
        "  hint: draw them with `matrixbuild lock update --rebuild`, and have the plan approved after that\n"
    )
    assert (ended.code, ended.err) == (64, told)


class TestSource:
    """A directory of the command line stands in for the source: the plan does not say where it was."""

    def test_it_has_to_be_given_again(self, project: SmallProject) -> None:
        (project.root / "src").rename(project.root / "other")
        save(project, "--source", str(project.root / "other"))
        assert str(project.root) not in (project.root / "small.plan").read_text()
        ended = project.run("apply", "small.plan")
        told = "error: the saved plan was made with --source, and it does not say where that was\n  hint: give --source DIR here, too\n"
        assert (ended.code, ended.err) == (64, told)
        assert project.run("apply", "small.plan", "--source", "other").code == 0

    def test_a_plan_without_one_is_not_applied_with_one(self, project: SmallProject) -> None:
        save(project)
        ended = project.run("apply", "small.plan", "--source", "src")
        assert (ended.code, ended.err) == (5, stale("the source is a directory given with --source now, and was src"))


class TestExpect:
    def test_the_digest_that_plan_prints_last(self, project: SmallProject) -> None:
        digest = save(project)
        assert digest == project.plan()["digest"]
        assert project.run("apply", "small.yaml", "--expect", digest).code == 0

    def test_another_plan_is_refused(self, project: SmallProject) -> None:
        digest = save(project)
        (project.root / "src" / "noble.conf").write_text("other\n")
        ended = project.run("apply", "small.yaml", "--expect", digest)
        told = (
            f"error: this is not the plan that was approved: its digest is {project.plan()['digest']}, and {digest} was expected\n"
            "  hint: look at what it is now: matrixbuild plan small.yaml\n"
        )
        assert (ended.code, ended.err) == (5, told)
        assert published(project) == []

    def test_a_change_that_only_apply_would_notice_makes_another_plan(self, project: SmallProject) -> None:
        digest = save(project)
        project.manifest.write_text(project.manifest.read_text().replace("tags: mutable", "tags: immutable"))
        assert project.run("apply", "small.yaml", "--expect", digest).code == 5

    def test_a_plan_that_was_made_with_the_registry_asked(self, project: SmallProject) -> None:
        project.apply()
        project.lock.unlink()
        digest = project.plan("--refresh")["digest"]
        assert digest != project.plan()["digest"]
        assert project.run("apply", "small.yaml", "--expect", digest).code == 0

    def test_beside_a_saved_plan_it_is_that_ones(self, project: SmallProject) -> None:
        digest = save(project)
        other = f"sha256:{'0' * 64}"
        ended = project.run("apply", "small.plan", "--expect", other)
        told = (
            f"error: this is not the plan that was approved: its digest is {digest}, and {other} was expected\n"
            "  hint: look at what small.plan says before it is applied\n"
        )
        assert (ended.code, ended.err) == (5, told)
        assert project.run("apply", "small.plan", "--expect", digest).code == 0

    def test_what_is_no_digest_is_told(self, project: SmallProject) -> None:
        ended = project.run("apply", "small.yaml", "--expect", "sha256:12ab")
        told = "error: 'sha256:12ab' is no digest of a plan\n  hint: give the whole one that `plan` prints last, sha256:...\n"
        assert (ended.code, ended.err) == (64, told)


def on_a_base(tmp_path: Path) -> SmallProject:
    """Its builds start from an image of another project, which no lock pins yet."""
    base = small_project(tmp_path / "base")
    base.apply()
    manifest = MANIFEST[: MANIFEST.index("    notes:")] + "  publish: {tags: mutable}\n"
    earthfile = "VERSION 0.8\nimage:\n    ARG OS\n    ARG FIPS=false\n    FROM oci-layout:registry/jammy:1\n    LABEL os=$OS fips=$FIPS\n"
    found = small_project(tmp_path / "project", manifest=manifest.replace("}}/{{ os }}", "}}/on-{{ os }}"), files={"src/Earthfile": earthfile})
    (base.root / "registry").rename(found.root / "registry")
    assert found.plan()["toPin"] == ["oci-layout:registry/jammy:1"]
    return found


def test_to_pin_an_image_that_the_plan_left_to_be_pinned_is_no_move(tmp_path: Path) -> None:
    """design.md 10."""
    project = on_a_base(tmp_path)
    save(project)
    ended = project.run("apply", "small.plan")
    assert ended.code == 0, ended.err
    assert list(json.loads(project.lock.read_text())["pins"]["images"]) == ["oci-layout:registry/jammy:1"]


def test_nor_is_it_where_a_digest_is_expected(tmp_path: Path) -> None:
    project = on_a_base(tmp_path)
    ended = project.run("apply", "small.yaml", "--expect", save(project))
    assert ended.code == 0, ended.err


def test_a_pin_that_has_moved_is_one(tmp_path: Path) -> None:
    project = on_a_base(tmp_path)
    project.apply()
    save(project)
    lock = json.loads(project.lock.read_text())
    lock["pins"]["images"]["oci-layout:registry/jammy:1"] = f"sha256:{'0' * 64}"
    project.lock.write_text(json.dumps(lock))
    ended = project.run("apply", "small.plan")
    assert (ended.code, ended.out) == (5, "")
    assert ended.err == stale("the pin of the base image oci-layout:registry/jammy:1 has moved")
