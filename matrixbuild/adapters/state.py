"""The state directory of a manifest, held by one live run at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from matrixbuild.adapters.processes import start_token
from matrixbuild.core.problems import BusyError, Problem, UnusableError

STATE_DIRECTORY = ".matrixbuild"
WORK_DIRECTORY = "work"
_HOLD = "run.lock"
_MARKER = "manifest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The process that holds a state, and since when (as people write it, with the offset of its time zone)."""

    pid: int
    since: str


@contextmanager
def held_state(project: Path, name: str, manifest: Path) -> Iterator[Path]:
    """Hold `.matrixbuild/<name>/` of the project for this process while the block runs; yields the directory.

    The hold is a file lock, so it goes with the process however that ends and never needs unlocking by hand. Temporary files that a killed run
    left are removed. Raises BusyError where another run holds it, or where the state was made by another manifest of the same name;
    UnusableError where the directory cannot be written.
    """
    directory = project / STATE_DIRECTORY / name
    with _told(directory):
        handle = _opened(directory)
    try:
        with _told(directory):
            _hold(handle, directory)
        try:
            with _told(directory):
                _claim(directory / _MARKER, called(manifest, project))
                _sweep(directory)
            yield directory
        finally:
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def holder_of(directory: Path) -> Holder | None:
    """Who holds a state directory, or None. The hold itself is not touched: a run that starts at this moment must not take us for another."""
    try:
        words = (directory / _HOLD).read_text(encoding="ascii", errors="replace").split()
    except OSError:
        return None
    if len(words) != 3 or not words[0].isdecimal() or start_token(int(words[0])) != words[2]:
        return None
    return Holder(pid=int(words[0]), since=words[1])


def owner_of(directory: Path) -> str:
    """The manifest that made a state directory, as a path from the project's root; empty where none has said so. Raises OSError."""
    marker = directory / _MARKER
    return marker.read_text().strip() if marker.exists() else ""


@contextmanager
def _told(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        summary = f"cannot use the state {directory}: {error.strerror or error}"
        raise UnusableError(Problem(summary=summary, hint="check its directory, its permissions and the space left", code="state")) from error


def make_in_state(directory: Path) -> None:
    """Make a directory of a state directory, which version control leaves out. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    ignored = directory.parent / ".gitignore"
    if not ignored.exists() or not ignored.stat().st_size:
        ignored.write_text("*\n")


def _opened(directory: Path) -> int:
    make_in_state(directory)
    return os.open(directory / _HOLD, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def called(manifest: Path, project: Path) -> str:
    """The manifest's path in the project, the same however its directory was reached (`project` is resolved)."""
    return os.path.relpath(manifest.parent.resolve() / manifest.name, project.resolve())


def _sweep(directory: Path) -> None:
    """Remove the engine's temporary directories of killed runs: whoever holds the state is the only one to use them."""
    for left in (directory / WORK_DIRECTORY).glob("build-*"):
        shutil.rmtree(left, ignore_errors=True)


def _hold(handle: int, directory: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        words = os.read(handle, 256).decode("ascii", "replace").split()
        holder = f"process {words[0]}, since {words[1]}" if len(words) == 3 else "process unknown"
        raise BusyError(
            Problem(
                summary=f"another run ({holder}) holds the state {directory}", hint="wait for it to end, or stop it: matrixbuild cancel", code="busy"
            ),
        ) from None
    since = datetime.now().astimezone().isoformat(timespec="seconds")
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()} {since} {start_token(os.getpid())}\n".encode(), 0)


def _claim(marker: Path, manifest: str) -> None:
    """A state belongs to the manifest that made it (design.md 3)."""
    owner = owner_of(marker.parent)
    # A run that was killed, or found the disk full, while it wrote the marker left an empty one: nobody's claim.
    if not owner:
        marker.write_text(f"{manifest}\n")
        return
    if owner != manifest:
        raise BusyError(
            Problem(
                summary=f"the state {marker.parent} was made by {owner}, not by {manifest}",
                hint="give the manifests different metadata.name values, or remove that directory if the other manifest is gone",
            ),
        )
