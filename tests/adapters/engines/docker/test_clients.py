"""Which Docker client builds."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrixbuild.adapters.engines.docker.clients import docker_client
from matrixbuild.core.problems import Problem, UnusableError


def client(directory: Path, says: str, *, status: int = 0) -> Path:
    directory.mkdir()
    program = directory / "docker"
    program.write_text(f'#!/bin/sh\n[ "$DOCKER_BUILDKIT $*" = "1 build --help" ] && echo "{says}"\nexit {status}\n')
    program.chmod(0o755)
    return program


def test_the_first_that_can_build_with_buildkit(tmp_path: Path) -> None:
    client(tmp_path / "a", "ERROR: BuildKit is enabled but the buildx component is missing or broken.", status=1)
    client(tmp_path / "b", "Usage: docker build --file --tag")
    able = client(tmp_path / "c", "Usage: docker build --secret stringArray")
    client(tmp_path / "d", "Usage: docker build --secret stringArray")
    assert docker_client({"PATH": ":".join(str(tmp_path / each) for each in "xabcd")}) == str(able)


def test_none_of_them_can(tmp_path: Path) -> None:
    old = client(tmp_path / "a", "Usage: docker build --file --tag")
    with pytest.raises(UnusableError) as caught:
        docker_client({"PATH": str(old.parent)})
    assert caught.value.problems == (
        Problem(
            summary=f"{old} cannot build with BuildKit, which Dockerfiles of this manifest need",
            hint="install Docker's buildx (docker-buildx, docker-buildx-plugin)",
            code="docker",
        ),
    )


def test_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(UnusableError) as caught:
        docker_client({"PATH": str(tmp_path)})
    assert caught.value.problems == (
        Problem(
            summary="there is no docker on PATH, and a target builds a Dockerfile",
            hint="install Docker (docker.io, docker-ce), or build the base image elsewhere and give it with args",
            code="docker",
        ),
    )
