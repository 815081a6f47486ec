"""A command of Earthly -> the same in a container of its own, which is gone when the command has ended, however it did."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from matrixbuild.adapters.engines.contained.host import Host, refusals
from matrixbuild.core.client_container import STATE_LABEL, Client, Mount, contained, docker_failure
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.problems import UnusableError
from matrixbuild.core.process import Command, Ended, Why


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Vessel:
    """Runs commands in containers; `before` is called before each of them."""

    host: Host
    client: Client
    before: Callable[[], None] = field(default=_nothing)

    @contextmanager
    def around(self, command: Command, *, checkout: Path | None = None, private: Path | None = None) -> Iterator[Command]:
        """The command to start in its place; it sees `checkout`, and writes `private`. Raises UnusableError for what Docker cannot hand on."""
        self.before()
        name = f"matrixbuild-{secrets.token_hex(8)}"
        mounts = [Mount(source=str(checkout))] if checkout else []
        if private:
            mounts.append(Mount(source=str(private), writable=True))
        try:
            yield contained(command, self.client, name=name, mounts=mounts)
        finally:
            # One whose client was killed goes on without it.
            self._remove(name)

    def failure(self, ended: Ended, said: Sequence[bytes]) -> Failure | None:
        """Why Docker ended a call that nobody of ours ended."""
        return docker_failure(ended.code, said) if ended.why is Why.EXITED else None

    def _remove(self, name: str) -> None:
        try:
            _remove(self.host, name)
        except UnusableError as error:
            # It holds what the attempt had: better a failure than a program that goes on where nobody sees it.
            problem = error.problems[0]
            raise BuildFailed(Failure(kind=FailureKind.BUILDER, summary=problem.summary, hint=problem.hint)) from error


def remove_left(host: Host, state: Path) -> None:
    """Remove the containers of dead runs of a state directory: whoever holds it is the only one to start any. Raises UnusableError."""
    with refusals("Docker does not list its containers"):
        left = host.api.containers(all=True, filters={"label": [f"{STATE_LABEL}={state}"]})
    for container in left:
        _remove(host, container["Id"])


def _remove(host: Host, name: str) -> None:
    from docker import errors

    with refusals(f"Docker does not remove the container {name}"):
        try:
            # v: the image asks for a volume, which would stay.
            host.api.remove_container(name, force=True, v=True)
        except errors.NotFound:
            return
        except errors.APIError as error:
            # Its own client removes it at this moment.
            if error.status_code != 409:
                raise
