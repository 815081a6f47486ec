"""A disk that is too full for a build -> more room on it, where something of ours lies that nobody needs now."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from matrixbuild.adapters.attempt_logs import RUNS
from matrixbuild.adapters.machine import free_disk
from matrixbuild.adapters.tree_store import TreeStore

_DAY = 86400
_BEHIND = 5.0


class Space:
    """What a run may remove while builds run: what earlier runs said, the oldest first, and then checkouts below `checkouts` that nobody has used
    since it began and nobody holds, this run or another. The logs of the run right before it stay, for somebody may be reading why that failed; what
    is unpacked below `work` is in use."""

    def __init__(self, state: Path, *, run: int, checkouts: Path | None = None, free: Callable[[Path], int] = free_disk) -> None:
        self._state = state
        self._run = run
        self._checkouts = checkouts
        # The clock of file systems is a little behind, and a little more on other machines' disks.
        self._began = time.time() - _BEHIND
        self._free = free

    def free(self, wanted: int) -> int:
        """Remove until so many bytes are free (0: nobody knows how many are needed, so everything that may go); how many bytes that made free.

        Raises OSError where the disk cannot be asked. What cannot be removed stays.
        """
        freed = 0
        for directory in self._removable():
            if self._enough(wanted):
                return freed
            freed += _lost(directory, lambda: shutil.rmtree(directory, ignore_errors=True))  # noqa: B023 (called at once)
        return freed if self._enough(wanted) else freed + self._clean()

    def _enough(self, wanted: int) -> bool:
        return bool(wanted) and self._free(self._state) >= wanted

    def _clean(self) -> int:
        """On another disk they would make no room here."""
        root = self._checkouts
        if root is None or not root.is_dir() or root.stat().st_dev != self._state.stat().st_dev:
            return 0
        now = time.time()
        return _lost(root, lambda: TreeStore(root, hint="").clean(now=now, days=(now - self._began) / _DAY))

    def _removable(self) -> list[Path]:
        numbered = sorted((int(path.name), path) for path in (self._state / RUNS).glob("*") if path.name.isdecimal())
        earlier = [path for number, path in numbered if number < self._run]
        return earlier[:-1]


def _lost(directory: Path, remove: Callable[[], object]) -> int:
    """The bytes by which a tree is smaller afterwards."""
    before = _size(directory)
    remove()
    return max(0, before - _size(directory))


def _size(directory: Path) -> int:
    """Bytes that a tree takes on the disk."""
    return sum(_blocks(path) for path in _files(directory))


def _files(directory: Path) -> Iterator[Path]:
    for root, _, names in os.walk(directory):
        yield from (Path(root) / name for name in names)


def _blocks(path: Path) -> int:
    try:
        return path.lstat().st_blocks * 512
    except FileNotFoundError:
        return 0  # it has gone meanwhile, as it was to
