"""A manifest, its axes and facts, and one cell -> what a template may name there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from matrixbuild.core.axes import Axes
from matrixbuild.core.cells import Cell
from matrixbuild.core.demand import cell_digest, need_token
from matrixbuild.core.facts import Facts
from matrixbuild.core.manifest import Manifest
from matrixbuild.core.names import ImageName
from matrixbuild.core.sandbox import Names, NeedLackingError, NoNeed
from matrixbuild.core.suffixes import Suffixes, axis_object


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateNames:
    """`tag` makes the suffix of a profile's tags."""

    manifest: Manifest
    axes: Axes
    facts: Facts
    tag: Suffixes
    _constants: Mapping[str, object] = field(init=False, repr=False, compare=False)
    _always: Mapping[str, object] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # What is the same for every cell is made once: a template can only read it.
        constants = {name: axis_object(name, next(axis.all_values())) for name, axis in self.axes.constants.items()}
        given = Names("vars", {name: text.scalar for name, text in self.manifest.vars})
        object.__setattr__(self, "_constants", constants)
        object.__setattr__(self, "_always", {"vars": given, "registry": self.manifest.registry.value})

    def of(self, cell: Cell, image: ImageName | None, needs: Mapping[str, tuple[Cell, ...]]) -> dict[str, object]:
        """`image` is the cell's own (None: it has none), `needs` the cells of each needed target that agree with it."""
        return {
            **self._constants,
            **{name: axis_object(name, value) for name, value in cell.values},
            **self._namespaces(cell),
            **self._always,
            "image": Names("image", {"ref": str(image)} if image else {}),
            "needs": Names("needs", {name: _need_object(name, cells) for name, cells in needs.items()}),
        }

    def _namespaces(self, cell: Cell) -> dict[str, object]:
        facts = self.facts
        found: dict[str, object] = {"source": Names("source", {"ref": facts.ref, "commit": facts.commit})} if self.manifest.source.git else {}
        if facts.profile:
            custom = next((text.value for name, text in self.manifest.vars if name == "customTag"), "")
            suffix = self.tag.of(cell)
            members = {**facts.values, "suffix": suffix, "customTag": f"{custom}{suffix}".removeprefix("-")}
            found[facts.profile.name] = Names(facts.profile.name, members)
        return found


def _need_object(name: str, cells: Sequence[Cell]) -> Names:
    if not cells:
        return NoNeed(name, NeedLackingError(name))
    if len(cells) > 1:
        message = f"{len(cells)} builds of {name!r} agree with this one on the axes both have, {cells[0]} and {cells[1]} among them"
        return NoNeed(name, ValueError(message))
    return Names(name, {"image": need_token(name, cell_digest(cells[0]))})
