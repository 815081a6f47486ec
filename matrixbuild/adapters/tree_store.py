"""Sources -> directories named by their content, each made once, shared by all processes of this user and removed when long unused.

A directory is there as a whole or not at all: it is made beside its place and renamed. Whoever uses one holds a file lock on it (shared), which goes
with the process however that ends; only one that nobody holds is removed. Nobody writes into one: files keep the modes that images show, so their
owner could, and a directory that is not as it was made (a later ctime than its marker's, another count or size) is made anew.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from matrixbuild.adapters.tree_files import Extent, extent
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.problems import Problem, UnusableError

TREE = "tree"
_MARKER, _LEASE = "whole", "lease"
_NEW, _OLD = ".new-", ".old-"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

KEPT_DAYS = 14
_ABANDONED = 3600
"""In seconds: what a killed process left half made is held by nobody, and so is what one has made this very moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A directory that stays while `lease` (a descriptor with a shared lock) is open."""

    path: Path
    lease: int

    def release(self) -> None:
        os.close(self.lease)


class TreeStore:
    """The directories below `root`, which only this user may enter; `hint` tells what to do where there is no room. Safe to use from several threads
    and processes."""

    def __init__(self, root: Path, *, hint: str) -> None:
        self._root = root
        self._hint = hint

    def hold(self, name: str, write: Callable[[Path], Extent]) -> Held:
        """The directory of this name, made by `write` (which makes the directory it is given) where it is not there as it should be.

        Raises BuildFailed (disk) where there is no room for it, UnusableError where it cannot be made, and what `write` raises.
        """
        place = self._root / name
        with self._told():
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            while True:
                held = self._found(place) or self._made(place, write)
                if held is not None:
                    return held

    def _found(self, place: Path) -> Held | None:
        """The directory that is there; one that is not as it was made is taken away."""
        while (lease := _leased(place)) is not None:
            if not _is_whole(place):
                self._put_aside(place, lease)
            # Another process may have put a new one there while this one looked.
            elif not _is_at(lease, place):
                os.close(lease)
            else:
                # When it was used last; the marker's own time says when it was made.
                os.utime(place)
                return Held(path=place / TREE, lease=lease)
        return None

    def _made(self, place: Path, write: Callable[[Path], Extent]) -> Held | None:
        """None where another process was first."""
        fresh = Path(tempfile.mkdtemp(prefix=_NEW, dir=self._root))
        lease = _opened(fresh)
        try:
            fcntl.flock(lease, fcntl.LOCK_SH)
            found = write(fresh / TREE)
            (fresh / _MARKER).write_text(json.dumps([found.entries, found.size]), encoding="ascii")
            if _moved(fresh, place):
                return Held(path=place / TREE, lease=lease)
        except BaseException:
            _remove(fresh)
            os.close(lease)
            raise
        _remove(fresh)
        os.close(lease)
        return None

    def _put_aside(self, place: Path, lease: int) -> None:
        """Take away what is not as it was made, unless somebody has done so already: `lease` is of the one that was looked at."""
        aside = Path(tempfile.mkdtemp(prefix=_OLD, dir=self._root))
        with self._alone():
            if _is_at(lease, place):
                place.rename(aside / place.name)
        os.close(lease)
        _remove(aside)

    def clean(self, *, now: float | None = None, days: float = KEPT_DAYS) -> None:
        """Remove what nobody has used for so long and nobody holds, and what killed processes left."""
        now = time.time() if now is None else now
        for place in sorted(self._root.glob("*")):
            left = place.name.startswith((_NEW, _OLD))
            with contextlib.suppress(OSError):  # another process removes it just now; what cannot be removed is looked at again the next time
                if place.is_dir() and now - place.stat().st_mtime > (_ABANDONED if left else days * 86400):
                    self._clean(place)

    def _clean(self, place: Path) -> None:
        handle = _opened(place)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return
        self._put_aside(place, handle)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        handle = os.open(self._root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in _FULL:
                summary = f"no space left for the source's files in {self._root}"
                raise BuildFailed(Failure(kind=FailureKind.DISK, summary=summary, hint=self._hint)) from error
            summary = f"cannot make the source's files in {self._root}: {error.strerror or error}"
            raise UnusableError(Problem(summary=summary, hint="check that it may be written", code="cache")) from error


def _leased(place: Path) -> int | None:
    """A shared lock on a directory; None where it is not there."""
    while True:
        try:
            handle = _opened(place)
        except FileNotFoundError:
            return None
        fcntl.flock(handle, fcntl.LOCK_SH)
        # Whoever held it until now may have removed it.
        if _is_at(handle, place):
            return handle
        os.close(handle)


def _opened(place: Path) -> int:
    """What is locked: a file that may be written, for a lock of a directory, or of what is only read, is not to be had on NFS."""
    return os.open(place / _LEASE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _is_at(handle: int, place: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), (place / _LEASE).stat())
    except FileNotFoundError:
        return False


def _is_whole(place: Path) -> bool:
    try:
        marker = place / _MARKER
        found = extent(place / TREE)
        return [found.entries, found.size] == json.loads(marker.read_text(encoding="ascii")) and found.changed <= marker.stat().st_ctime_ns
    except (OSError, ValueError):
        return False


def _moved(fresh: Path, place: Path) -> bool:
    try:
        fresh.rename(place)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


def _remove(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
