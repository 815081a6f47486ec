"""What a directory, a commit and a mixture of both have in common: a frozen listing, and contents that are read when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from matrixbuild.core.listing import Entry, Kind, Listing
from matrixbuild.core.names import sha256


class Source(Protocol):
    """The files that builds read. Contents never change: whatever is read twice is the same, or an error."""

    @property
    def root(self) -> Path:
        """Where messages say that its files are."""
        ...

    @property
    def listing(self) -> Listing: ...

    def open(self, path: str) -> bytes:
        """The bytes of a file of the listing. Raises MatrixbuildError for one that cannot be read."""
        ...

    def text(self, path: str) -> str | None:
        """The text of a file; None where the listing has no such file. Undecodable bytes become surrogates."""
        ...

    def fingerprint(self, path: str) -> str:
        """`sha256:` of what a build can see of one entry of the listing: its kind, its mode and its content (a link's target)."""
        ...


class Holding(Protocol):
    """What has contents by their path."""

    def open(self, path: str) -> bytes: ...


@runtime_checkable
class Streaming(Protocol):
    """What gives contents in pieces: files too large for the memory may be among them."""

    def pieces(self, path: str) -> Iterator[bytes]:
        """The bytes of a file, in order. Raises as `open`; that they are others than before only after the last one."""
        ...


def pieces(holding: Holding, path: str) -> Iterator[bytes]:
    """The bytes of a file in pieces, or at once where its source knows no other way."""
    return holding.pieces(path) if isinstance(holding, Streaming) else iter((holding.open(path),))


def fingerprint_of(entry: Entry, digest: str) -> str:
    """The fingerprint of an entry; `digest` is that of a file's content, and nothing for anything else."""
    content = digest if entry.kind is Kind.FILE else entry.target
    return sha256(f"{entry.kind} {entry.mode:o} {content}".encode("utf-8", "surrogateescape"))


class Mixed:
    """Paths of several sources as one: each path is as the first source has it that gives it.

    `parts` are sources with the paths to take of them; directories are those that something is in, and those that are named themselves.
    `check` raises for a path of which no source knows what is there.
    """

    def __init__(self, root: Path, parts: Sequence[tuple[Source, Iterable[str]]], check: Callable[[str], None] = lambda _: None) -> None:
        self.root = root
        self._check = check
        self._of: dict[str, Source] = {}
        directories: set[str] = set()
        for source, paths in parts:
            for path in paths:
                above = parents(path)
                # A file of an earlier source leaves no room for what a later one has in a directory of that name.
                if path in self._of or path in directories or any(parent in self._of and not self._is_directory(parent) for parent in above):
                    continue
                self._of[path] = source
                directories.update(above)
        made = {path: Entry(kind=Kind.DIRECTORY, mode=0o755) for path in directories}
        self.listing = Listing(entries={**made, **{path: source.listing.entries[path] for path, source in self._of.items()}})

    def _is_directory(self, path: str) -> bool:
        return self._of[path].listing.entries[path].kind is Kind.DIRECTORY

    def open(self, path: str) -> bytes:
        return self._of[path].open(path)

    def text(self, path: str) -> str | None:
        self._check(path)
        return self._of[path].text(path) if path in self._of else None

    def fingerprint(self, path: str) -> str:
        return self._of[path].fingerprint(path) if path in self._of else fingerprint_of(self.listing.entries[path], "")


def parents(path: str) -> list[str]:
    """`a/b/c` -> [`a`, `a/b`]."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]
