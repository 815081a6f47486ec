"""An expansion and the builds made of it -> what each target makes of each cell: the build, and the final image name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matrixbuild.core.build import Build
from matrixbuild.core.cells import Cell
from matrixbuild.core.expand import Expansion


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltFor:
    """What one target makes of a cell: the build, and the image names that the cell has by it."""

    target: str
    build: str
    refs: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        return {"target": self.target, "build": self.build, "images": list(self.refs)}


def built_for(expansion: Expansion, builds: Sequence[Build]) -> Mapping[Cell, tuple[BuiltFor, ...]]:
    """By cell, sorted by target. Cells that no target is for have no entry."""
    names = {address: build.name for build in builds for address in build.answers}
    images = {demand.address: (str(demand.image),) if demand.image else () for demand in expansion.demands}
    found: defaultdict[Cell, list[BuiltFor]] = defaultdict(list)
    for address, cells in ((address, cells) for address, cells in expansion.cells_of.items() if address in names):
        made = BuiltFor(target=address[0], build=names[address], refs=images[address])
        for cell in cells:
            found[cell].append(made)
    return {cell: tuple(sorted(made, key=lambda one: one.target)) for cell, made in found.items()}
