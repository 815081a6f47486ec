"""Visits, places and files of the whole file system -> how a program shows them that was called in one directory."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from matrixbuild.core.earthfile.visits import Visit
from matrixbuild.core.problems import Place
from tests.double.flavors import Flavor


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """`directory` is the called Earthfile's, without the first slash; `called` the text before the `+` on the command line."""

    directory: str
    called: str
    flavor: Flavor

    def target(self, visit: Visit) -> str:
        """`+app`, or `/somewhere+app`."""
        return f"{self.called if visit.directory == self.directory else f'/{visit.directory}'}+{visit.name}"

    def path(self, visit: Visit) -> str:
        return (self.called or ".") if visit.directory == self.directory else f"/{visit.directory}"

    def file(self, place: Place) -> str:
        if posixpath.dirname(place.file) == self.directory:
            return posixpath.join(self.called, posixpath.basename(place.file))
        return f"/{place.file}"

    def place(self, place: Place) -> str:
        """`Earthfile:4:2`; what begins a line is in column 0 for one program and 1 for the other."""
        return f"{self.file(place)}:{place.line}:{place.column - 1 + self.flavor.column}"
