"""The state directory of a manifest, held by one live run at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from matrixbuild.core.problems import BusyError, Problem

STATE_DIRECTORY = ".matrixbuild"


@contextmanager
def held_state(project: Path, name: str, manifest: Path) -> Iterator[Path]:
    """Hold `.matrixbuild/<name>/` of the project for this process while the block runs; yields the directory.

    The hold is a file lock, so it goes with the process however that ends and never needs unlocking by hand. Raises BusyError where
    another run holds it, or where the state was made by another manifest of the same name.
    """
    directory = project / STATE_DIRECTORY / name
    directory.mkdir(parents=True, exist_ok=True)
    (directory.parent / ".gitignore").write_text("*\n")
    handle = os.open(directory / "run.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _hold(handle, directory)
        _claim(directory / "manifest", os.path.relpath(manifest, project))
        yield directory
    finally:
        os.close(handle)


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
    if not marker.exists():
        marker.write_text(f"{manifest}\n")
        return
    owner = marker.read_text().strip()
    if owner != manifest:
        raise BusyError(
            Problem(
                summary=f"the state {marker.parent} was made by {owner}, not by {manifest}",
                hint="give the manifests different metadata.name values, or remove that directory if the other manifest is gone",
            ),
        )
