"""The state directory of a manifest, held by one live run at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from matrixbuild.core.problems import BusyError, Problem, UnusableError

STATE_DIRECTORY = ".matrixbuild"
WORK_DIRECTORY = "work"


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
            _claim(directory / "manifest", _called(manifest, project))
            _sweep(directory)
        yield directory
    finally:
        os.close(handle)


@contextmanager
def _told(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        summary = f"cannot use the state {directory}: {error.strerror or error}"
        raise UnusableError(Problem(summary=summary, hint="check its directory, its permissions and the space left", code="state")) from error


def _opened(directory: Path) -> int:
    directory.mkdir(parents=True, exist_ok=True)
    ignored = directory.parent / ".gitignore"
    if not ignored.exists() or not ignored.stat().st_size:
        ignored.write_text("*\n")
    return os.open(directory / "run.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def _called(manifest: Path, project: Path) -> str:
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
        holder = os.read(handle, 64).decode("ascii", "replace").strip() or "unknown"
        raise BusyError(
            Problem(summary=f"another run (process {holder}) holds the state {directory}", hint="wait for it to end, or stop it"),
        ) from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)


def _claim(marker: Path, manifest: str) -> None:
    """A state belongs to the manifest that made it (design.md 3)."""
    # A run that was killed, or found the disk full, while it wrote the marker left an empty one: nobody's claim.
    owner = marker.read_text().strip() if marker.exists() else ""
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
