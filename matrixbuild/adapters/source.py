"""A directory of sources -> a frozen listing, and contents whose digests cannot change under a run.

Modes are those git would keep (files 0644 or 0755, directories 0755) and times are fixed, so that the same files give the same
images whatever the umask, the clone or the clock (design.md 3).
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

from matrixbuild.core.listing import Entry, Kind, Listing
from matrixbuild.core.names import sha256
from matrixbuild.core.problems import MatrixbuildError, Problem, UnusableError


class SourceChangedError(MatrixbuildError):
    """A file of the source is not what it was when this run looked first: its build key would lie."""


class Snapshot:
    """The files below `root`, without `without` (absolute paths) and without `.git`, as they were when each was first read.

    `listing` is made once. Contents are read when asked for; a second reading that gives other bytes raises SourceChangedError.
    Safe to use from several threads.
    """

    def __init__(self, root: Path, *, without: tuple[Path, ...] = ()) -> None:
        self.root = root
        self.listing = Listing(entries=dict(_walk(root, frozenset(without))))
        self._digests: dict[str, str] = {}
        self._texts: dict[str, str | None] = {}
        self._lock = threading.Lock()

    def open(self, path: str) -> bytes:
        """The bytes of a file of the listing. Raises SourceChangedError, and UnusableError for a file that this user may not read."""
        try:
            data = (self.root / path).read_bytes()
        except OSError as error:
            raise self._unreadable(path, error) from error
        digest = sha256(data)
        with self._lock:
            if self._digests.setdefault(path, digest) != digest:
                raise SourceChangedError(Problem(summary=f"{path} of the source changed during the run", hint=_AGAIN))
        return data

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
        if entry.kind is Kind.FILE and path not in self._digests:
            self.open(path)
        content = self._digests[path] if entry.kind is Kind.FILE else entry.target
        return sha256(f"{entry.kind} {entry.mode:o} {content}".encode("utf-8", "surrogateescape"))


_AGAIN = "run the same command again once nothing writes to the source any more"


def snapshot(root: Path, *, named: str, without: tuple[Path, ...] = ()) -> Snapshot:
    """The snapshot of a `path:` source; `named` is the path as the manifest wrote it. UnusableError where it is not a readable directory."""
    if not root.is_dir():
        raise UnusableError(Problem(summary=f"the source {named!r} is not a directory", hint=f"spec.source.path is relative to the manifest: {root}"))
    try:
        return Snapshot(root.resolve(), without=without)
    except OSError as error:
        raise UnusableError(Problem(summary=f"cannot list the source {named!r}: {error.filename}: {error.strerror}")) from error


def _walk(root: Path, without: frozenset[Path]) -> Iterator[tuple[str, Entry]]:
    waiting = [("", root)]
    while waiting:
        below, directory = waiting.pop()
        for found in sorted(os.scandir(directory), key=lambda item: item.name):
            if found.name == ".git" or Path(found.path) in without:
                continue
            path = f"{below}{found.name}"
            entry = _entry(found)
            if entry is None:
                continue
            yield path, entry
            if entry.kind is Kind.DIRECTORY:
                waiting.append((f"{path}/", Path(found.path)))


def _entry(found: os.DirEntry[str]) -> Entry | None:
    mode = found.stat(follow_symlinks=False).st_mode
    if stat.S_ISLNK(mode):
        return Entry(kind=Kind.SYMLINK, mode=0o777, target=str(Path(found.path).readlink()))
    if stat.S_ISDIR(mode):
        return Entry(kind=Kind.DIRECTORY, mode=0o755)
    if stat.S_ISREG(mode):
        return Entry(kind=Kind.FILE, mode=0o755 if mode & stat.S_IXUSR else 0o644)
    return None  # sockets, pipes and devices are nothing a build could copy
