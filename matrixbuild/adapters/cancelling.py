"""A state directory -> the run that holds it is asked to stop, and waited for."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from matrixbuild.adapters.state import Holder, holder_of
from matrixbuild.core.problems import Problem, UnusableError

_PAUSE = 0.05


def ask_to_stop(directory: Path) -> Holder | None:
    """Send SIGTERM to the process that holds a state directory; who it was, or None where nobody does. Raises UnusableError where it may not be."""
    holder = holder_of(directory)
    if holder is None:
        return None
    try:
        with _process(holder.pid) as descriptor:
            # Asked again now that the id cannot go to another process any more (where the system can promise that).
            if holder_of(directory) != holder:
                return None
            if descriptor is None:
                os.kill(holder.pid, signal.SIGTERM)
            else:
                signal.pidfd_send_signal(descriptor, signal.SIGTERM)
    except ProcessLookupError:
        return None
    except PermissionError as error:
        hint = "it is another user's: ask them, or use sudo"
        raise UnusableError(Problem(summary=f"process {holder.pid} may not be asked to stop", hint=hint, code="cancel")) from error
    return holder


def stopped(directory: Path, holder: Holder, *, seconds: float) -> bool:
    """Wait until this run holds its state no longer; False where it still does after so many seconds."""
    until = time.monotonic() + seconds
    while holder_of(directory) == holder:
        if time.monotonic() >= until:
            return False
        time.sleep(_PAUSE)
    return True


@contextmanager
def _process(pid: int) -> Iterator[int | None]:
    """A handle of a process, or None on a system that has none (macOS)."""
    if not hasattr(os, "pidfd_open"):
        yield None
        return
    descriptor = os.pidfd_open(pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
