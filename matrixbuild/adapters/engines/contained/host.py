"""The Docker engine of this machine -> what containers of ours need of it, and what goes wrong with it in one sentence."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from matrixbuild.adapters.docker_engine import DockerEngine, docker_engine
from matrixbuild.core.names import sha256
from matrixbuild.core.problems import Problem, UnusableError

if TYPE_CHECKING:
    from docker import APIClient

_LOCAL = "unix:///var/run/docker.sock"
_LOOK = 10
SECONDS = 120.0
"""For one answer of the engine: a container of a large image takes its time on a slow disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """An engine whose containers see this machine's files and network: its address, its client program, its API, and what it is like."""

    address: str
    program: str
    api: APIClient
    engine: DockerEngine

    @property
    def user(self) -> str:
        """Who a container has to be for what it writes to be ours: without rights of its own, the engine's root is its user already."""
        return "0:0" if self.engine.rootless else f"{os.getuid()}:{os.getgid()}"

    @property
    def cgroups(self) -> int:
        return int(self.engine.cgroups) if self.engine.cgroups.isdecimal() else 1

    @property
    def fingerprint(self) -> str:
        """Tells this engine from another one of the same machine."""
        return sha256(f"{self.address}\0{self.engine.root}".encode()).removeprefix("sha256:")[:8]


@contextmanager
def open_host(environ: Mapping[str, str] = os.environ) -> Iterator[Host]:
    """The engine of DOCKER_HOST, else that of this machine. Raises UnusableError where none answers, or one that sees another machine."""
    address = environ.get("DOCKER_HOST") or _LOCAL
    if not address.startswith("unix://"):
        summary = f"Earthly cannot run in the containers of {address}: they would see the files of another machine"
        hint = 'unset DOCKER_HOST, install Earthly here, and name a builder there: engine: {builders: ["tcp://HOST:8372"]}'
        raise _unusable(summary, hint)
    engine = _engine(environ)
    program = shutil.which("docker", path=environ.get("PATH", os.defpath))
    if program is None:
        raise _unusable("Docker answers, and its client program `docker` is not on PATH", "install it (docker-cli, docker-ce-cli, docker.io)")
    # 150 ms, and most applies need none.
    from docker import APIClient

    with refusals("Docker does not answer"):
        api = APIClient(base_url=address, timeout=int(SECONDS), version="auto")
    try:
        yield Host(address=address, program=os.path.abspath(program), api=api, engine=engine)  # noqa: PTH100  (links stay)
    finally:
        api.close()


def _engine(environ: Mapping[str, str]) -> DockerEngine:
    try:
        return docker_engine(environ, seconds=_LOOK)
    except UnusableError as error:
        # Its own code: to who has no Earthly either, there are two ways to go.
        raise UnusableError(replace(error.problems[0], code="no-docker")) from error


@contextmanager
def refusals(what: str) -> Iterator[None]:
    """What Docker refuses, or cannot be asked, as UnusableError: a sentence that begins with `what`."""
    from docker.errors import APIError, DockerException

    try:
        yield
    except APIError as error:
        raise _unusable(f"{what}: {_words(error.explanation or error)}", "`docker info` tells whether Docker is well") from error
    except (DockerException, OSError) as error:  # those of its HTTP client are OSErrors
        raise _unusable(f"{what}: {_words(error)}", "`docker info` tells whether Docker is well") from error


def _words(error: object) -> str:
    return " ".join(str(error).split()).rstrip(".")


def _unusable(summary: str, hint: str) -> UnusableError:
    return UnusableError(Problem(summary=summary, hint=hint, code="docker"))
