"""Whole builds through Docker: the image of a real program, its builder without all rights, a container for each call.

Needs what tests/live/image.py names, and a dockerd.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from matrixbuild.adapters.engines.contained.host import Host, open_host
from matrixbuild.adapters.registry import HttpRegistry
from matrixbuild.core.client_container import STATE_LABEL
from matrixbuild.core.shared_builder import BUILDER_LABEL
from tests.live import program, world
from tests.live.image import real_image
from tests.processes import until
from tests.projects import Ended, SmallProject, in_child, small_project
from tests.services import require

EARTHFILE = """\
VERSION 0.8
FROM {BASE}

image:
    ARG OS
    COPY common /common
    RUN echo "$OS" > /os; id -u > /user
    RUN head -c 16 /dev/urandom > /random
    SAVE ARTIFACT /random
    SAVE IMAGE ignored

secret:
    RUN --no-cache --secret TOKEN printf '%s' "$TOKEN" | sha256sum | cut -c 1-64 > /sum; echo "it is $TOKEN"
    SAVE ARTIFACT /sum

slow:
    ARG OS
    FROM +image
    RUN --no-cache echo begun; sleep 5
    SAVE ARTIFACT /random
"""
MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: small}
spec:
  source: {path: src}
  registry: REGISTRY
  engine: {kind: earthly, image: "IMAGE"}
  axes:
    os: [jammy, noble]
  secrets: [{name: TOKEN, env: TOKEN_OF_OURS}]
  schedule: {retry: {attempts: 2, wait: {initial: 1ms}}}
  publish: {tags: mutable, mode: each}
  targets:
    image:
      earthly: +image
      args: {OS: "{{ os }}"}
      image: {repository: "{{ registry }}/edge", tag: "{{ os }}"}
      artifacts: [{path: /random, as: random}]
    secret:
      earthly: +secret
      axes: []
      artifacts: [{path: /sum, as: sum}]
"""
SECRET = "hunter2-hunter2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    project: SmallProject
    host: Host
    registry: str
    salt: str
    home: Path

    @property
    def environ(self) -> Mapping[str, str]:
        plain = {"DOCKER_HOST": self.host.address, "HOME": str(self.home), "XDG_CACHE_HOME": str(self.home / "cache")}
        return {**plain, "TOKEN_OF_OURS": SECRET, "EARTHLY_BUILDKIT_HOST": "", "EARTH_BUILDKIT_HOST": ""}

    def apply(self, *words: str) -> Ended:
        ended = in_child("apply", "small.yaml", "--format", "json", *words, cwd=self.project.root, env=self.environ, timeout=600)
        assert ended.code == 0, ended.out + ended.err
        return ended

    def artifact(self, name: str) -> bytes:
        (found,) = self.project.root.glob(f"out/*/{name}")
        return found.read_bytes()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with world.registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def bench(tmp_path: Path, registry: str, docker_engine: str) -> Iterator[Bench]:
    found, salt = program.required(), f"docker-{uuid.uuid4().hex[:12]}"
    require("docker")
    world.World(program=found, registry=registry, scratch=tmp_path / "world", salt=salt)
    with open_host({"DOCKER_HOST": docker_engine, "PATH": os.environ["PATH"]}) as host:
        image = real_image(host.api, found)
        manifest = MANIFEST.replace("REGISTRY", f"{registry}/{salt}").replace("IMAGE", image)
        (tmp_path / "home").mkdir()
        files = {"src/Earthfile": EARTHFILE.replace("{BASE}", f"{registry}/{salt}/base:2"), "src/common": "common\n"}
        project = small_project(tmp_path / "project", manifest=manifest, files=files)
        yield Bench(project=project, host=host, registry=registry, salt=salt, home=tmp_path / "home")
        assert host.api.containers(all=True, filters={"label": [STATE_LABEL]}) == []
        for builder in host.api.containers(all=True, filters={"label": [BUILDER_LABEL]}):
            host.api.remove_container(builder["Id"], force=True)


def test_what_is_built_is_in_the_registry_and_is_not_built_again(bench: Bench) -> None:
    assert set(json.loads(bench.apply().out)["builds"].values()) == {"built"}
    lock = json.loads(bench.project.lock.read_text())["builds"]
    for os_ in ("jammy", "noble"):
        assert lock[f"image[os={os_}]"]["image"]["digest"] == HttpRegistry(bench.registry).digest(f"{bench.salt}/edge", os_)
    assert len({path.read_bytes() for path in bench.project.root.glob("out/*/random")}) == 2
    assert json.loads(bench.apply().out)["builds"] == {}
    random = sorted(path.read_bytes() for path in bench.project.root.glob("out/*/random"))
    bench.apply("--rebuild", "os=jammy")
    assert len({*random, *(path.read_bytes() for path in bench.project.root.glob("out/*/random"))}) == 3
    # The trial says that steps run without all rights.
    (builder,) = bench.host.api.containers(filters={"label": [BUILDER_LABEL]})
    assert bench.host.api.inspect_container(builder["Id"])["HostConfig"]["Privileged"] is False


def test_a_secret_reaches_its_step_alone(bench: Bench) -> None:
    from hashlib import sha256

    bench.apply()
    assert bench.artifact("sum").decode().strip() == sha256(SECRET.encode()).hexdigest()
    said = "".join(path.read_text() for path in bench.project.root.glob(".matrixbuild/small/runs/*/secret*/*/*"))
    assert "it is ***" in said
    assert SECRET not in said


def test_a_builder_that_is_killed_is_started_again_and_the_build_comes_to_its_end(bench: Bench) -> None:
    bench.project.manifest.write_text(bench.project.manifest.read_text().replace("earthly: +image", "earthly: +slow"))
    words = [sys.executable, "-m", "matrixbuild", "apply", "small.yaml", "--format", "json"]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **bench.environ}
    with subprocess.Popen(words, cwd=bench.project.root, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        logs = bench.project.root / ".matrixbuild/small/runs"
        until(lambda: running.poll() is not None or any("| begun" in file.read_text() for file in logs.glob("*/image*/1/stderr")), seconds=120)
        (builder,) = bench.host.api.containers(filters={"label": [BUILDER_LABEL]})
        bench.host.api.kill(builder["Id"])
        out, err = running.communicate()
    assert running.returncode == 0, err
    assert set(json.loads(out)["builds"].values()) == {"built"}
