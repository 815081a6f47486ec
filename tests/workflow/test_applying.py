"""The main story on a small project, with real image layouts: nothing is skipped that should be built, nothing built that is there."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from matrixbuild.adapters.engines.base import Engine, Made, Order
from matrixbuild.adapters.oci_layout import OciLayout
from matrixbuild.adapters.registry import HttpRegistry
from matrixbuild.core.problems import RefusedError
from matrixbuild.workflow.applying import Listener, apply_manifest
from matrixbuild.workflow.engines import engine_of
from tests.projects import EARTHFILE, FILES, MANIFEST, SmallProject, in_child, layout_manifests, small_project
from tests.sample_images import push, sample_image
from tests.services import running_registry

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


def test_an_artifact_that_is_a_directory_is_reused_until_one_of_its_files_is_gone(tmp_path: Path) -> None:
    manifest = MANIFEST.replace('path: /notes.txt, as: "notes-{{ os }}.txt"', 'path: /notes, as: "notes-{{ os }}"')
    earthfile = EARTHFILE.replace("COPY $OS.conf /notes.txt", "COPY $OS.conf common /notes/").replace("SAVE ARTIFACT /notes.txt", "SAVE ARTIFACT /notes")
    project = small_project(tmp_path, manifest=manifest, files={**FILES, "src/Earthfile": earthfile})
    assert project.apply() == ALL
    assert project.apply() == {}
    next((project.root / "out").rglob("notes-jammy/common")).unlink()
    assert project.apply() == {"notes[os=jammy]": "built"}


def test_one_build_is_published_in_two_registries(project: SmallProject, tmp_path: Path) -> None:
    with running_registry(tmp_path / "served") as served:
        again = f"""
    again:
      earthly: +image
      args: {{OS: "{{{{ os }}}}", FIPS: "{{{{ fips }}}}"}}
      image: {{repository: "{served.host}/copies", tag: "{{{{ os }}}}-{{{{ fips }}}}"}}
  publish:"""
        project.manifest.write_text(project.manifest.read_text().replace("\n  publish:", again))
        assert sorted(project.apply().values()) == ["built"] * 6
        one = OciLayout(project.root / "registry").digest("noble", "1-fips")
        assert one is not None
        assert HttpRegistry(served.host).digest("copies", "noble-true") == one
        assert project.apply() == {}


def test_a_damaged_configuration_is_built_again_and_mended(project: SmallProject) -> None:
    project.apply()
    blobs = project.root / "registry" / "blobs" / "sha256"
    manifest = json.loads((blobs / project.digests()["oci-layout:registry/jammy:1"].removeprefix("sha256:")).read_bytes())
    config = blobs / manifest["config"]["digest"].removeprefix("sha256:")
    before = config.read_bytes()
    config.write_bytes(before.replace(b"linux", b"Linux"))
    assert project.apply() == {"image[fips=false,os=jammy]": "built"}
    assert config.read_bytes() == before


def test_a_layer_with_other_bytes_of_the_same_size_is_built_again_and_mended(project: SmallProject) -> None:
    project.apply()
    blobs = project.root / "registry" / "blobs" / "sha256"
    manifest = json.loads((blobs / project.digests()["oci-layout:registry/jammy:1"].removeprefix("sha256:")).read_bytes())
    layer = blobs / manifest["layers"][-1]["digest"].removeprefix("sha256:")
    before = layer.read_bytes()
    layer.write_bytes(bytes(len(before)))
    told = {build["name"]: build["reasons"][0]["kind"] for build in project.plan("--refresh")["builds"] if build["action"] == "rebuild"}
    assert "image[fips=false,os=jammy]" in told
    assert set(told.values()) == {"missing-in-registry"}
    assert project.apply() == dict.fromkeys(told, "built")
    assert layer.read_bytes() == before
    assert project.apply() == {}


def test_digests_that_changed_places_in_the_lock_move_no_tag(project: SmallProject) -> None:
    project.apply()
    before = project.lock.read_text()
    one, other = (project.digests()[f"oci-layout:registry/{name}"] for name in ("jammy:1", "jammy:1-fips"))
    project.lock.write_text(before.replace(one, "one").replace(other, one).replace("one", other))
    project.apply()
    assert project.lock.read_text() == before
    tags = dict(layout_manifests(project.root / "registry"))
    assert (tags["jammy:1"], tags["jammy:1-fips"]) == (one, other)


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


def test_overwrite_of_a_name_that_is_not_selected_is_an_error(project: SmallProject) -> None:
    words = ("-l", "os=jammy", "--overwrite", "oci-layout:registry/noble:1")
    told = (
        "error: --overwrite oci-layout:registry/noble:1: -l does not select what publishes it\n"
        "  hint: select its build as well, or leave --overwrite out\n"
    )
    for verb in ("plan", "apply"):
        ended = project.run(verb, "small.yaml", *words)
        assert (ended.code, ended.err) == (3, told)


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


class Stopping:
    """An engine in whose last build Ctrl-C comes: every build ends well all the same."""

    def __init__(self, engine: Engine, builds: int) -> None:
        self.engine, self.left = engine, itertools.count(builds - 1, -1)

    def build(self, order: Order) -> Made:
        if next(self.left) == 0:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)  # the main thread hears it before this build ends
        return self.engine.build(order)


def test_a_run_that_was_stopped_publishes_nothing_though_every_build_is_built(project: SmallProject) -> None:
    applied = apply_manifest(project.manifest, QUIET, engine=lambda prepared: Stopping(engine_of(prepared), len(ALL)))
    assert (applied.signal, applied.succeeded, applied.puts) == (signal.SIGINT, True, ())
    assert not project.lock.exists()
    assert [name for name, _ in layout_manifests(project.root / "registry") if ":mb-" not in name] == []
    assert {name for name in project.apply() if name.startswith("image")} == set()
    assert len(project.digests()) == 4


class Losing:
    """An engine after which the registry has lost a layer that it took."""

    def __init__(self, engine: Engine, blobs: Path) -> None:
        self.engine, self.blobs = engine, blobs

    def build(self, order: Order) -> Made:
        made = self.engine.build(order)
        if order.push and made.image:
            manifest = json.loads((self.blobs / made.image.digest.removeprefix("sha256:")).read_bytes())
            (self.blobs / manifest["layers"][0]["digest"].removeprefix("sha256:")).unlink(missing_ok=True)
        return made


def test_a_push_that_did_not_bring_the_whole_image_has_failed(project: SmallProject) -> None:
    project.manifest.write_text(project.manifest.read_text() + "  schedule: {retry: {attempts: 1}, limits: {cpu: 1}}\n")
    blobs = project.root / "registry" / "blobs" / "sha256"
    applied = apply_manifest(project.manifest, QUIET, engine=lambda prepared: Losing(engine_of(prepared), blobs))
    failed = {name: str(outcome.failure) for name, outcome in applied.outcomes.items() if outcome.failure}
    told = "the push ended well, and yet oci-layout:registry does not have the whole image"
    assert failed == {name: told for name in ALL if name.startswith("image")}
    assert not project.lock.exists()


BASED = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: small}
spec:
  source: {path: src}
  registry: {REGISTRY}
  engine: embedded
  axes: {size: [large]}
  targets:
    app:
      earthly: +app
      image: {repository: "{{ registry }}/app", tag: "{{ size }}"}
  publish: {tags: mutable}
"""


def test_a_base_image_is_pinned_at_the_first_apply_and_stays_pinned(tmp_path: Path) -> None:
    base = "oci-layout:registry/base:1"
    files = {"src/Earthfile": f"VERSION 0.8\n\napp:\n    FROM {base}\n    COPY app.txt /app.txt\n", "src/app.txt": "1\n"}
    project = small_project(tmp_path, manifest=BASED, files=files)
    layout = OciLayout(project.root / "registry")
    digest = push(layout, "base", sample_image("first"), "1")
    assert project.plan()["toPin"] == [base]
    assert f"Base images\n  + pin     {base}  to the digest it has when apply asks\n" in project.run("plan", "small.yaml").out
    assert project.apply() == {"app": "built"}
    assert json.loads(project.lock.read_text())["pins"]["images"] == {base: digest}
    assert project.plan()["toPin"] == []
    push(layout, "base", sample_image("second"), "1")
    assert project.apply() == {}
    assert json.loads(project.lock.read_text())["pins"]["images"] == {base: digest}


def test_a_plan_that_asks_the_registry_knows_what_was_published_though_no_lock_pins_the_base(tmp_path: Path) -> None:
    base = "oci-layout:registry/base:1"
    files = {"src/Earthfile": f"VERSION 0.8\n\napp:\n    FROM {base}\n    COPY app.txt /app.txt\n", "src/app.txt": "1\n"}
    project = small_project(tmp_path, manifest=BASED.replace("tags: mutable", "tags: immutable"), files=files)
    layout = OciLayout(project.root / "registry")
    push(layout, "base", sample_image("first"), "1")
    assert project.apply() == {"app": "built"}
    project.lock.unlink()
    shutil.rmtree(project.root / ".matrixbuild")
    found = project.plan("--refresh")
    assert [(image["action"], image["old"] == image["new"]) for image in found["images"]] == [("leave", True)]
    assert [(build["action"], build["reasons"]) for build in found["builds"]] == [("reuse", [{"kind": "in-registry"}])]
    assert found["toPin"] == [base]
    assert project.run("plan", "small.yaml", "--refresh", "-o", "small.plan").code == 0
    for words in (("small.plan",), ("small.yaml", "--expect", found["digest"])):
        assert project.run("apply", *words, "--dry-run").code == 0
    digest = push(layout, "base", sample_image("second"), "1")
    drifted = project.run("plan", "small.yaml", "--refresh")
    assert drifted.code == 5
    assert " in the registry, which no lock of this manifest knows, and tags are immutable\n" in drifted.err
    stale = project.run("apply", "small.yaml", "--expect", found["digest"])
    assert (stale.code, digest in project.lock.read_text() if project.lock.exists() else False) == (5, False)
