"""The rule for missing programs, and a Docker engine that really pulls."""

from __future__ import annotations

import io
import subprocess
import tarfile

import pytest

from matrixbuild.adapters.registry import HttpRegistry
from tests.sample_images import push, sample_image
from tests.services import RunningRegistry, require


def test_a_program_that_is_there(tmp_path: object) -> None:
    assert require("sh").endswith("/sh")


def test_a_missing_program_skips() -> None:
    with pytest.raises(pytest.skip.Exception) as caught:
        require("not-a-program", environ={"PATH": "/nowhere"})
    assert str(caught.value) == "not-a-program is not on PATH"


def test_a_missing_program_fails_in_ci() -> None:
    with pytest.raises(pytest.fail.Exception) as caught:
        require("not-a-program", environ={"PATH": "/nowhere", "CI": "true"})
    assert str(caught.value) == "not-a-program is not on PATH, and CI must have it"


@pytest.mark.dockerd
@pytest.mark.registry
def test_docker_pulls_what_we_push_and_its_files_are_there(docker_registry: RunningRegistry, docker_engine: str) -> None:
    docker = require("docker")
    image = sample_image("for docker")
    push(HttpRegistry(docker_registry.host), "edge/pulled", image, "v1")
    name = f"{docker_registry.host}/edge/pulled:v1"

    def run(*words: str) -> bytes:
        return subprocess.run([docker, "--host", docker_engine, *words], check=True, capture_output=True, timeout=120).stdout

    assert image.manifest.digest.encode() in run("pull", name)
    container = run("create", name, "/hello").decode().strip()
    with tarfile.open(fileobj=io.BytesIO(run("cp", f"{container}:/hello", "-"))) as archive:
        file = archive.extractfile("hello")
        assert file is not None
        assert file.read() == b"for docker"
