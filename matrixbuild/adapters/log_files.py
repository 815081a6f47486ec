"""Lines of the program's own log -> a file in the state directory that several processes may write, rotated and packed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from matrixbuild.adapters.known_secrets import KNOWN
from matrixbuild.core.problems import Problem, Severity

NAME = Path("log", "matrixbuild.log")
_MOST_BYTES = 10 * 1024 * 1024
_FILES_KEPT = 5
_FORM = "%(asctime)s.%(msecs)03dZ %(process)d %(message)s"


@contextmanager
def program_log(state: Path, on_trouble: Callable[[Problem], None]) -> Iterator[Callable[[str], None]]:
    """How a line gets into the log. What keeps it from being written is told once, to `on_trouble`; a run does not end for its log."""
    from concurrent_log_handler import ConcurrentRotatingFileHandler

    class Handler(ConcurrentRotatingFileHandler):
        def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 (logging's own name)
            raise  # noqa: PLE0704 (logging calls this where it handles the exception)

    path = state / NAME
    told = False

    def write(line: str) -> None:
        nonlocal told
        if told:
            return
        try:
            logger.info("%s", _one_line(KNOWN.hidden(line)))
        except OSError as error:
            told = True
            on_trouble(_unusable(path, error))

    # A logger of our own: what libraries log is no part of it, and two runs in one process do not meet.
    logger = logging.Logger("matrixbuild", logging.INFO)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = Handler(path, maxBytes=_MOST_BYTES, backupCount=_FILES_KEPT, encoding="utf-8", use_gzip=True)
    except OSError as error:
        on_trouble(_unusable(path, error))
        yield lambda _: None
        return
    form = logging.Formatter(_FORM, "%Y-%m-%dT%H:%M:%S")
    form.converter = time.gmtime
    handler.setFormatter(form)
    logger.addHandler(handler)
    try:
        yield write
    finally:
        handler.close()


def _one_line(text: str) -> str:
    """What a build said cannot look like a line of another."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\r", "\\r").replace("\n", "\\n")


def _unusable(path: Path, error: OSError) -> Problem:
    summary = f"cannot write the log {path}: {error.strerror or error}"
    return Problem(summary=summary, hint="check its directory, its permissions and the space left", code="log", severity=Severity.WARNING)
