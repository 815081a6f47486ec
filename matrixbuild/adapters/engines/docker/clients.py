"""What PATH has -> the Docker client that builds: the first that can build with BuildKit."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping

from matrixbuild.adapters.asking import ask
from matrixbuild.adapters.children import Children
from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.program import scrubbed

_SECONDS = 10.0
_GRACE = 0.5


def docker_client(environ: Mapping[str, str] = os.environ) -> str:
    """Its path. No daemon is asked. Raises UnusableError where there is none, or only such as cannot give a build a secret."""
    found = list(_candidates(environ))
    for path in found:
        if _builds(path, environ):
            return path
    if found:
        summary = f"{found[0]} cannot build with BuildKit, which Dockerfiles of this manifest need"
        raise UnusableError(Problem(summary=summary, hint="install Docker's buildx (docker-buildx, docker-buildx-plugin)", code="docker"))
    hint = "install Docker (docker.io, docker-ce), or build the base image elsewhere and give it with args"
    raise UnusableError(Problem(summary="there is no docker on PATH, and a target builds a Dockerfile", hint=hint, code="docker"))


def _candidates(environ: Mapping[str, str]) -> Iterator[str]:
    for directory in environ.get("PATH", os.defpath).split(os.pathsep):
        if path := shutil.which("docker", path=directory):
            yield path


def _builds(path: str, environ: Mapping[str, str]) -> bool:
    """A client without BuildKit has no secrets to give; one whose BuildKit is a plugin that is not there says so."""
    with Children(grace=_GRACE) as children:
        answer = ask(children, (path, "build", "--help"), environ={**scrubbed(environ), "DOCKER_BUILDKIT": "1"}, seconds=_SECONDS)
    return answer.status == 0 and "--secret" in answer.text
