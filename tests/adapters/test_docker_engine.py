from __future__ import annotations

import socket
from pathlib import Path

import pytest

from matrixbuild.adapters.docker_engine import DockerEngine, container_state, docker_engine
from matrixbuild.core.problems import Problem, UnusableError
from tests.fakes.docker_api import INFO, docker_api
from tests.services import free_port

START = "start its daemon, or name it with DOCKER_HOST"


def problem(host: str, *, seconds: int = 5) -> Problem:
    with pytest.raises(UnusableError) as caught:
        docker_engine({"DOCKER_HOST": host}, seconds=seconds)
    return caught.value.problems[0]


def test_what_matters_of_an_engine_is_read() -> None:
    with docker_api() as host:
        found = docker_engine({"DOCKER_HOST": host}, seconds=5)
    assert found == DockerEngine(host=host, version="27.3.1", root="/var/lib/docker", cgroups="2")
    assert not found.snap


def test_one_without_rights_and_one_from_snap_are_told() -> None:
    with docker_api({**INFO, "SecurityOptions": ["name=seccomp", "name=rootless"], "DockerRootDir": "/var/snap/docker/common/var-lib-docker"}) as host:
        found = docker_engine({"DOCKER_HOST": host}, seconds=5)
    assert (found.rootless, found.snap) == (True, True)


def test_a_container_has_a_state_or_is_not_there() -> None:
    with docker_api(containers={"earthly-buildkitd": "running"}) as host:
        states = [container_state(name, {"DOCKER_HOST": host}, seconds=5) for name in ("earthly-buildkitd", "earth-buildkitd")]
    assert states == ["running", ""]


def test_nobody_there_is_told(tmp_path: Path) -> None:
    for host in (f"unix://{tmp_path}/no.sock", f"tcp://127.0.0.1:{free_port()}"):
        assert problem(host) == Problem(summary=f"no Docker engine answers on {host}", hint=START, code="docker")


def test_silence_is_told_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        assert problem(host, seconds=1) == Problem(summary=f"Docker on {host} does not answer", hint="look at the log of its daemon", code="docker")


@pytest.mark.dockerd
def test_a_real_engine_is_read(docker_engine: str) -> None:
    from matrixbuild.adapters.docker_engine import docker_engine as ask

    found = ask({"DOCKER_HOST": docker_engine}, seconds=10)
    assert found.version
    assert Path(found.root).is_dir()
    assert container_state("earthly-buildkitd", {"DOCKER_HOST": docker_engine}, seconds=10) == ""
