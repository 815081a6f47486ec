"""A call of Earthly -> the call of the Docker client that runs it in a container of its own, seeing what it needs and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from matrixbuild.core.failure import Failure, FailureKind
from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.process import Command

STATE_LABEL = "dev.matrixbuild.state"
"""Of containers that run a program for a while: the state directory of the run that started it. Who holds that state later may remove it."""

_OWN_ERRORS = frozenset({125, 126, 127})
"""With what `docker run` ends where the container did not run to its end by itself: of Docker, of a program that is none, of one that is missing."""
_MARK = b"Error response from daemon: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A file or directory of this machine, and where the container has it ("": under the same path)."""

    source: str
    target: str = ""
    writable: bool = False

    @property
    def written(self) -> str:
        """As `--mount` reads it: a record of CSV."""
        fields = ("type=bind", f"source={self.source}", f"target={self.target or self.source}", *(() if self.writable else ("readonly",)))
        return ",".join(map(_quoted, fields))


def _quoted(field: str) -> str:
    return '"' + field.replace('"', '""') + '"' if any(mark in field for mark in ',"\r\n') else field


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """How containers are started: the Docker client's path, its own (empty) configuration and the engine it asks; the image, the program in it, the
    user to be in it, the state directory, and what each of them has mounted."""

    docker: str
    config: str
    host: str
    image: str
    program: str
    user: str
    state: str
    mounts: tuple[Mount, ...] = ()


def contained(command: Command, client: Client, *, name: str, mounts: Iterable[Mount] = ()) -> Command:
    """The same command in a container called `name`. Values of its environment go by their names alone: no argument holds one.

    Raises UnusableError for a value that is no text in UTF-8, for Docker would change it on the way.
    """
    _check_text(command)
    return replace(command, argv=_words(command, client, name, (*client.mounts, *mounts)))


def _words(command: Command, client: Client, name: str, mounts: Sequence[Mount]) -> tuple[str, ...]:
    return (
        client.docker,
        # Flags beat whatever the environment, which may hold anything that a secret is called, or a user's contexts would say.
        *("--config", client.config, "--host", client.host, "run", "--rm", "--pull", "never"),
        *("--name", name, "--label", f"{STATE_LABEL}={client.state}"),
        # What it prints is for us to mask; Docker would keep it as it is.
        *("--log-driver", "none"),
        *("--network", "host", "--userns", "host", "--user", client.user),
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--security-opt", "label=disable"),
        *(word for mount in mounts for word in ("--mount", mount.written)),
        *(word for variable, _ in command.env for word in ("--env", variable)),
        *("--workdir", command.cwd, "--entrypoint", client.program, client.image),
        *command.argv[1:],
    )


def _check_text(command: Command) -> None:
    for name, value in command.env:
        try:
            value.encode()
        except UnicodeEncodeError:
            summary = f"{name} holds bytes that are no text in UTF-8, and Docker hands on nothing else"
            hint = "encode it (base64) and decode it in the Earthfile, or install Earthly, which then runs without Docker"
            raise UnusableError(Problem(summary=summary, hint=hint, code="variable")) from None


def docker_failure(code: int | None, said: Sequence[bytes]) -> Failure | None:
    """Why Docker, and not the program, ended a call with `code`; None where it was the program. `said` are the last lines of its stderr."""
    if code not in _OWN_ERRORS:
        return None
    lines = [line.decode("utf-8", "replace").strip() for line in said]
    decisive = next((line for line in reversed(lines) if _MARK.decode() in line), next((line for line in lines if line.startswith("docker: ")), ""))
    reason = decisive.removeprefix("docker: ").removeprefix(_MARK.decode()).rstrip(".") or f"`docker run` ends with {code}"
    summary = f"Docker did not run Earthly: {reason}"
    return Failure(kind=FailureKind.BUILDER, summary=summary, lines=tuple(lines), hint="`docker info` tells whether Docker is well")
