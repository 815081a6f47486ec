"""Dockerfiles built by a real Docker engine, pushed to a real registry."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from matrixbuild.adapters.children import Children
from matrixbuild.adapters.engines.base import Made, Order
from matrixbuild.adapters.engines.docker.clients import docker_client
from matrixbuild.adapters.engines.docker.engine import DockerEngine, DockerMachine, DockerNeighbours
from matrixbuild.adapters.engines.earthly.checkouts import Checkout
from matrixbuild.adapters.registry import HttpRegistry
from matrixbuild.core.demand import DockerDemand
from matrixbuild.core.failure import BuildFailed, FailureKind
from matrixbuild.core.names import ImageName
from matrixbuild.core.problems import UnusableError
from matrixbuild.core.usage import Progress
from tests.services import RunningRegistry, free_port, missing

DOCKERFILE = """\
FROM scratch
ARG FLAVOR
ARG HTTP_PROXY
LABEL flavor=$FLAVOR
COPY data /
"""
SECRET = "hunter2-hunter2"


@pytest.fixture
def engine(tmp_path: Path, docker_engine: str) -> Iterator[Engine]:
    try:
        program = docker_client()
    except UnusableError as error:
        missing(error.problems[0].summary)
    environ = {**os.environ, "DOCKER_HOST": docker_engine, "HTTP_PROXY": "http://me:pw-of-mine@127.0.0.1:1"}
    with contextlib.closing(Engine(tmp_path, program, environ)) as engine:
        yield engine


class Engine:
    """A Docker engine that builds from `source`."""

    def __init__(self, root: Path, program: str, environ: Mapping[str, str]) -> None:
        self.source, self.log = root / "source", root / "log"
        (self.source / "base").mkdir(parents=True)
        self.write(DOCKERFILE)
        (self.source / "base/data").write_text("data\n")
        self.told: list[Progress] = []
        self.program, self.environ = program, environ
        machine = DockerMachine(program=program, environ=environ, seen=environ, work=root / "work")
        neighbours = DockerNeighbours(
            checkout=lambda _variant, _generation: Checkout(path=self.source),
            secrets=lambda _key: (("pro-attach-config", SECRET),),
            tell=lambda _key, progress: self.told.append(progress),
        )
        self.engine = DockerEngine(machine, neighbours, Children())

    def close(self) -> None:
        self.engine.close()

    def write(self, dockerfile: str) -> None:
        (self.source / "base/Dockerfile").write_text(dockerfile)

    def build(self, image: ImageName, **changed: object) -> Made:
        order = Order(
            earthly="",
            docker=DockerDemand(context="base", dockerfile="Dockerfile", secrets=("pro-attach-config",)),
            args=(("FLAVOR", "jammy, 'quoted' $X"),),
            key="sha256:" + "a" * 64,
            push=image,
            artifacts=(),
            output=self.source.parent / "out",
            log=self.log,
            ambient=("HTTP_PROXY",),
        )
        return self.engine.build(replace(order, **changed))  # type: ignore[arg-type]

    def known(self) -> list[str]:
        """The names that the daemon knows images by."""
        words = [self.program, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]
        return subprocess.run(words, env=dict(self.environ), check=True, capture_output=True, text=True).stdout.split()


def image_at(registry: RunningRegistry, tmp_path: Path) -> ImageName:
    return ImageName.parse(f"{registry.host}/{tmp_path.name.lower()}/base:mb-1")


def config_of(registry: RunningRegistry, image: ImageName) -> Mapping[str, object]:
    client = HttpRegistry(registry.host)
    manifest = client.manifest(image.repository, image.tag)
    assert manifest is not None
    digest = json.loads(manifest.data)["config"]["digest"]
    found: Mapping[str, object] = json.loads(client.blob(image.repository, digest))["config"]
    return found


def test_a_dockerfile_is_built_and_pushed_under_its_content_tag(engine: Engine, tmp_path: Path, docker_registry: RunningRegistry) -> None:
    image = image_at(docker_registry, tmp_path)
    engine.build(image)
    assert config_of(docker_registry, image)["Labels"] == {"dev.matrixbuild.key": "sha256:" + "a" * 64, "flavor": "jammy, 'quoted' $X"}
    assert engine.told[-1].earthly == "base/Dockerfile"
    assert str(image) not in engine.known()


def test_nothing_of_it_tells_a_secret_or_a_login(engine: Engine, tmp_path: Path, docker_registry: RunningRegistry) -> None:
    engine.write(DOCKERFILE + f"# {SECRET}\n")
    engine.build(image_at(docker_registry, tmp_path))
    kept = "".join(path.read_text() for path in engine.log.iterdir())
    assert '"--secret", "id=pro-attach-config,env=MATRIXBUILD_SECRET_0"' in kept
    assert '"--build-arg", "HTTP_PROXY"' in kept
    assert SECRET not in kept
    assert "pw-of-mine" not in kept


def test_a_base_image_that_is_nowhere(engine: Engine, tmp_path: Path, docker_registry: RunningRegistry) -> None:
    missing_base = f"{docker_registry.host}/{tmp_path.name.lower()}/none:1"
    engine.write(f"FROM {missing_base}\n")
    with pytest.raises(BuildFailed) as caught:
        engine.build(image_at(docker_registry, tmp_path))
    assert caught.value.failure.kind is FailureKind.SYNTAX
    assert missing_base in caught.value.failure.summary


def test_a_registry_that_is_not_there(engine: Engine) -> None:
    host = f"127.0.0.1:{free_port()}"
    with pytest.raises(BuildFailed) as caught:
        engine.build(ImageName.parse(f"{host}/edge/base:mb-1"))
    assert (caught.value.failure.kind, caught.value.failure.host) == (FailureKind.NETWORK, host)
    assert caught.value.failure.summary.startswith(f"pushing {host}/edge/base:mb-1 failed: ")


def test_a_daemon_that_is_not_there(tmp_path: Path) -> None:
    try:
        program = docker_client()
    except UnusableError as error:
        missing(error.problems[0].summary)
    environ = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    with contextlib.closing(Engine(tmp_path, program, environ)) as engine, pytest.raises(BuildFailed) as caught:
        engine.build(ImageName.parse("127.0.0.1:5000/edge/base:mb-1"))
    assert (caught.value.failure.kind, caught.value.failure.hint) == (FailureKind.BUILDER, "start the Docker engine; DOCKER_HOST says where it is")


def test_a_build_that_takes_too_long_is_stopped(engine: Engine, tmp_path: Path, docker_registry: RunningRegistry) -> None:
    with pytest.raises(BuildFailed) as caught:
        engine.build(image_at(docker_registry, tmp_path), timeout=0.0)
    assert caught.value.failure.kind is FailureKind.TIMEOUT

