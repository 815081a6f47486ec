"""What doctor says of a machine that has no Earthly, and Docker to run one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from matrixbuild.core.checkup import Check
from matrixbuild.core.engine_use import DEFAULT_IMAGE
from matrixbuild.core.surroundings import EngineUse
from matrixbuild.workflow.doctoring_docker import check_contained
from matrixbuild.workflow.doctoring_needs import Needs
from tests.adapters.engines.earthly.scripts import script
from tests.fakes.docker_api import docker_api

NAME = f"matrixbuild-earthly-0.8-{os.getuid()}"


@pytest.fixture
def around(tmp_path: Path) -> dict[str, str]:
    """An environment without an Earthly, and with a client of Docker. (The fake engine has a TCP address.)"""
    script(tmp_path / "bin/docker", "exit 1")
    return {"PATH": f"{tmp_path / 'bin'}"}


def checked(around: Mapping[str, str], use: EngineUse = EngineUse(), **there: object) -> list[tuple[str, str, str, str]]:  # noqa: B008  (frozen)
    with docker_api(**there) as host:  # type: ignore[arg-type]
        return [told(check) for check in check_contained(use, Needs(), {**around, "DOCKER_HOST": host})]


def told(check: Check) -> tuple[str, str, str, str]:
    return check.name, check.level.value, check.summary, check.hint


def test_an_engine_elsewhere_is_told(around: dict[str, str]) -> None:
    (_, level, summary, hint), _ = checked(around)
    assert summary.startswith("Earthly cannot run in the containers of tcp://127.0.0.1:")
    assert summary.endswith(": they would see the files of another machine")
    assert (level, hint) == ("warn", "unset DOCKER_HOST, or install Earthly here")


@pytest.mark.parametrize(
    ("containers", "expected"),
    [
        ({}, ("builder", "ok", "the builder in Docker is made with the first build", "")),
        ({NAME: "running"}, ("builder", "ok", f"the builder in Docker runs (container {NAME})", "")),
        ({NAME: "exited"}, ("builder", "warn", f"the builder in Docker (container {NAME}) is exited", "the next build starts it again")),
    ],
)
def test_the_builder_is_looked_at(around: dict[str, str], containers: Mapping[str, str], expected: tuple[str, str, str, str]) -> None:
    assert checked(around, containers=containers)[1] == expected


def test_builders_that_are_named_are_no_container(around: dict[str, str]) -> None:
    from matrixbuild.core.declared import Text
    from tests.builders import place

    assert len(checked(around, EngineUse(builders=(Text(value="tcp://builder:8372", place=place(1)),)))) == 1


@pytest.mark.parametrize(
    ("use", "image"), [(EngineUse(), DEFAULT_IMAGE), (EngineUse(image="registry.test/earthly:v1"), "registry.test/earthly:v1")]
)
def test_the_image_is_looked_for(around: dict[str, str], docker_engine: str, use: EngineUse, image: str) -> None:
    (check, *_) = check_contained(use, Needs(), {**around, "DOCKER_HOST": docker_engine})
    assert told(check) == ("program", "ok", f"Earthly runs in Docker: the image {image} is pulled with the first build", "")


def test_an_image_that_is_here_is_told(around: dict[str, str], docker_engine: str) -> None:
    from docker import APIClient

    from tests.contained_images import import_double

    api = APIClient(base_url=docker_engine)
    try:
        image = import_double(api)
    finally:
        api.close()
    (check, *_) = check_contained(EngineUse(image=image), Needs(), {**around, "DOCKER_HOST": docker_engine})
    assert check.summary == f"Earthly runs in Docker: the image {image} is here"


def test_without_a_client_program_nothing_can_be_run(docker_engine: str, tmp_path: Path) -> None:
    (check, *_) = check_contained(EngineUse(), Needs(), {"PATH": str(tmp_path), "DOCKER_HOST": docker_engine})
    assert told(check) == (
        "program",
        "warn",
        "Earthly is to run in Docker, and its client program `docker` is not on PATH",
        "install it (docker-cli, docker-ce-cli, docker.io)",
    )


def test_without_an_engine_an_image_that_is_named_cannot_run(around: dict[str, str], tmp_path: Path) -> None:
    (check,) = check_contained(EngineUse(image="x"), Needs(), {**around, "DOCKER_HOST": f"unix://{tmp_path}/none.sock"})
    assert check.summary == f"Earthly is to run in Docker, and no Docker engine answers on unix://{tmp_path}/none.sock"
