"""A directory of sources -> a frozen listing, and contents whose digests cannot change under a run.

Modes are those git would keep (files 0644 or 0755, directories 0755) and times are fixed, so that the same files give the same
images whatever the umask, the clone or the clock (design.md 3).
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from matrixbuild.adapters import lfs
from matrixbuild.adapters.fingerprints import Fingerprints, State, state_of
from matrixbuild.adapters.sources import fingerprint_of
from matrixbuild.core.listing import Entry, Kind, Listing
from matrixbuild.core.names import sha256
from matrixbuild.core.problems import MatrixbuildError, Place, Problem, UnusableError

T = TypeVar("T")

_PIECE = 1 << 20


class SourceChangedError(MatrixbuildError):
    """A file of the source is not what it was when this run looked first: its build key would lie."""


class Snapshot:
    """The files below `root`, without `without` (absolute paths) and without `.git`, as they were when each was first read.

    `listing` is made once. Contents are read when asked for; a second reading that gives other bytes raises SourceChangedError, also where
    the first was another process's, whose digest is in `known`. Safe to use from several threads.
    """

    def __init__(self, root: Path, *, without: tuple[Path, ...] = (), known: Fingerprints | None = None) -> None:
        self.root = root
        self._states: dict[str, State] = {}
        self.listing = Listing(entries=dict(_walk(root, frozenset(map(str, without)), self._states)))
        self._known = known or Fingerprints(root)
        self._digests: dict[str, str] = {}
        self._texts: dict[str, str | None] = {}
        self._lock = threading.Lock()

    def open(self, path: str) -> bytes:
        """The bytes of a file of the listing. Raises SourceChangedError, and UnusableError for a file that this user may not read."""
        data, before, after = self._read(path, lambda file: file.read())
        self._found(path, sha256(data), before, after)
        return data

    def pieces(self, path: str) -> Iterator[bytes]:
        """The same in pieces; what `open` raises, this raises at the latest after the last one."""
        digest = hashlib.sha256()
        try:
            with (self.root / path).open("rb") as file:
                before = state_of(os.fstat(file.fileno()))
                while data := file.read(_PIECE):
                    digest.update(data)
                    yield data
                after = state_of(os.fstat(file.fileno()))
        except OSError as error:
            raise self._unreadable(path, error) from error
        self._found(path, f"sha256:{digest.hexdigest()}", before, after)

    def _read(self, path: str, read: Callable[[io.BufferedReader], T]) -> tuple[T, State, State]:
        """What `read` makes of a file, and the file's states before and after."""
        try:
            with (self.root / path).open("rb") as file:
                before = state_of(os.fstat(file.fileno()))
                return read(file), before, state_of(os.fstat(file.fileno()))
        except OSError as error:
            raise self._unreadable(path, error) from error

    def _found(self, path: str, digest: str, before: State, after: State) -> None:
        with self._lock:
            if self._digests.setdefault(path, digest) == digest:
                self._known.learn(path, before, after, digest)
                return
            # Whether the file has changed or what was known of it is wrong, the next run shall read it.
            self._known.forget(path)
            self._known.save(set(self.listing.entries))
        raise SourceChangedError(Problem(summary=f"{path} of the source changed during the run", hint=_AGAIN))

    def _unreadable(self, path: str, error: OSError) -> MatrixbuildError:
        summary = f"cannot read {path} of the source: {error.strerror}"
        if isinstance(error, PermissionError) and path not in self._digests:
            return UnusableError(Problem(summary=summary, hint="make it readable: a build reads it", code="source"))
        return SourceChangedError(Problem(summary=summary, hint=_AGAIN))

    def text(self, path: str) -> str | None:
        """The text of a file, as it was at the first call; None where the listing has no such file. Undecodable bytes become surrogates."""
        entry = self.listing.entries.get(path)
        if entry is None or entry.kind is not Kind.FILE:
            return None
        if path not in self._texts:
            text = self.open(path).decode("utf-8", "surrogateescape")
            with self._lock:
                self._texts.setdefault(path, text)
        return self._texts[path]

    def fingerprint(self, path: str) -> str:
        """`sha256:` of what a build can see of one entry of the listing: its kind, its mode and its content (a link's target)."""
        entry = self.listing.entries[path]
        return fingerprint_of(entry, self._digest(path) if entry.kind is Kind.FILE else "")

    def _digest(self, path: str) -> str:
        if path not in self._digests:
            known = self._known.digest(path, self._states[path])
            if known is None:
                digest, before, after = self._read(path, lambda file: f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}")
                self._found(path, digest, before, after)
            else:
                with self._lock:
                    self._digests.setdefault(path, known)
        return self._digests[path]

    def pointers(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Those of the paths that hold what Git LFS leaves in the place of a file, sorted."""
        sized = (path for path in paths if path in self._states and lfs.SMALLEST <= self._states[path][0] <= lfs.LARGEST)
        return tuple(sorted(path for path in sized if lfs.is_pointer(self.open(path))))

    def remember(self) -> None:
        """Keep for later processes what this one has read."""
        with self._lock:
            self._known.save(set(self.listing.entries))


_AGAIN = "run the same command again once nothing writes to the source any more"


def snapshot(
    root: Path, *, named: str, place: Place | None = None, without: tuple[Path, ...] = (), project: Path | None = None
) -> Snapshot:
    """The snapshot of a `path:` source; `named` is the path as it was written, `place` where in the manifest (None: on the command line); in the
    state directory of `project`, digests are kept from one process to the next. UnusableError where it is not a readable directory."""
    if not os.path.isdir(root):  # noqa: PTH112 (Path.is_dir raises for a name that no file can have)
        hint = f"spec.source.path is relative to the manifest: {root}" if place else "--source is relative to the working directory"
        raise UnusableError(Problem(summary=f"the source {named!r} is not a directory", place=place, hint=hint))
    try:
        root = root.resolve()
        return Snapshot(root, without=without, known=Fingerprints(root, project))
    except OSError as error:
        raise UnusableError(Problem(summary=f"cannot list the source {named!r}: {error.filename}: {error.strerror}", place=place)) from error


def _walk(root: Path, without: frozenset[str], states: dict[str, State]) -> Iterator[tuple[str, Entry]]:
    waiting = [("", str(root))]
    while waiting:
        below, directory = waiting.pop()
        for found in sorted(os.scandir(directory), key=lambda item: item.name):
            if found.name == ".git" or found.path in without:
                continue
            path = f"{below}{found.name}"
            entry = _entry(found)
            if entry is None:
                continue
            yield path, entry
            if entry.kind is Kind.FILE:
                states[path] = state_of(found.stat(follow_symlinks=False))
            if entry.kind is Kind.DIRECTORY:
                waiting.append((f"{path}/", found.path))


def _entry(found: os.DirEntry[str]) -> Entry | None:
    mode = found.stat(follow_symlinks=False).st_mode
    if stat.S_ISLNK(mode):
        return Entry(kind=Kind.SYMLINK, mode=0o777, target=os.readlink(found.path))  # noqa: PTH115 (Path would write it anew)
    if stat.S_ISDIR(mode):
        return Entry(kind=Kind.DIRECTORY, mode=0o755)
    if stat.S_ISREG(mode):
        return Entry(kind=Kind.FILE, mode=0o755 if mode & stat.S_IXUSR else 0o644)
    return None  # sockets, pipes and devices are nothing a build could copy
