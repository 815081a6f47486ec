"""A Dockerfile is built and pushed by a real Docker engine, and what needs its image starts from the digest that the registry has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from matrixbuild.adapters.engines.docker.clients import docker_client
from matrixbuild.adapters.registry import HttpRegistry
from matrixbuild.core.problems import UnusableError
from tests.projects import Ended, SmallProject, in_child, small_project
from tests.services import RunningRegistry, missing

MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: small}
spec:
  source: {path: src}
  registry: {REGISTRY}
  engine: embedded
  axes:
    os: [jammy, noble]
  secrets: [{name: pro-token, env: PRO_TOKEN}]
  targets:
    base:
      docker: {context: base, secrets: [pro-token]}
      args: {OS: "{{ os }}"}
      image: {repository: "{{ registry }}/base", tag: "{{ os }}"}
    app:
      earthly: +app
      needs: [base]
      args: {BASE: "{{ needs.base.image }}"}
      image: {repository: "{{ registry }}/app", tag: "{{ os }}"}
  publish: {tags: mutable}
"""
FILES = {
    "src/Earthfile": "VERSION 0.8\n\napp:\n    ARG BASE\n    FROM $BASE\n    COPY app /app\n    SAVE IMAGE --push app\n",
    "src/app": "app\n",
    # Of two stages the last one counts; the other is built by nobody, so that no engine without a network has to run anything.
    "src/base/Dockerfile": (
        "FROM scratch AS unused\nRUN --mount=type=secret,id=pro-token true\n\nFROM scratch\nARG OS\nLABEL os=$OS\nCOPY data /data\n"
    ),
    "src/base/data": "data\n",
}
TOKEN = "t0ken-of-pro-t0ken"


@pytest.fixture
def project(tmp_path: Path, docker_registry: RunningRegistry) -> SmallProject:
    try:
        docker_client()
    except UnusableError as error:
        missing(error.problems[0].summary)
    return small_project(tmp_path, registry=f"{docker_registry.host}/{tmp_path.name.lower()}", manifest=MANIFEST, files=FILES)


def apply(project: SmallProject, engine: str, *words: str, **environment: str) -> Ended:
    return in_child("apply", "small.yaml", *words, cwd=project.root, env={"DOCKER_HOST": engine, "PRO_TOKEN": TOKEN, **environment})


def builds_of(project: SmallProject) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(project.lock.read_text())["builds"]
    return found


def test_what_needs_the_image_starts_from_its_digest(project: SmallProject, docker_engine: str) -> None:
    ended = apply(project, docker_engine)
    assert ended.code == 0, ended.err
    found = builds_of(project)
    for os_name in ("jammy", "noble"):
        ref = next(iter(found[f"base[os={os_name}]"]["cells"].values()))[0]
        host, _, rest = ref.partition("/")
        repository, _, tag = rest.rpartition(":")
        assert HttpRegistry(host).digest(repository, tag) == found[f"base[os={os_name}]"]["image"]["digest"]
    assert apply(project, docker_engine).code == 0
    assert "0 to build, 4 as they were" in apply(project, docker_engine).err


def test_a_changed_dockerfile_builds_what_starts_from_it_again(project: SmallProject, docker_engine: str) -> None:
    apply(project, docker_engine)
    before = builds_of(project)
    (project.root / "src/base/data").write_text("other\n")
    ended = in_child("plan", "small.yaml", "--format", "json", cwd=project.root)
    assert ended.code == 0, ended.err
    planned = {build["name"]: build["action"] for build in json.loads(ended.out)["builds"]}
    assert planned == dict.fromkeys(before, "rebuild")


def test_a_rebuild_runs_its_steps_again(project: SmallProject, docker_engine: str) -> None:
    apply(project, docker_engine)
    before = builds_of(project)
    ended = apply(project, docker_engine, "--rebuild", "os=jammy")
    assert ended.code == 0, ended.err
    after = builds_of(project)
    assert [name for name in after if after[name]["image"]["digest"] != before[name]["image"]["digest"]] == ["app[os=jammy]", "base[os=jammy]"]


def test_no_file_of_a_run_has_the_secret(project: SmallProject, docker_engine: str) -> None:
    ended = apply(project, docker_engine)
    assert ended.code == 0, ended.err
    kept = [path for path in project.root.rglob("*") if path.is_file()]
    assert any(path.name == "command" for path in kept)
    assert not [path for path in kept if TOKEN.encode() in path.read_bytes()]


def test_a_secret_that_is_missing_is_told_before_anything_starts(project: SmallProject, docker_engine: str) -> None:
    ended = in_child("apply", "small.yaml", cwd=project.root, env={"DOCKER_HOST": docker_engine})
    assert ended.code == 8
    assert "pro-token" in ended.err
    assert not list((project.root / ".matrixbuild").rglob("command"))


def test_an_engine_that_is_not_there_is_told_before_anything_starts(project: SmallProject, tmp_path: Path) -> None:
    ended = apply(project, f"unix://{tmp_path}/none.sock")
    assert ended.code == 8
    assert not list((project.root / ".matrixbuild").rglob("command"))
    assert "Traceback" not in ended.err


def test_a_layout_takes_no_pushes(tmp_path: Path, docker_engine: str) -> None:
    project = small_project(tmp_path, manifest=MANIFEST, files=FILES)
    ended = apply(project, docker_engine)
    assert ended.code == 8
    assert "Docker pushes to registries, and the manifest's is an image layout" in ended.err
