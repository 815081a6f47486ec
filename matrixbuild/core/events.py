"""The two languages of the scheduler: events that go in, instructions that come out, and the states a build goes through between them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from matrixbuild.core.failure import Failure

Made = TypeVar("Made")
"""What a finished build left; the scheduler only hands it on."""


class State(StrEnum):
    WAITING = "waiting"
    """For builds it needs."""
    READY = "ready"
    """For room in its pools."""
    RUNNING = "running"
    RESTING = "resting"
    """For the time of its next attempt; holds no pool."""
    BUILT = "built"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Something it needs was not built."""
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        return not MOVES[self]


MOVES = {
    State.WAITING: frozenset({State.READY, State.SKIPPED, State.CANCELLED}),
    State.READY: frozenset({State.RUNNING, State.CANCELLED}),
    State.RUNNING: frozenset({State.BUILT, State.RESTING, State.FAILED, State.CANCELLED}),
    State.RESTING: frozenset({State.READY, State.CANCELLED}),
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


Event = Started | Finished[Any] | Failed | Woke | Interrupted


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
class Stop:
    """End the attempt that runs: it may finish what cannot be cut (`now` false), or nobody waits for it any more (`now` true)."""

    build: str
    now: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A build is now in `state` (any but waiting and ready). `attempt` is the last one started; `failure` belongs to resting, failed and
    cancelled; `wait`, in seconds, to resting; `because` names the build whose failure skipped this one."""

    build: str
    state: State
    attempt: int = 0
    failure: Failure | None = None
    wait: float = 0.0
    because: str = ""


Instruction = Run | WakeLater | Stop | Report
