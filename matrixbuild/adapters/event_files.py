"""What happens in a run -> a file of JSON values, one a line (schemas/events.schema.json)."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TextIO

from matrixbuild.core.happenings import Happening
from matrixbuild.core.problems import Problem, UnusableError

STDOUT = "-"


@contextmanager
def event_file(name: str) -> Iterator[Callable[[Happening], None]]:
    """How an event gets into the file of this name (`-`: stdout), in place of what was there; each is there when the call returns, from whatever
    thread it comes.

    Raises UnusableError naming the file where it cannot be written.
    """
    one_at_a_time = threading.Lock()
    if name == STDOUT:
        yield partial(_write, sys.stdout, one_at_a_time)
        return
    with _told(name):
        file = Path(name).open("w", encoding="utf-8")  # noqa: SIM115 (closed below: what closing meets is told)
    try:

        def write(happening: Happening) -> None:
            with _told(name):
                _write(file, one_at_a_time, happening)

        yield write
    finally:
        with _told(name):
            file.close()


def _write(stream: TextIO, one_at_a_time: threading.Lock, happening: Happening) -> None:
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    # ASCII: whatever a build said, every reader takes the line.
    line = f"{json.dumps({'at': at, **happening.to_dict()})}\n"
    with one_at_a_time:
        stream.write(line)
        stream.flush()


@contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "check its directory, its permissions and the space left"
        raise UnusableError(Problem(summary=f"cannot write the events {name}: {error.strerror or error}", hint=hint, code="events")) from error
