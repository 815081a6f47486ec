"""The port to where builds run: this machine, or a cluster."""

from __future__ import annotations

from typing import Protocol, TypeVar

from matrixbuild.core.events import Event

Work = TypeVar("Work", contravariant=True)  # noqa: PLC0105  (the domain's word reads better than Work_contra)
"""What a build function takes: a value (an engine's order, say), so that it may travel to another machine."""


class Executor(Protocol[Work]):
    """Runs builds somewhere, and turns what happens there, and the passing of time, into events.

    It is made with the one function that performs a build: what that returns becomes Finished; BuildFailed becomes Failed with its
    failure; any other exception becomes Failed with kind `unknown` and the last line of its traceback. Nothing is lost: each submit gives
    exactly one Finished or Failed, each wake_later exactly one Woke. It starts at once whatever it is given: the schedule keeps the limits.

    One thread uses it; `interrupt` alone may be called from anywhere, a signal handler included.
    """

    def submit(self, build: str, work: Work) -> None:
        """Start this work; `build` is the name its event will carry."""
        ...

    def wake_later(self, build: str, seconds: float) -> None:
        """Give Woke for this build in so many seconds."""
        ...

    def stop(self, build: str, *, now: bool) -> None:
        """Ask the attempt of this build to end: gracefully, or `now`. Its event comes all the same, unless nobody waits for it."""
        ...

    def interrupt(self) -> None:
        """Give Interrupted, in its turn among the events."""
        ...

    def next_event(self) -> Event:
        """Wait for the next event. Raises RuntimeError where none can come: nothing runs and nothing rests."""
        ...

    def next_events(self, *, within: float | None = None) -> tuple[Event, ...]:
        """The same, and with it all that have come by then, in their order. None, where none comes `within` so many seconds."""
        ...

    def close(self) -> None:
        """Start nothing more. Builds that still run are not waited for."""
        ...
