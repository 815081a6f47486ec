"""Files that are as they were when their digest was taken -> that digest, without reading them again, in this process or a later one.

A file is taken to be as it was while size, mtime, ctime, inode and device are: whoever restores an mtime, or swaps one file for another,
changes ctime or inode. A second change within the grain in which a filesystem keeps times leaves all of them alike (git calls such entries
racily clean), so that a digest is kept only of a file that had been left alone for longer than any grain when this process began to read.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from matrixbuild.adapters.cache_file import cache_file, read_cache, write_cache
from matrixbuild.core.names import sha256

GRAIN = 2_000_000_000
"""In nanoseconds: FAT keeps times in steps of two seconds; nothing in use is coarser."""

WORTH = 8 << 20
"""So many bytes must have been read for a cache to be written: less is read again in the time that takes."""

_PER_FILE = 16 << 10
"""In bytes, what opening one file costs."""

_FORM = "fingerprints/1"

State = tuple[int, int, int, int, int]
"""size, mtime, ctime (in nanoseconds), inode, device."""


def state_of(found: os.stat_result) -> State:
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    state: State
    digest: str


class Fingerprints:
    """The digests of the files below `root`, kept in the state directory of `project` (None: for this process alone).

    `began` is when this process began to read (in nanoseconds; now), `worth` how many bytes it must read for them to be kept. Several
    processes may do so at once.
    """

    def __init__(self, root: Path, project: Path | None = None, *, began: int | None = None, worth: int = WORTH) -> None:
        self._file = cache_file(project, f"fingerprints-{sha256(os.fsencode(root))[7:23]}") if project else None
        self._kept = _read(self._file) if self._file else {}
        self._began = _now(self._file, root) if self._file and began is None else began or 0
        self._worth = worth
        self._learned: dict[str, _Kept] = {}
        self._forgotten = False
        self._cost = 0

    def digest(self, path: str, state: State) -> str | None:
        """The digest of a file that is in this state, where it is known."""
        kept = self._kept.get(path)
        return kept.digest if kept and kept.state == state else None

    def learn(self, path: str, before: State, after: State, digest: str) -> None:
        """A file had this digest; its states right before and right after it was read."""
        settled = before == after and max(after[1], after[2]) < self._began - GRAIN
        kept = _Kept(state=after, digest=digest)
        if settled and self._kept.get(path) != kept:
            self._learned[path] = kept
            self._cost += after[0] + _PER_FILE

    def forget(self, path: str) -> None:
        """What is kept of a file has proved wrong."""
        self._kept.pop(path, None)
        self._learned.pop(path, None)
        self._forgotten = True

    def save(self, there: set[str]) -> None:
        """Keep what was learned, of the files that are still there."""
        if self._file is None or not (self._forgotten or self._cost >= self._worth):
            return
        content = {path: [*kept.state, kept.digest] for path, kept in (self._kept | self._learned).items() if path in there}
        write_cache(self._file, _FORM, content)
        self._cost, self._forgotten = 0, False


def _read(file: Path) -> dict[str, _Kept]:
    found = {}
    for path, entry in read_cache(file, _FORM).items():
        *state, digest = cast("list[object]", entry)
        found[path] = _Kept(state=cast("State", tuple(state)), digest=str(digest))
    return found


def _now(file: Path, root: Path) -> int:
    """The earlier of this machine's clock and that of the filesystem (which may be another machine's), as far as it can be asked."""
    now = time.time_ns()
    with contextlib.suppress(OSError):  # where nothing can be written, nothing will be kept
        above = next(directory for directory in file.parents if directory.is_dir())
        if above.stat().st_dev == root.stat().st_dev:
            with tempfile.TemporaryFile(dir=above) as probe:
                now = min(now, os.fstat(probe.fileno()).st_mtime_ns)
    return now
