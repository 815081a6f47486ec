"""What one attempt of a build was and said -> a directory of its own: `command`, `stdout`, `stderr`, `exit` and `class.json`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from matrixbuild.adapters.known_secrets import KNOWN
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind

RUNS = "runs"
_RUNS_KEPT = 10
CLASSES = "class.json"
"""What failed, and `known`: whose doing the end was, where it was ours."""


def attempt_directory(state: Path, run: int, slug: str, attempt: int) -> Path:
    return state / RUNS / str(run) / slug / str(attempt)


def forget_old(state: Path, run: int) -> None:
    """Remove the logs of all but the last runs, `run` being the newest."""
    for directory in (state / RUNS).glob("*"):
        if directory.name.isdecimal() and int(directory.name) <= run - _RUNS_KEPT:
            shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def logged(directory: Path, command: Sequence[str]) -> Iterator[None]:
    """Keep what an attempt was and how it ended; what it says meanwhile, the engine writes to `stdout` and `stderr` there (see `say`).

    `exit` comes last: where it is not there, the attempt runs still or was killed; what an engine says of its own program stays.
    Raises BuildFailed where nothing can be written.
    """
    with writing(directory):
        # For its owner alone: what a build says is not for everybody.
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / "command").write_text(f"{json.dumps(list(command))}\n", encoding="utf-8")
        for stream in ("stdout", "stderr"):
            (directory / stream).touch()
    try:
        yield
    except BuildFailed as error:
        _failed(directory, KNOWN.hidden_failure(error.failure))
        raise
    with writing(directory):
        (directory / "exit").write_text("0\n", encoding="ascii")


def say(directory: Path | None, lines: Sequence[str], *, stream: str = "stdout") -> None:
    """Add lines to what an attempt said; nothing where no log is kept. Raises OSError."""
    if directory and lines:
        with (directory / stream).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write("".join(f"{KNOWN.hidden(line)}\n" for line in lines))


def _failed(directory: Path, failure: Failure) -> None:
    with writing(directory):
        say(directory, [str(failure), *failure.lines, *([f"hint: {failure.hint}"] if failure.hint else [])], stream="stderr")
        known = json.loads((directory / CLASSES).read_bytes()) if (directory / CLASSES).exists() else {}
        classified = {**known, "class": failure.kind.value, "decisive": list(failure.lines), "summary": failure.summary}
        (directory / CLASSES).write_text(f"{json.dumps(classified, indent=1)}\n", encoding="utf-8")
        if not _failing(directory / "exit"):
            (directory / "exit").write_text("1\n", encoding="ascii")


def _failing(status: Path) -> bool:
    """Whether an engine has said already how its program failed."""
    return status.exists() and status.read_text(encoding="ascii").strip() not in ("", "0")


@contextmanager
def writing(directory: Path) -> Iterator[None]:
    """Raises BuildFailed where the block could not write what it wanted there."""
    try:
        yield
    except OSError as error:
        summary = f"cannot write the log {error.filename or directory}: {error.strerror or error}"
        hint = "check its directory, its permissions and the space left"
        raise BuildFailed(Failure(kind=FailureKind.DISK, summary=summary, hint=hint)) from error
