"""The two languages of the scheduler: events that go in, instructions that come out, and the states a build goes through between them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from matrixbuild.core.failure import Failure
from matrixbuild.core.policy import GivenUp

Made = TypeVar("Made")
"""What a finished build left; the scheduler only hands it on."""


class State(StrEnum):
    WAITING = "waiting"
    """For builds it needs."""
    READY = "ready"
    """For room in its pools."""
    RUNNING = "running"
    RESTING = "resting"
    """For the time of its next attempt, or for another build to show that what made it fail is gone; holds no pool."""
    BUILT = "built"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Something it needs was not built, or so many builds failed that nothing else is started."""
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        return not MOVES[self]


MOVES = {
    State.WAITING: frozenset({State.READY, State.SKIPPED, State.CANCELLED}),
    # Ready to failed: what it asks for, the disk does not have.
    State.READY: frozenset({State.RUNNING, State.FAILED, State.SKIPPED, State.CANCELLED}),
    State.RUNNING: frozenset({State.BUILT, State.RESTING, State.FAILED, State.CANCELLED}),
    State.RESTING: frozenset({State.READY, State.FAILED, State.CANCELLED}),
    State.BUILT: frozenset[State](),
    State.FAILED: frozenset[State](),
    State.SKIPPED: frozenset[State](),
    State.CANCELLED: frozenset[State](),
}
"""Every move a build may make; the scheduler makes no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The run begins; comes once, first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(Generic[Made]):
    """The attempt that runs has succeeded."""

    build: str
    made: Made


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The attempt that runs has not."""

    build: str
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Woke:
    """A wait that was asked for is over."""

    build: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """Someone asked to stop: the first time gracefully, the second time at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """The attempt of a build has sent the files that others wait for to its builder. May come late, or never."""

    build: str


Event = Started | Finished[Any] | Failed | Woke | Interrupted | Uploaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Start this attempt (1, 2, ...) of a build now."""

    build: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeLater:
    """Send Woke for this build after so many seconds."""

    build: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeSpace:
    """See to it that so many bytes are free where this build writes, as far as that can be done without harm. No event answers it: how much is
    free comes with the next one."""

    build: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """Builds wait from now on, because of `failure` of `build`: those that talk to `host` ("": it is about no one host), for the `seconds` that it
    asks for, or, where that is None, until one of those that failed so has shown that the cause is gone. Resumed follows with the same `cause`."""

    cause: str
    build: str
    failure: Failure
    host: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What Paused told is over."""

    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """End the attempt that runs: it may finish what cannot be cut (`now` false), or nobody waits for it any more (`now` true)."""

    build: str
    now: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A build is now in `state` (any but waiting and ready). `attempt` is the last one started; `failure` belongs to resting, failed and
    cancelled, `given_up` (why it is not tried again) to failed; `wait`, in seconds, and `memory`, in bytes where more of it is kept from now on, to
    resting; `because` names the build whose failure skipped this one: it is needed, or the last of the `limit` failures after which nothing else
    is started."""

    build: str
    state: State
    attempt: int = 0
    failure: Failure | None = None
    wait: float = 0.0
    because: str = ""
    limit: int | None = None
    given_up: GivenUp | None = None
    memory: int | None = None


Instruction = Run | WakeLater | FreeSpace | Paused | Resumed | Stop | Report
