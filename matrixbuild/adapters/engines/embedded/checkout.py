"""A directory of sources -> its listing and its contents, as an engine reads them; and what a build is sent of it as a file tree."""

from __future__ import annotations

import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from os import DirEntry, scandir
from pathlib import Path
from typing import Protocol

from matrixbuild.adapters.engines.embedded.trees import Directory, File, Meta, Node, Special, Symlink
from matrixbuild.core.listing import Entry, Kind, Listing
from matrixbuild.core.lookup import Listed


class Checkout(Protocol):
    """The sources of a build: adapters.source.Snapshot, or `Raw`."""

    @property
    def listing(self) -> Listing: ...

    def open(self, path: str) -> bytes:
        """The bytes of a file of the listing."""
        ...

    def text(self, path: str) -> str | None:
        """The text of a file, undecodable bytes as surrogates; None where the listing has no such file."""
        ...


class Raw:
    """A directory as it is: real permission bits and times, every name but `.git` of the root. Owners are not looked at: Earthly resets them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.listing = Listing(entries=dict(_walk(root, "")))

    def open(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def text(self, path: str) -> str | None:
        entry = self.listing.entries.get(path)
        return self.open(path).decode("utf-8", "surrogateescape") if entry is not None and entry.kind is Kind.FILE else None


def _walk(directory: Path, below: str) -> Iterator[tuple[str, Entry]]:
    with scandir(directory) as found:
        names = sorted(found, key=lambda item: item.name)
    for item in names:
        path = f"{below}{item.name}"
        entry = _entry(item)
        if path == ".git" or entry is None:
            continue
        yield path, entry
        if entry.kind is Kind.DIRECTORY:
            yield from _walk(Path(item.path), f"{path}/")


def _entry(item: DirEntry[str]) -> Entry | None:
    status = item.stat(follow_symlinks=False)
    mode, mtime = stat.S_IMODE(status.st_mode), int(status.st_mtime)
    if stat.S_ISLNK(status.st_mode):
        return Entry(kind=Kind.SYMLINK, mode=0o777, mtime=mtime, target=str(Path(item.path).readlink()))
    if stat.S_ISDIR(status.st_mode):
        return Entry(kind=Kind.DIRECTORY, mode=mode, mtime=mtime)
    if stat.S_ISFIFO(status.st_mode):
        return Entry(kind=Kind.PIPE, mode=mode, mtime=mtime)
    return Entry(kind=Kind.FILE, mode=mode, mtime=mtime) if stat.S_ISREG(status.st_mode) else None


@dataclass(frozen=True, slots=True)
class CheckoutFile:
    """The contents of one file of the sources, read each time they are written somewhere."""

    checkout: Checkout = field(compare=False)
    path: str

    def read(self) -> Iterator[bytes]:
        yield self.checkout.open(self.path)

    @property
    def size(self) -> int | None:
        return None


def sent(view: Listed, directory: str, checkout: Checkout) -> Directory:
    """What core.lookup.context lets through of `directory`, as a tree: all of it root's, modes and times as listed."""
    return Directory(meta=Meta(), entries={name: _node(view, name, directory, checkout) for name in view.names("")})


def _node(view: Listed, path: str, directory: str, checkout: Checkout) -> Node:
    entry = view.entries[path]
    meta = Meta(mode=entry.mode, mtime=entry.mtime)
    if entry.kind is Kind.SYMLINK:
        return Symlink(meta=meta, target=entry.target)
    if entry.kind is Kind.PIPE:
        return Special(meta=meta, type=tarfile.FIFOTYPE)
    if entry.kind is Kind.FILE:
        return File(meta=meta, content=CheckoutFile(checkout, f"{directory}/{path}" if directory else path))
    return Directory(meta=meta, entries={name: _node(view, f"{path}/{name}", directory, checkout) for name in view.names(path)})
