"""The file system as one checkout: directories with an Earthfile become part of it when an evaluation comes to them."""

from __future__ import annotations

import posixpath
from pathlib import Path

from matrixbuild.adapters.engines.embedded.checkout import Raw
from matrixbuild.core.listing import Entry, Kind, Listing


class World:
    """A Checkout whose root is `/`, so that a reference by absolute path leads somewhere; paths are without the first slash."""

    def __init__(self) -> None:
        self._roots: dict[str, Raw] = {}
        self.listing = Listing(entries={})

    def enter(self, directory: str) -> None:
        """Make a directory, and what is below it, part of the listing. Where there is none, nothing happens."""
        if self._root_of(directory) is not None or not Path("/", directory).is_dir():
            return
        root = self._roots[directory] = Raw(Path("/", directory))
        entries = dict(self.listing.entries)
        parts = directory.split("/")
        for count in range(1, len(parts) + 1):
            entries.setdefault("/".join(parts[:count]), Entry(kind=Kind.DIRECTORY, mode=0o755, mtime=0))
        entries |= {f"{directory}/{path}": entry for path, entry in root.listing.entries.items()}
        self.listing = Listing(entries=entries)

    def open(self, path: str) -> bytes:
        return Path("/", path).read_bytes()

    def text(self, path: str) -> str | None:
        """A file's text; asking for an Earthfile enters its directory."""
        if posixpath.basename(path) == "Earthfile":
            self.enter(posixpath.dirname(path))
        directory = self._root_of(posixpath.dirname(path))
        return None if directory is None else self._roots[directory].text(posixpath.relpath(path, directory))

    def _root_of(self, directory: str) -> str | None:
        return next((root for root in self._roots if directory == root or directory.startswith(f"{root}/")), None)
