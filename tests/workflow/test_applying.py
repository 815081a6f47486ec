"""The main story on a small project, with real image layouts: nothing is skipped that should be built, nothing built that is there."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from matrixbuild.adapters.engines.base import Engine, Made, Order
from matrixbuild.adapters.oci_layout import OciLayout
from matrixbuild.core.problems import RefusedError
from matrixbuild.workflow.applying import Listener, apply_manifest
from matrixbuild.workflow.planning import engine_of
from tests.projects import SmallProject, in_child, layout_manifests, small_project
from tests.sample_images import push, sample_image

QUIET = Listener(on_plan=lambda plan: None, on_report=lambda report, made: None)

ALL = {
    "image[fips=false,os=jammy]": "built",
    "image[fips=false,os=noble]": "built",
    "image[fips=true,os=jammy]": "built",
    "image[fips=true,os=noble]": "built",
    "notes[os=jammy]": "built",
    "notes[os=noble]": "built",
}


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    return small_project(tmp_path / "one")


def test_the_first_apply_builds_publishes_and_locks_everything(project: SmallProject) -> None:
    assert project.apply() == ALL
    tags = dict(layout_manifests(project.root / "registry"))
    assert project.digests() == {f"oci-layout:registry/{name}": digest for name, digest in tags.items() if ":mb-" not in name}
    assert sorted(project.digests()) == [f"oci-layout:registry/{name}" for name in ("jammy:1", "jammy:1-fips", "noble:1", "noble:1-fips")]
    assert sorted(path.name for path in (project.root / "out").rglob("notes-*.txt")) == ["notes-jammy.txt", "notes-noble.txt"]


def test_the_second_apply_builds_nothing_and_leaves_the_lock(project: SmallProject) -> None:
    project.apply()
    before = (project.lock.read_bytes(), project.lock.stat().st_mtime_ns)
    assert project.apply() == {}
    assert (project.lock.read_bytes(), project.lock.stat().st_mtime_ns) == before
    assert {build["action"] for build in project.plan("--refresh")["builds"]} == {"reuse"}
    assert project.run("plan", "small.yaml", "--detailed-exitcode").code == 0


def test_one_byte_changed_builds_exactly_what_reads_the_file(project: SmallProject) -> None:
    project.apply()
    (project.root / "src" / "jammy.conf").write_text("22.05\n")
    planned = {build["name"]: build for build in project.plan()["builds"]}
    assert {name for name, build in planned.items() if build["action"] == "rebuild"} == {
        "image[fips=false,os=jammy]",
        "image[fips=true,os=jammy]",
        "notes[os=jammy]",
    }
    assert planned["notes[os=jammy]"]["reasons"] == [{"kind": "changed", "changes": [{"field": "files", "name": "jammy.conf", "how": "modified"}]}]
    assert project.run("plan", "small.yaml", "--detailed-exitcode").code == 2
    assert set(project.apply()) == {"image[fips=false,os=jammy]", "image[fips=true,os=jammy]", "notes[os=jammy]"}


def test_the_executable_bit_is_a_change_and_a_time_is_none(project: SmallProject) -> None:
    project.apply()
    os.utime(project.root / "src" / "common", (1, 1))
    assert project.apply() == {}
    (project.root / "src" / "common").chmod(0o755)
    assert set(project.apply()) == {name for name in ALL if name.startswith("image")}


def test_a_comment_or_another_target_changes_nothing(project: SmallProject) -> None:
    project.apply()
    earthfile = project.root / "src" / "Earthfile"
    commented = earthfile.read_text().replace("    FROM scratch\n", "    # nothing yet\n    FROM scratch\n", 1)
    earthfile.write_text(f"{commented}\nother:\n    FROM scratch\n")
    assert project.apply() == {}


@pytest.mark.parametrize("part", ["manifest", "config", "layer"])
def test_a_part_removed_from_the_registry_builds_exactly_that(project: SmallProject, part: str) -> None:
    project.apply()
    layout = project.root / "registry"
    victim = project.digests()["oci-layout:registry/jammy:1-fips"]
    blobs = layout / "blobs" / "sha256"
    manifest = json.loads((blobs / victim.removeprefix("sha256:")).read_text())
    gone = {"manifest": victim, "config": manifest["config"]["digest"], "layer": manifest["layers"][-1]["digest"]}[part]
    shared = [ref for ref, digest in project.digests().items() if gone in (blobs / digest.removeprefix("sha256:")).read_text() or digest == gone]
    (blobs / gone.removeprefix("sha256:")).unlink()
    ran = project.apply()
    assert sorted(ran.values()) == ["built"] * len(shared)
    assert "image[fips=true,os=jammy]" in ran
    assert project.apply() == {}


def test_another_clone_builds_only_what_no_registry_holds(project: SmallProject, tmp_path: Path) -> None:
    project.apply()
    other = small_project(tmp_path / "two", registry=f"oci-layout:{os.path.relpath(project.root / 'registry', tmp_path / 'two')}")
    assert other.apply() == {"notes[os=jammy]": "built", "notes[os=noble]": "built"}
    assert sorted(other.digests().values()) == sorted(project.digests().values())


def test_the_lock_of_another_clone_is_enough(project: SmallProject, tmp_path: Path) -> None:
    project.apply()
    shutil.copytree(project.root, tmp_path / "two", ignore=shutil.ignore_patterns("out", ".matrixbuild"))
    other = SmallProject(root=tmp_path / "two")
    assert other.apply() == {"notes[os=jammy]": "built", "notes[os=noble]": "built"}
    assert other.lock.read_bytes() == project.lock.read_bytes()


def test_directory_umask_time_zone_and_time_change_nothing(tmp_path: Path) -> None:
    locks = []
    for name, umask, zone in (("a", 0o022, "UTC"), ("deep/er", 0o077, "Pacific/Auckland")):
        project = small_project(tmp_path / name)
        for path in (project.root / "src").iterdir():
            os.utime(path, (10**9, 10**9) if umask == 0o077 else None)
        before = os.umask(umask)
        try:
            ended = in_child("apply", "small.yaml", cwd=project.root, env={"TZ": zone, "LC_ALL": "C"})
        finally:
            os.umask(before)
        assert ended.code == 0, ended.err
        locks.append(project.lock.read_bytes())
    assert locks[0] == locks[1]


def test_a_cell_less_is_retired_and_its_tag_stays(project: SmallProject) -> None:
    project.apply()
    project.manifest.write_text(project.manifest.read_text().replace("fips: [false, true]", "fips: [false]"))
    assert {build["name"] for build in project.plan()["builds"] if build["action"] == "retire"} == {
        "image[fips=true,os=jammy]",
        "image[fips=true,os=noble]",
    }
    assert project.apply() == {}
    assert sorted(project.digests()) == ["oci-layout:registry/jammy:1", "oci-layout:registry/noble:1"]
    assert "jammy:1-fips" in dict(layout_manifests(project.root / "registry"))


def immutable(project: SmallProject) -> None:
    project.manifest.write_text(project.manifest.read_text().replace("tags: mutable", "tags: immutable"))


def test_an_immutable_tag_never_moves(project: SmallProject) -> None:
    immutable(project)
    project.apply()
    before = project.digests()
    (project.root / "src" / "jammy.conf").write_text("22.05\n")
    for verb in ("plan", "apply"):
        ended = project.run(verb, "small.yaml")
        assert ended.code == 5
        assert "oci-layout:registry/jammy:1 is published" in ended.err
    assert project.digests() == before
    assert dict(layout_manifests(project.root / "registry"))["jammy:1"] == before["oci-layout:registry/jammy:1"]


def test_overwrite_lets_one_name_move_and_no_other(project: SmallProject) -> None:
    immutable(project)
    project.apply()
    (project.root / "src" / "jammy.conf").write_text("22.05\n")
    one, other = "oci-layout:registry/jammy:1", "oci-layout:registry/jammy:1-fips"
    assert project.run("apply", "small.yaml", "--overwrite", one).code == 5
    before = project.digests()
    assert project.run("apply", "small.yaml", "--overwrite", one, "--overwrite", other).code == 0
    assert {ref for ref, digest in project.digests().items() if before[ref] != digest} == {one, other}


def test_an_immutable_tag_of_someone_else_is_refused_before_anything_is_built(project: SmallProject, tmp_path: Path) -> None:
    stranger = small_project(tmp_path / "stranger", registry=f"oci-layout:{os.path.relpath(project.root / 'registry', tmp_path / 'stranger')}")
    (stranger.root / "src" / "common").write_text("something else\n")
    stranger.apply()
    held = dict(layout_manifests(project.root / "registry"))
    immutable(project)
    ended = project.run("apply", "small.yaml")
    assert ended.code == 5
    assert "oci-layout:registry/jammy:1 holds " in ended.err
    assert dict(layout_manifests(project.root / "registry")) == held
    assert not project.lock.exists()


def test_overwrite_of_a_name_the_manifest_does_not_publish_is_an_error(project: SmallProject) -> None:
    ended = project.run("apply", "small.yaml", "--overwrite", "oci-layout:registry/jammy:2")
    assert ended.code == 3
    assert "--overwrite oci-layout:registry/jammy:2: the manifest publishes no such image name" in ended.err


def test_needs_are_built_first_and_change_what_needs_them(tmp_path: Path) -> None:
    files = {
        "src/Earthfile": "VERSION 0.8\n\nroot:\n    FROM scratch\n    COPY base.txt /base.txt\n\n"
        "app:\n    ARG BASE\n    FROM $BASE\n    COPY app.txt /app.txt\n",
        "src/base.txt": "1\n",
        "src/app.txt": "1\n",
    }
    manifest = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: small}
spec:
  source: {path: src}
  registry: {REGISTRY}
  engine: embedded
  axes: {size: [large, little]}
  targets:
    app:
      earthly: +app
      needs: [root]
      args: {BASE: "{{ needs['root'].image }}"}
      image: {repository: "{{ registry }}/app", tag: "{{ size }}"}
    root:
      axes: []
      earthly: +root
      image: {repository: "{{ registry }}/base", tag: "1"}
  publish: {tags: mutable}
"""
    project = small_project(tmp_path, files=files, manifest=manifest)
    assert project.apply() == {"app": "built", "root": "built"}
    digests = project.digests()
    assert digests["oci-layout:registry/app:large"] == digests["oci-layout:registry/app:little"]
    (project.root / "src" / "app.txt").write_text("2\n")
    assert project.apply() == {"app": "built"}
    (project.root / "src" / "base.txt").write_text("2\n")
    assert {build["name"]: build["reasons"][0]["kind"] for build in project.plan()["builds"]} == {"app": "need-changed", "root": "changed"}
    assert project.apply() == {"app": "built", "root": "built"}


class Meddling:
    """An engine beside which someone else publishes under one of our names."""

    def __init__(self, engine: Engine, layout: OciLayout) -> None:
        self.engine, self.layout = engine, layout

    def build(self, order: Order) -> Made:
        if self.layout.digest("jammy", "1") is None:
            push(self.layout, "jammy", sample_image("someone else's"), "1")
        return self.engine.build(order)


@pytest.mark.parametrize("tags", ["mutable", "immutable"])
def test_a_tag_that_someone_else_puts_during_the_run_is_left_alone(project: SmallProject, tags: str) -> None:
    project.manifest.write_text(project.manifest.read_text().replace("tags: mutable", f"tags: {tags}"))
    layout = OciLayout(project.root / "registry")
    with pytest.raises(RefusedError) as caught:
        apply_manifest(project.manifest, QUIET, engine=lambda prepared: Meddling(engine_of(prepared), layout))
    assert str(caught.value).startswith("oci-layout:registry/jammy:1 holds sha256:")
    assert layout.digest("jammy", "1") == sample_image("someone else's").manifest.digest
    assert not project.lock.exists()
    assert {name for name, _ in layout_manifests(project.root / "registry") if ":mb-" not in name} == {"jammy:1"}
