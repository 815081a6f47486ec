"""The Docker engine of this machine -> what of it matters to builds, asked within a time."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matrixbuild.core.problems import Problem, UnusableError

if TYPE_CHECKING:
    from docker import DockerClient

_SNAP = "/var/snap/"
_LOCAL = "unix:///var/run/docker.sock"


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerEngine:
    """An engine that answers: `root` is where it keeps images and volumes, `rootless` whether it runs without rights of its own, `cgroups` 1 or 2."""

    host: str
    version: str
    root: str
    cgroups: str
    rootless: bool = False

    @property
    def snap(self) -> bool:
        """Installed by snap, it sees another file system than its user: signatures of packages fail in builds then."""
        return self.root.startswith(_SNAP)


def docker_engine(environ: Mapping[str, str] = os.environ, *, seconds: int) -> DockerEngine:
    """The engine of DOCKER_HOST, else that of this machine. Raises UnusableError where none answers."""
    with _client(environ, seconds) as client:
        info: dict[str, Any] = client.info()
        return DockerEngine(
            host=environ.get("DOCKER_HOST", ""),
            version=str(info.get("ServerVersion", "")),
            root=str(info.get("DockerRootDir", "")),
            cgroups=str(info.get("CgroupVersion", "1")),
            rootless=any("rootless" in option for option in info.get("SecurityOptions") or ()),
        )


def container_state(name: str, environ: Mapping[str, str] = os.environ, *, seconds: int) -> str:
    """How a container is (`running`, `exited`), "" where there is none of that name. Raises UnusableError where no engine answers."""
    from docker import errors

    with _client(environ, seconds) as client:
        try:
            return str(client.containers.get(name).status)
        except errors.NotFound:
            return ""


def has_image(name: str, environ: Mapping[str, str] = os.environ, *, seconds: int) -> bool:
    """Whether the engine has an image of this name. Raises UnusableError where no engine answers."""
    from docker import errors

    with _client(environ, seconds) as client:
        try:
            client.images.get(name)
        except errors.ImageNotFound:
            return False
        return True


@contextmanager
def _client(environ: Mapping[str, str], seconds: int) -> Iterator[DockerClient]:
    # 150 ms, and most manifests are asked for without it.
    from docker import DockerClient, errors

    try:
        _reach(environ.get("DOCKER_HOST", _LOCAL), seconds)
        client = DockerClient.from_env(environment=dict(environ), timeout=seconds)
        try:
            yield client
        finally:
            client.close()
    except (errors.DockerException, OSError) as error:  # those of its HTTP client are OSErrors
        raise UnusableError(_problem(error, environ)) from error


def _reach(host: str, seconds: float) -> None:
    """Raises OSError where nobody listens at a local socket: the SDK would tell it in other words, and leave a socket open."""
    if host.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(seconds)
            connection.connect(host.removeprefix("unix://"))


def _problem(error: Exception, environ: Mapping[str, str]) -> Problem:
    where = environ.get("DOCKER_HOST") or "this machine"
    words = " ".join(str(error).split())
    if isinstance(error, PermissionError):
        return Problem(summary=f"Docker on {where} may not be used by you", hint="add yourself to the group docker, and log in anew", code="docker")
    if "timed out" in words.lower():
        return Problem(summary=f"Docker on {where} does not answer", hint="look at the log of its daemon", code="docker")
    hint = "start its daemon, or name it with DOCKER_HOST"
    return Problem(summary=f"no Docker engine answers on {where}", hint=hint, code="docker")
