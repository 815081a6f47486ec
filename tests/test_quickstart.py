"""The README's main job on the real quickstart: what other programs read of it, what a change rebuilds, what a kill costs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.projects import Ended, in_child
from tests.services import RunningRegistry, require

ROOT = Path(__file__).parents[1]
MANIFEST = "manifests/quickstart.yaml"


class Clone:
    """The quickstart in a project of its own."""

    def __init__(self, root: Path, *, registry: str = "") -> None:
        self.root = root
        shutil.copytree(ROOT / "manifests", root / "manifests", ignore=shutil.ignore_patterns("*.lock.json"))
        (root / ".git").mkdir()
        if registry:
            manifest = root / MANIFEST
            text = manifest.read_text()
            assert "registry: oci-layout:../out/registry" in text
            manifest.write_text(text.replace("registry: oci-layout:../out/registry", f"registry: {registry}"))

    def run(self, *words: str) -> Ended:
        ended = in_child(*words, cwd=self.root)
        assert ended.code == 0, ended.err
        return ended

    def apply(self) -> dict[str, str]:
        built: dict[str, str] = self.run("apply", MANIFEST, "--format", "json").json()["builds"]
        return built

    @property
    def lock(self) -> Path:
        return self.root / "manifests" / "quickstart.lock.json"

    def digests(self) -> dict[str, str]:
        builds = json.loads(self.lock.read_text())["builds"]
        return {ref: build["image"]["digest"] for build in builds.values() if "image" in build for refs in build["cells"].values() for ref in refs}


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path / "one")


def inspected(skopeo: str, image: str) -> str:
    words = [skopeo, "inspect", "--no-tags", "--format", "{{.Digest}}", *(["--tls-verify=false"] if image.startswith("docker:") else []), image]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def test_the_installer_is_one_build_for_all_of_kubernetes_and_two_node(clone: Clone) -> None:
    plan = clone.run("plan", MANIFEST, "--format", "json").json()
    assert plan["counts"] == {"cells": 23, "demands": 46, "builds": 28}
    installers = [build["name"] for build in plan["builds"] if build["name"].startswith("installer")]
    assert len(installers) == 5
    assert not [name for name in installers if "kubernetes" in name or "twoNode" in name]
    assert "23 cells -> 46 builds -> 28 after deduplication" in clone.run("plan", MANIFEST).out


def test_every_digest_is_what_skopeo_reads_from_the_layout(clone: Clone) -> None:
    skopeo = require("skopeo")
    clone.apply()
    digests = clone.digests()
    assert len(digests) == 23
    names = {ref: ref.removeprefix("oci-layout:../out/registry/") for ref in digests}
    assert {ref: inspected(skopeo, f"oci:{clone.root}/out/registry:{name}") for ref, name in names.items()} == digests


@pytest.mark.registry
def test_every_digest_is_what_skopeo_reads_from_a_registry(tmp_path: Path, docker_registry: RunningRegistry) -> None:
    skopeo = require("skopeo")
    clone = Clone(tmp_path, registry=f"{docker_registry.host}/quickstart-skopeo")
    clone.apply()
    assert {ref: inspected(skopeo, f"docker://{ref}") for ref in clone.digests()} == clone.digests()


@pytest.mark.registry
@pytest.mark.dockerd
def test_docker_pulls_an_image_and_its_files_are_there(tmp_path: Path, docker_registry: RunningRegistry, docker_engine: str) -> None:
    clone = Clone(tmp_path / "clone", registry=f"{docker_registry.host}/quickstart-pull")
    clone.apply()
    ref = next(ref for ref in sorted(clone.digests()) if "ubuntu-22.04:rke2-1.34.6-fips" in ref)

    def docker(*words: str) -> str:
        return subprocess.run(["docker", "--host", docker_engine, *words], check=True, capture_output=True, text=True).stdout.strip()

    docker("pull", ref)
    container = docker("create", ref, "/bin/none")
    docker("cp", f"{container}:/etc/rancher/rke2/config.yaml", str(tmp_path / "config.yaml"))
    docker("cp", f"{container}:/usr/local/bin/tideline-status", str(tmp_path / "tideline-status"))
    source = clone.root / "manifests" / "quickstart" / "overlays"
    assert (tmp_path / "config.yaml").read_bytes() == (source / "kubernetes/rke2/etc/rancher/rke2/config.yaml").read_bytes()
    assert os.access(tmp_path / "tideline-status", os.X_OK)


def test_a_changed_overlay_rebuilds_exactly_what_reads_it_and_plan_names_it(clone: Clone) -> None:
    clone.apply()
    overlay = "overlays/kubernetes/rke2/etc/rancher/rke2/config.yaml"
    path = clone.root / "manifests" / "quickstart" / overlay
    path.write_text(path.read_text() + "#\n")
    plan = clone.run("plan", MANIFEST)
    assert f"files {overlay}" in plan.out
    built = clone.apply()
    assert len(built) == 10
    assert all("kubernetes=rke2" in name for name in built)
    assert clone.apply() == {}


def test_an_executable_bit_rebuilds_exactly_what_reads_it(clone: Clone) -> None:
    clone.apply()
    script = clone.root / "manifests" / "quickstart" / "overlays" / "two-node" / "true" / "usr" / "local" / "sbin" / "two-node-watch"
    script.chmod(0o644)
    built = clone.apply()
    assert built
    assert all("twoNode=true" in name for name in built)


@pytest.mark.registry
def test_another_clone_builds_no_image_again_only_the_installers(tmp_path: Path, docker_registry: RunningRegistry) -> None:
    first = Clone(tmp_path / "first", registry=f"{docker_registry.host}/quickstart-clones")
    first.apply()
    second = Clone(tmp_path / "second", registry=f"{docker_registry.host}/quickstart-clones")
    assert sorted(name.partition("[")[0] for name in second.apply()) == ["installer"] * 5
    assert second.lock.read_bytes() == first.lock.read_bytes()


# Builds as the product does, counts what the engine itself executes, and dies where it is told to.
COUNTING = """
import os, signal, sys
from pathlib import Path
from matrixbuild.workflow import applying, engines, releasing

class Counting:
    def __init__(self, engine):
        self.engine = engine
    def build(self, order):
        with open(sys.argv[2], "a") as counts:
            counts.write(f"{order.earthly} {order.key} {'image' if order.push else 'artifact'}\\n")
        return self.engine.build(order)

if sys.argv[3] == "before-tags":
    def die(*args, **kwargs):
        os.kill(os.getpid(), signal.SIGKILL)
    releasing.publish = die
if sys.argv[3] == "before-lock":
    def die(*args, **kwargs):
        os.kill(os.getpid(), signal.SIGKILL)
    releasing.write_lock = die
quiet = applying.Listener(on_plan=lambda plan: None, on_report=lambda report, made: None)
applied = applying.apply_manifest(Path(sys.argv[1]), quiet, engine=lambda prepared: Counting(engines.engine_of(prepared)))
sys.exit(0 if applied.succeeded else 4)
"""


def counted(clone: Clone, counts: Path, die: str) -> int:
    words = [sys.executable, "-c", COUNTING, MANIFEST, str(counts), die]
    return subprocess.run(words, cwd=clone.root, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, capture_output=True).returncode


@pytest.mark.registry
@pytest.mark.parametrize("moment", ["before-tags", "before-lock"])
def test_a_kill_after_the_last_push_costs_no_image(tmp_path: Path, docker_registry: RunningRegistry, moment: str) -> None:
    registry = f"{docker_registry.host}/quickstart-{moment}"
    first, second = Clone(tmp_path / "first", registry=registry), Clone(tmp_path / "second", registry=registry)
    counts = tmp_path / "counts"
    assert counted(first, counts, moment) == -signal.SIGKILL
    assert not first.lock.exists()
    assert counted(second, counts, "never") == 0
    images = [line for line in counts.read_text().splitlines() if line.endswith(" image")]
    assert len(images) == len(set(images)) == 23
    assert len(second.digests()) == 23


@pytest.fixture
def two_runs(tmp_path: Path) -> list[Clone]:
    clones = [Clone(tmp_path / "here"), Clone(tmp_path / "else" / "where")]
    for path in clones[1].root.rglob("*"):
        os.utime(path, (10**9, 10**9))
    environments: list[tuple[int, dict[str, str]]] = [(0o022, {"TZ": "UTC"}), (0o077, {"TZ": "Asia/Kathmandu", "LC_ALL": "C"})]
    for clone, (umask, environment) in zip(clones, environments, strict=True):
        before = os.umask(umask)
        try:
            ended = in_child("apply", MANIFEST, cwd=clone.root, env=environment)
        finally:
            os.umask(before)
        assert ended.code == 0, ended.err
    return clones


def test_directory_umask_zone_and_time_change_no_digest(two_runs: list[Clone]) -> None:
    here, elsewhere = two_runs
    assert here.lock.read_bytes() == elsewhere.lock.read_bytes()
    indexes = [(clone.root / "out" / "registry" / "index.json").read_bytes() for clone in two_runs]
    assert indexes[0] == indexes[1]
