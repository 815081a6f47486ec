"""A command to run and how it ended, as values; what a person is told of one that did not end by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from matrixbuild.core.failure import Failure, FailureKind
from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.renderings import SHORTEST


class Why(StrEnum):
    """Whose doing the end of a command was: its own, or ours."""

    EXITED = "exited"
    TIMEOUT = "timeout"
    SILENCE = "silence"
    CANCELLED = "cancelled"


class Stream(StrEnum):
    """Where a line of output came from; also the name of the file that keeps it."""

    STDOUT = "stdout"
    STDERR = "stderr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One program to run: no shell sees `argv`, and `env` is the whole environment.

    `secrets` are (name, value) of what must not be seen in its output; a value that the program needs is in `env` as well, or in `stdin`.
    `timeout` and `silence` are seconds: how long it may take, and how long it may say nothing (None: as long as it likes).
    Raises UnusableError where a secret stands in `argv`, which every process of the machine may read, and for what no program can be given.
    """

    argv: tuple[str, ...]
    cwd: str
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    secrets: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    stdin: bytes = field(default=b"", repr=False)
    timeout: float | None = None
    silence: float | None = None

    def __post_init__(self) -> None:
        if not self.argv:
            raise ValueError("a command has at least the name of its program")
        for name, value in self.secrets:
            # A shorter one stands in many words, and is refused where it would have to be masked.
            if len(value.strip()) >= SHORTEST and any(value.strip() in word for word in self.argv):
                summary = f"the secret {name!r} stands in the arguments of {self.program}, where every process of this machine may read it"
                hint = "declare it as a secret of the build instead of giving it as an arg"
                raise UnusableError(Problem(summary=summary, hint=hint, code="secret-argument"))
        if any("\0" in text for text in (self.cwd, *self.argv, *(text for pair in self.env for text in pair))):
            summary = f"an argument or a variable of {self.program} holds a NUL character, which no program can be given"
            raise UnusableError(Problem(summary=summary, hint="look for \\0 in the values of the manifest", code="nul"))
        for name, _ in self.env:
            if not name or "=" in name:
                raise UnusableError(Problem(summary=f"{name!r} cannot be the name of an environment variable", hint="rename it", code="variable"))

    @property
    def program(self) -> str:
        """The name of the program, for messages."""
        return self.argv[0].rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended: with exit status `code`, or by `signal` (one of them is None); `why` is told by who ended it, in `seconds`."""

    code: int | None
    signal: int | None
    why: Why
    seconds: float

    @property
    def succeeded(self) -> bool:
        """It came to its own end, and says that this was a good one."""
        return self.why is Why.EXITED and self.code == 0

    @property
    def status(self) -> int:
        """In one number, as transcripts have it: negative is a signal."""
        if self.code is not None:
            return self.code
        return -(self.signal or 0)


def ended_by_us(command: Command, ended: Ended) -> Failure | None:
    """The failure of a command that was not let come to its own end; None for one that was: its program's words tell how that went."""
    program = command.program
    match ended.why:
        case Why.EXITED:
            return None
        case Why.CANCELLED:
            return Failure(kind=FailureKind.CANCELLED, summary=f"{program} was stopped after {_seconds(ended.seconds)}")
        case Why.TIMEOUT:
            summary = f"{program} took longer than {_seconds(command.timeout)} and was stopped"
        case Why.SILENCE:
            summary = f"{program} said nothing for {_seconds(command.silence)} and was stopped"
    return Failure(kind=FailureKind.TIMEOUT, summary=summary, hint="give it more time if that is what it needs")


def _seconds(seconds: float | None) -> str:
    return f"{seconds:.3g} s" if seconds is not None and seconds < 1000 else f"{seconds or 0:.0f} s"
