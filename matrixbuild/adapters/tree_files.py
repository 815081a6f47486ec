"""A source -> a directory of real files with its modes and fixed times; and whether such a directory is still as it was made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from matrixbuild.adapters.sources import Source, pieces
from matrixbuild.core.listing import Entry, Kind

_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much there is below a directory: entries of any kind, bytes in files; `changed` is when the last of them did (ctime, nanoseconds)."""

    entries: int
    size: int
    changed: int = 0


def write_tree(source: Source, directory: Path) -> Extent:
    """Make `directory`, which must not be there, with all that a source lists. Whatever the umask, modes are the listed ones, and times too.

    Raises OSError, and what reading the source raises; what was written by then stays.
    """
    directory.mkdir(mode=0o755)
    entries = sorted(source.listing.entries.items())
    root = os.fspath(directory)
    size = 0
    for path, entry in entries:
        target = f"{root}/{path}"
        if entry.kind is Kind.DIRECTORY:
            Path(target).mkdir(mode=0o700)
        elif entry.kind is Kind.SYMLINK:
            Path(target).symlink_to(entry.target)
            os.utime(target, ns=_times(entry), follow_symlinks=False)
        else:
            size += _write_file(source, path, entry, target)
    # Deepest first: whatever is made in a directory changes its time.
    for path, entry in reversed(entries):
        if entry.kind is Kind.DIRECTORY:
            _finish(Path(root, path), entry)
    _finish(directory, Entry(kind=Kind.DIRECTORY, mode=0o755))
    return Extent(entries=len(entries), size=size)


def _write_file(source: Source, path: str, entry: Entry, target: str) -> int:
    size = 0
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(handle, "wb", buffering=0) as file:  # noqa: PTH123 (a descriptor has no path)
        for piece in pieces(source, path):
            left = memoryview(piece)
            while left:
                left = left[file.write(left) :]
            size += len(piece)
        os.fchmod(handle, entry.mode)
        os.utime(handle, ns=_times(entry))
    return size


def _finish(directory: Path, entry: Entry) -> None:
    directory.chmod(entry.mode)
    os.utime(directory, ns=_times(entry))


def _times(entry: Entry) -> tuple[int, int]:
    return entry.mtime * _NANO, entry.mtime * _NANO


def extent(directory: Path) -> Extent:
    """What is below a directory now; contents are not read. Raises OSError."""
    entries = size = 0
    changed = directory.stat().st_ctime_ns
    for found in _below(os.fspath(directory)):
        status = found.stat(follow_symlinks=False)
        entries += 1
        size += status.st_size if found.is_file(follow_symlinks=False) else 0
        changed = max(changed, status.st_ctime_ns)
    return Extent(entries=entries, size=size, changed=changed)


def _below(root: str) -> Iterator[os.DirEntry[str]]:
    waiting = [root]
    while waiting:
        with os.scandir(waiting.pop()) as found:
            for item in found:
                yield item
                if item.is_dir(follow_symlinks=False):
                    waiting.append(item.path)
