"""Why a build did not succeed, as a value that retry, report and journal all read (classes: design.md 8)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from matrixbuild.core.problems import Place
from matrixbuild.core.usage import UNMEASURED, Usage


class FailureKind(StrEnum):
    """What went wrong, told by its cause: the first four lines lie outside the build, the rest in it or in who runs it."""

    NETWORK = "network"
    """A name not resolved, a connection refused, reset or timed out."""
    REGISTRY = "registry"
    """A registry answered, but not now: 429 or 5xx."""
    BUILDER = "builder"
    """The daemon that builds went away or could not be reached."""
    PUSH = "push"
    """The image was made and did not arrive in its registry."""
    OOM = "oom"
    DISK = "disk"
    TIMEOUT = "timeout"
    """Stopped by our own clock: too long, or silent for too long."""
    AUTH = "auth"
    """Credentials or a secret missing or refused."""
    SYNTAX = "syntax"
    """The Earthfile, its arguments or a file it names is wrong."""
    GUARD = "guard"
    """A step looked at its arguments and refused them in its own words."""
    STEP = "step"
    """A command of the build ended with an error."""
    CANCELLED = "cancelled"
    """Stopped because someone asked for it."""
    UNKNOWN = "unknown"
    """Nothing known matched; an exception of our own lands here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failed attempt: `summary` is one sentence, `lines` the decisive ones of its output, `place` where in the Earthfile,
    `retry_after` the seconds a registry asked to wait (0: it limits requests and does not say how long), `host` the server it is about, `usage` what
    the attempt took until then. `again` says of this one whether another attempt is worth it, where that is otherwise than its kind has it."""

    kind: FailureKind
    summary: str
    lines: tuple[str, ...] = ()
    place: Place | None = None
    hint: str = ""
    retry_after: float | None = None
    host: str = ""
    usage: Usage = UNMEASURED
    again: bool | None = None

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.summary}"


class BuildFailed(Exception):  # noqa: N818  (what happened, in the words of design.md 2; it is an answer, not a bug)
    """Raised by an engine where a build did not succeed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure
