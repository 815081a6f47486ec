"""A call of Earthly in a container of its own: nothing secret in its words, nothing seen that it does not need."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.client_container import Client, Mount, contained, docker_failure
from matrixbuild.core.failure import Failure, FailureKind
from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.process import Command

CLIENT = Client(
    docker="/usr/bin/docker",
    config="/run/docker",
    host="unix:///docker.sock",
    image="sha256:1",
    program="/usr/bin/earthly",
    user="1000:100",
    state="/p/.matrixbuild/small",
    mounts=(Mount(source="/run", writable=True),),
)
CALL = Command(
    argv=("/usr/bin/earthly", "--strict", "+image", "--OS=a b"),
    cwd="/private",
    env=(("HOME", "/run/home"), ("TOKEN", "hunter2-hunter2"), ("a/b.c", "1")),
    secrets=(("TOKEN", "hunter2-hunter2"),),
    timeout=60.0,
    silence=5.0,
)


def test_it_is_a_call_of_docker() -> None:
    found = contained(CALL, CLIENT, name="matrixbuild-1", mounts=[Mount(source="/checkout")])
    assert found.argv == (
        *("/usr/bin/docker", "--config", "/run/docker", "--host", "unix:///docker.sock", "run", "--rm", "--pull", "never"),
        *("--name", "matrixbuild-1", "--label", "dev.matrixbuild.state=/p/.matrixbuild/small", "--log-driver", "none"),
        *("--network", "host", "--userns", "host", "--user", "1000:100"),
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--security-opt", "label=disable"),
        *("--mount", "type=bind,source=/run,target=/run", "--mount", "type=bind,source=/checkout,target=/checkout,readonly"),
        *("--env", "HOME", "--env", "TOKEN", "--env", "a/b.c"),
        *("--workdir", "/private", "--entrypoint", "/usr/bin/earthly", "sha256:1", "--strict", "+image", "--OS=a b"),
    )
    assert (found.env, found.cwd, found.secrets, found.timeout, found.silence) == (CALL.env, CALL.cwd, CALL.secrets, 60.0, 5.0)


def test_what_docker_would_change_is_refused() -> None:
    broken = Command(argv=("earthly",), cwd="/", env=(("KEY", "\udcff"),))
    with pytest.raises(UnusableError) as caught:
        contained(broken, CLIENT, name="x")
    hint = "encode it (base64) and decode it in the Earthfile, or install Earthly, which then runs without Docker"
    summary = "KEY holds bytes that are no text in UTF-8, and Docker hands on nothing else"
    assert caught.value.problems == (Problem(summary=summary, hint=hint, code="variable"),)


@given(source=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), min_size=1), writable=st.booleans())
def test_a_path_is_mounted_whatever_it_is_called(source: str, writable: bool) -> None:
    fields = next(csv.reader([Mount(source=source, target="/t", writable=writable).written]))
    assert fields == ["type=bind", f"source={source}", "target=/t", *([] if writable else ["readonly"])]


@pytest.mark.parametrize("code", [0, 1, 2, 6, 9, 137, 255, None])
def test_an_end_of_the_program_is_not_dockers(code: int | None) -> None:
    assert docker_failure(code, [b"docker: Error response from daemon: no.\n"]) is None


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"docker: Error response from daemon: No such image: sha256:1.\nSee 'docker run --help'.\n", "No such image: sha256:1"),
        (b"docker: Cannot connect to the Docker daemon at unix:///docker.sock. Is the docker daemon running?.\nSee 'docker run --help'.\n", None),
        (b"", "`docker run` ends with 125"),
    ],
)
def test_why_docker_did_not_run_it_is_told(said: bytes, reason: str | None) -> None:
    reason = reason or "Cannot connect to the Docker daemon at unix:///docker.sock. Is the docker daemon running?"
    lines = tuple(line.strip().decode() for line in said.splitlines())
    hint = "`docker info` tells whether Docker is well"
    expected = Failure(kind=FailureKind.BUILDER, summary=f"Docker did not run Earthly: {reason}", lines=lines, hint=hint)
    assert docker_failure(125, said.splitlines(keepends=True)) == expected
