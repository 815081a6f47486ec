"""What the Docker client says of a build: where it is, and why it failed. The texts are those of Docker 20.10 and of buildx."""

from __future__ import annotations

import re

import pytest

from matrixbuild.core.docker_words import DockerSaid
from matrixbuild.core.failure import Failure, FailureKind
from matrixbuild.core.failures import Pattern
from matrixbuild.core.usage import Progress

RUNNING = """\
#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 86B done
#1 DONE 0.0s
#4 [1/3] FROM docker.io/library/ubuntu:22.04@sha256:0123
#4 CACHED
#5 [stage-1 2/3] RUN apt-get update
#5 sha256:d4ec437cce510462f3a01a33b7dd187892eb952d4cf4500536efab68ca7b8c59
#5 0.412 Get:1 http://archive.example.com jammy InRelease
"""
STEP_FAILS = (
    RUNNING
    + '#5 0.611 E: Unable to locate package fips\n#5 ERROR: process "/bin/sh -c apt-get update" did not complete successfully: exit code: 100\n'
)
CLASSIC_END = "------\n > [2/3] RUN apt-get update:\n------\nexecutor failed running [/bin/sh -c apt-get update]: exit code: 100\n"
BUILDX_END = 'ERROR: failed to solve: process "/bin/sh -c apt-get update" did not complete successfully: exit code: 100\n'


def said(text: str) -> DockerSaid:
    found = DockerSaid("ubuntu-fips/Dockerfile")
    found.feed(text.encode().splitlines(keepends=True))
    return found


def test_where_a_build_is() -> None:
    assert said(RUNNING).progress == Progress(
        earthly="ubuntu-fips/Dockerfile", step=2, steps=3, cached=1, line="Get:1 http://archive.example.com jammy InRelease"
    )


@pytest.mark.parametrize("end", [CLASSIC_END, BUILDX_END])
def test_a_command_that_fails(end: str) -> None:
    assert said(STEP_FAILS + end).failure() == Failure(
        kind=FailureKind.STEP,
        summary="ubuntu-fips/Dockerfile: RUN apt-get update ended with exit code 100",
        lines=("Get:1 http://archive.example.com jammy InRelease", "E: Unable to locate package fips"),
    )


def test_a_guard() -> None:
    text = (
        '#6 [3/3] RUN [ -f /x ] || { echo "ERROR: no /x"; exit 1; }\n#6 0.1 ERROR: no /x\n#6 ERROR: executor failed running [/bin/sh]: exit code: 1\n'
    )
    failure = said(text + "failed to solve: executor failed running [/bin/sh -c x]: exit code: 1\n").failure()
    assert (failure.kind, failure.lines) == (FailureKind.GUARD, ("ERROR: no /x",))


@pytest.mark.parametrize(
    ("words", "kind", "again"),
    [
        ("failed to solve: rpc error: code = Unknown desc = write /var/lib/docker/x: no space left on device", FailureKind.DISK, None),
        (
            'ERROR: failed to solve: failed to do request: Head "https://r.example.com/v2/": dial tcp: lookup r.example.com: no such host',
            FailureKind.NETWORK,
            None,
        ),
        ("failed to solve: r.example.com/x:1: unexpected status code [manifests 1]: 503 Service Unavailable", FailureKind.REGISTRY, None),
        ("failed to solve with frontend dockerfile.v0: failed to create LLB definition: r.example.com/base:1: not found", FailureKind.SYNTAX, None),
        ("ERROR: failed to solve: pull access denied, repository does not exist or may require authorization", FailureKind.AUTH, None),
        ("ERROR: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?", FailureKind.BUILDER, None),
        ("ERROR: BuildKit is enabled but the buildx component is missing or broken.", FailureKind.BUILDER, False),
        ("it went wrong in words that nobody knows", FailureKind.UNKNOWN, None),
    ],
)
def test_what_the_client_ends_with(words: str, kind: FailureKind, again: bool | None) -> None:
    failure = said(RUNNING + words + "\n").failure()
    assert (failure.kind, failure.again) == (kind, again)


def test_a_push_that_is_refused() -> None:
    text = "The push refers to repository [r.example.com/edge/fips-base]\nunauthorized: authentication required\n"
    assert said(text).failure(pushing="r.example.com/edge/fips-base:mb-1") == Failure(
        kind=FailureKind.AUTH,
        summary="pushing r.example.com/edge/fips-base:mb-1 failed: unauthorized: authentication required",
        hint="log in to the registry with docker login, as the user who runs this, with the rights it takes",
    )


def test_a_limit_of_requests_is_for_the_registry_to_say() -> None:
    failure = said("toomanyrequests: Rate exceeded: https://r.example.com/v2/edge/manifests/1\n").failure(pushing="r.example.com/edge:1")
    assert (failure.kind, failure.host, failure.retry_after) == (FailureKind.REGISTRY, "r.example.com", 0.0)


def test_the_manifests_own_patterns_come_first() -> None:
    pattern = Pattern(match=re.compile("Unable to locate package"), kind=FailureKind.NETWORK, again=True, hint="the mirror is being updated")
    failure = said(STEP_FAILS + BUILDX_END).failure(patterns=(pattern,))
    assert (failure.kind, failure.again, failure.hint) == (FailureKind.NETWORK, True, "the mirror is being updated")
