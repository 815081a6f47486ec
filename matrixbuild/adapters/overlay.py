"""A source, and files of this machine or secrets laid over it -> the source that builds read."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from matrixbuild.adapters.source import Snapshot
from matrixbuild.adapters.sources import Source, fingerprint_of, parents, pieces
from matrixbuild.core.listing import Entry, Kind, Listing
from matrixbuild.core.names import sha256
from matrixbuild.core.problems import InvalidError, Place, Problem, UnusableError


class Layer(Protocol):
    """Entries by their path in the source, and what they hold."""

    @property
    def entries(self) -> Mapping[str, Entry]: ...

    def open(self, path: str) -> bytes: ...

    def fingerprint(self, path: str) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFile:
    """A file whose content is the value of the environment variable `name`. Only `version` is in its fingerprint; nothing but a build opens it."""

    path: str
    name: str
    version: str
    place: Place

    @property
    def entries(self) -> Mapping[str, Entry]:
        return {self.path: Entry(kind=Kind.FILE, mode=0o644)}

    def open(self, _path: str) -> bytes:
        """Raises UnusableError where the variable is not set."""
        value = os.environ.get(self.name)
        if value is None:
            raise UnusableError(self.missing())
        return os.fsencode(value)

    def missing(self) -> Problem:
        """What to tell where the variable is not set."""
        hint = f"export {self.name} before the run: its content goes to {self.path} of the source"
        return Problem(summary=f"the secret {self.name} is not in the environment", place=self.place, hint=hint, code="secret")

    def fingerprint(self, path: str) -> str:
        return fingerprint_of(self.entries[path], sha256(f"secret {self.name} {self.version}".encode()))


def check_secret_files(layers: Iterable[Layer]) -> None:
    """Raise UnusableError for those whose content is not in the environment: whoever is about to build hears of it before anything starts."""
    missing = [layer.missing() for layer in layers if isinstance(layer, SecretFile) and layer.name not in os.environ]
    if missing:
        raise UnusableError(*missing)


class LocalFiles:
    """A directory of this machine: what is in it, laid at `to`, "" or with or without a slash at its end ("" is the root of the source)."""

    def __init__(self, directory: Path, *, to: str, without: tuple[Path, ...] = ()) -> None:
        self._from = Snapshot(directory.resolve(), without=without)
        self._names = {posixpath.join(to, name): name for name in self._from.listing.entries}
        self.entries: Mapping[str, Entry] = {path: self._from.listing.entries[name] for path, name in self._names.items()}

    def open(self, path: str) -> bytes:
        return self._from.open(self._names[path])

    def pieces(self, path: str) -> Iterator[bytes]:
        """As adapters.sources.Streaming."""
        return self._from.pieces(self._names[path])

    def fingerprint(self, path: str) -> str:
        return self._from.fingerprint(self._names[path])


class LocalFile:
    """One file of this machine, read once, laid at `to`, or below it where that ends with a slash.

    Raises OSError for what is no file, such as a pipe, which might never end.
    """

    def __init__(self, file: Path, *, to: str) -> None:
        found = file.stat().st_mode
        if not stat.S_ISREG(found):
            raise OSError(errno.EINVAL, "it is neither a file nor a directory")
        self._data = file.read_bytes()
        mode = 0o755 if found & stat.S_IXUSR else 0o644
        self.entries: Mapping[str, Entry] = {posixpath.join(to, file.name) if not to or to.endswith("/") else to: Entry(kind=Kind.FILE, mode=mode)}

    def open(self, _path: str) -> bytes:
        return self._data

    def fingerprint(self, path: str) -> str:
        return fingerprint_of(self.entries[path], sha256(self._data))


def local_layer(origin: Path, *, named: str, to: str, place: Place, without: tuple[Path, ...] = ()) -> Layer:
    """The layer of a file or directory, `without` absolute paths that may be in it; `named` is its path as the manifest has it. Raises
    InvalidError where it cannot be read."""
    try:
        return LocalFiles(origin, to=to, without=without) if origin.is_dir() else LocalFile(origin, to=to)
    except OSError as error:
        hint = "a path in source.files is relative to the manifest that names it"
        summary = f"cannot read {named}: {error.strerror or error}"
        raise InvalidError(Problem(summary=summary, place=place, hint=hint, code="source-file")) from error


_ANYTHING = b"env\n"
"""What a secret is to whoever plans: a script that may read every ARG. What a build really reads of it, nobody may look at."""


class Overlay:
    """The source with layers over it, the last one on top, as adapters.sources.Source. Directories merge; a file takes the place of what was there.

    Only with `reveal` the content of a secret is read; without, it is a script that may read every ARG: planning needs no
    secret.
    """

    def __init__(self, base: Source, layers: Sequence[Layer], *, reveal: bool = False) -> None:
        self.root = base.root
        self._reveal = reveal
        self._base = base
        self.touched: set[int] = set()
        """The layers (by their identity) that something was read of."""
        self._of: dict[str, Layer] = {}
        entries = dict(base.listing.entries)
        for layer in layers:
            for path, entry in sorted(layer.entries.items()):
                _make_room(entries, self._of, path, entry)
                # A directory that is there already is nothing of the layer's: who reads it has read nothing of the layer.
                if entry.kind is not Kind.DIRECTORY or path not in entries or entries[path].kind is not Kind.DIRECTORY:
                    entries[path] = entry
                    self._of[path] = layer
        self.listing = Listing(entries=entries)

    def open(self, path: str) -> bytes:
        layer = self._of.get(path)
        if layer is None:
            return self._base.open(path)
        self.touched.add(id(layer))
        return _ANYTHING if isinstance(layer, SecretFile) and not self._reveal else layer.open(path)

    def pieces(self, path: str) -> Iterator[bytes]:
        """As adapters.sources.Streaming."""
        layer = self._of.get(path)
        if layer is None:
            return pieces(self._base, path)
        return iter((self.open(path),)) if isinstance(layer, SecretFile) else pieces(layer, path)

    def text(self, path: str) -> str | None:
        entry = self.listing.entries.get(path)
        if entry is None or entry.kind is not Kind.FILE:
            return None
        return self.open(path).decode("utf-8", "surrogateescape") if path in self._of else self._base.text(path)

    def fingerprint(self, path: str) -> str:
        layer = self._of.get(path)
        if layer is not None:
            self.touched.add(id(layer))
            return layer.fingerprint(path)
        entry = self.listing.entries[path]
        # A directory may be one that only the way to a layer's file brought, in the place of what the source had there.
        return fingerprint_of(entry, "") if entry.kind is Kind.DIRECTORY else self._base.fingerprint(path)


def _make_room(entries: dict[str, Entry], of: dict[str, Layer], path: str, entry: Entry) -> None:
    """Take away what cannot be beside an entry: a file where it needs a directory, and all that is below where it is no directory itself."""
    for parent in parents(path):
        if parent not in entries or entries[parent].kind is not Kind.DIRECTORY:
            of.pop(parent, None)
            entries[parent] = Entry(kind=Kind.DIRECTORY, mode=0o755)
    if entry.kind is not Kind.DIRECTORY:
        for below in [other for other in entries if other.startswith(f"{path}/")]:
            del entries[below]
            of.pop(below, None)
