"""Each manifest for CanvOS has the plan that is expected of it, over a stand-in and (with CANVOS_REPO) over CanvOS; the same bytes anywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.examples.plans import FORMS, STAND_IN, TAGS, expected, plan, project_over
from tests.projects import Ended, SmallProject, in_child

NO_NETWORK = """
import sys
def refuse(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise AssertionError(f"the network was asked: {event} {args}")
sys.addaudithook(refuse)
from matrixbuild.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
"""The command, in a Python that reaches no other machine."""


def offline(*words: str, cwd: Path) -> Ended:
    command = [sys.executable, "-c", NO_NETWORK, *words]
    environment = {"PYTHONPATH": str(ROOT), "HOME": str(cwd), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr)


def same(found: Ended, path: Path) -> None:
    assert found.code == 0, found.err
    again = f"python -m tests.examples.plans records {path.name} anew"
    assert found.out == path.read_text(encoding="utf-8"), again


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("manifest", TAGS)
def test_a_plan_over_the_stand_in_is_as_expected(stand_in: SmallProject, manifest: str, form: str) -> None:
    same(plan(stand_in, manifest, form), expected("stand-in", manifest, form))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("manifest", TAGS)
def test_a_plan_over_canvos_is_as_expected(over_canvos: Callable[[str], SmallProject], manifest: str, form: str) -> None:
    same(plan(over_canvos(TAGS[manifest]), manifest, form), expected("checkout", manifest, form))


@pytest.mark.parametrize("world", ["stand-in", "checkout"])
def test_the_release_is_39_provider_images_5_installers_and_two_fips_bases(world: str) -> None:
    found = json.loads(expected(world, "release", "json").read_text(encoding="utf-8"))
    targets = [build["name"].partition("[")[0] for build in found["builds"]]
    assert targets.count("provider") + targets.count("uki-provider") == found["counts"]["cells"] == 39
    assert targets.count("iso") + targets.count("uki-iso") == 5
    assert targets.count("fips-base") == 1
    assert "registry.example.com/base/rhel9-fips:2026-11" in found["toPin"]


def test_every_manifest_is_valid_and_checking_them_asks_no_network() -> None:
    ended = offline("validate", "manifests/", cwd=ROOT)
    assert (ended.code, ended.err) == (0, "")
    assert len(ended.out.splitlines()) == len(TAGS) + 1


def test_the_same_bytes_in_another_directory_at_another_hash_seed_and_without_network(tmp_path: Path) -> None:
    for manifest in ("release", "private-fork"):
        path = expected("stand-in", manifest, "json").read_text(encoding="utf-8")
        for seed in ("1", "4242"):
            project = project_over(STAND_IN, tmp_path / manifest / seed / "deep er")
            words = ("plan", f"manifests/{manifest}.yaml", "--source", "source", "--format", "json")
            ended = in_child(*words, cwd=project.root, env={"PYTHONHASHSEED": seed, "TZ": "Asia/Kathmandu", "LC_ALL": "C"})
            assert (ended.code, ended.out) == (0, path), ended.err
        assert offline(*words, cwd=project.root).out == path


def test_a_git_source_that_was_fetched_once_is_planned_without_network(tmp_path: Path) -> None:
    project = project_over(STAND_IN, tmp_path / "project")
    origin = tmp_path / "origin"
    subprocess.run(["cp", "-r", str(STAND_IN), str(origin)], check=True)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    for command in (["init", "--quiet"], ["add", "--all"], [*identity, "commit", "--quiet", "--message", "canvos"], ["tag", "v4.9.38"]):
        subprocess.run(["git", *command], cwd=origin, check=True)
    manifest = project.root / "manifests" / "two-node.yaml"
    manifest.write_text(manifest.read_text().replace("https://github.com/spectrocloud/CanvOS.git", origin.as_uri()))
    words = ("plan", "manifests/two-node.yaml", "--format", "json")
    first = offline(*words, cwd=project.root)
    assert first.code == 0, first.err
    origin.rename(tmp_path / "gone")
    second = offline(*words, "--offline", cwd=project.root)
    assert (second.code, second.out) == (0, first.out), second.err
