"""Offers and cells -> demands: every template rendered, every need joined."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from matrixbuild.core.axes import Axes
from matrixbuild.core.cells import AxisValue, Cell
from matrixbuild.core.demand import Arg, ArtifactDemand, Demand, Resources, Written, cell_digest, need_token
from matrixbuild.core.manifest import Manifest, Target
from matrixbuild.core.names import ImageName
from matrixbuild.core.offers import Offer
from matrixbuild.core.problems import Place, Problem
from matrixbuild.core.sandbox import Names, NeedLackingError, NoNeed
from matrixbuild.core.templates import RenderError, Template

Address = tuple[str, Cell]
CellsOf = Mapping[str, Mapping[Cell, tuple[Cell, ...]]]
"""Target -> reduced cell -> the cells of the matrix it stands for."""


def reduce_cells(offer: Offer, cells: Sequence[Cell]) -> dict[Cell, tuple[Cell, ...]]:
    """The cells of a target: those its `when` leaves, told apart by its own axes alone."""
    reduced: defaultdict[Cell, list[Cell]] = defaultdict(list)
    for cell in cells:
        if offer.when.matches(cell):
            reduced[cell.only(offer.axes)].append(cell)
    return {small: tuple(full) for small, full in reduced.items()}


def without_cells(target: Target) -> Problem:
    """The problem that a target's `when` leaves it nothing to do."""
    place = target.when[0].place if target.when else target.place
    return Problem(
        summary=f"the target {target.name!r} has no cell", place=place, hint="its `when` matches none that is left", code="target-without-cell"
    )


def demands(manifest: Manifest, axes: Axes, offers: Sequence[Offer], cells_of: CellsOf, problems: list[Problem]) -> tuple[Demand, ...]:
    """All demands, by target and cell; what cannot be rendered is told once a template, with the first cell it fails for."""
    rendering = _Rendering(manifest=manifest, axes=axes, offers={offer.target.name: offer for offer in offers}, cells_of=cells_of)
    made = [demand for offer in offers for cell in cells_of[offer.target.name] if (demand := rendering.demand(offer, cell))]
    problems.extend(rendering.problems.values())
    return tuple(sorted(made, key=lambda demand: (demand.target, str(demand.cell))))


@dataclass(slots=True, kw_only=True)
class _Rendering:
    """Renders each template once for all cells that agree on the axes it reads."""

    manifest: Manifest
    axes: Axes
    offers: Mapping[str, Offer]
    cells_of: CellsOf
    problems: dict[tuple[Place | None, str], Problem] = field(default_factory=dict)
    rendered: dict[tuple[object, ...], str | None] = field(default_factory=dict)
    joined: dict[tuple[str, str], dict[tuple[str, ...], tuple[Cell, ...]]] = field(default_factory=dict)
    resources: dict[str, Resources] = field(default_factory=dict)

    def demand(self, offer: Offer, cell: Cell) -> Demand | None:
        target = offer.target
        needs = {text.value: self._needed(offer, text.value, cell) for text in target.needs}
        image = self._image(offer, cell)
        if offer.image and image is None:
            return None
        args = tuple(self._args(offer, cell, image, needs))
        return Demand(
            target=target.name,
            cell=cell,
            earthly=target.earthly.value,
            args=args,
            image=image,
            artifacts=tuple(self._artifacts(offer, cell)),
            needs=tuple(
                sorted(((name, needed) for name, all_needed in needs.items() for needed in all_needed), key=lambda need: (need[0], str(need[1])))
            ),
            resources=self._resources(target),
            place=target.place,
            earthly_place=target.earthly.place,
            tag=Written(text=target.image.tag.value, place=target.image.tag.place) if target.image else None,
        )

    def _needed(self, offer: Offer, need: str, cell: Cell) -> tuple[Cell, ...]:
        """The cells of the needed target that agree with this one on the axes both have."""
        shared = offer.axes & self.offers[need].axes
        key = (offer.target.name, need)
        if key not in self.joined:
            index: defaultdict[tuple[str, ...], list[Cell]] = defaultdict(list)
            for needed in self.cells_of[need]:
                index[_texts(needed, shared)].append(needed)
            self.joined[key] = {texts: tuple(cells) for texts, cells in index.items()}
        return self.joined[key].get(_texts(cell, shared), ())

    def _args(self, offer: Offer, cell: Cell, image: ImageName | None, needs: Mapping[str, tuple[Cell, ...]]) -> Iterator[Arg]:
        for arg in offer.args:
            value = self._render(arg.template, cell, image=image, needs=needs)
            if value is not None:
                yield Arg(
                    name=arg.declared.name, value=value, axes=self._axes_of(offer, arg.template), place=arg.declared.place, optional=arg.optional
                )

    def _axes_of(self, offer: Offer, template: Template) -> frozenset[str]:
        """The axes behind a value: those its template names, and those behind the image name and the needs it reads."""
        axes = template.axes
        if template.reads_image and offer.image:
            axes = axes.union(*(part.axes for part in offer.image))
        return axes.union(*(offer.axes & self.offers[need].axes for need in template.needs))

    def _image(self, offer: Offer, cell: Cell) -> ImageName | None:
        if offer.image is None:
            return None
        parts = [self._render(template, cell) for template in offer.image]
        if None in parts:
            return None
        repository, tag = (str(part) for part in parts)
        try:
            return self._parsed(repository, tag)
        except ValueError as error:
            template = offer.image[1] if self._is_repository(repository) else offer.image[0]
            self._problem(Problem(summary=str(error), place=template.text.place, code="image-name"), cell)
            return None

    def _parsed(self, repository: str, tag: str) -> ImageName:
        name = ImageName.parse(f"{repository}:{tag}", layout=self.manifest.layout)
        if name.digest or name.tag != tag:
            raise ValueError(f"{f'{repository}:{tag}'!r} is not the name of an image to publish: it has one tag and no digest")
        return name

    def _is_repository(self, text: str) -> bool:
        try:
            return self._parsed(text, "x").tag == "x"
        except ValueError:
            return False

    def _artifacts(self, offer: Offer, cell: Cell) -> Iterator[ArtifactDemand]:
        for path_template, name_template in offer.artifacts:
            path, name = self._render(path_template, cell), self._render(name_template, cell)
            if path is None or name is None:
                continue
            for template, mistake in ((path_template, _path_mistake(path)), (name_template, _name_mistake(name))):
                if mistake:
                    self._problem(Problem(summary=mistake, place=template.text.place, code="artifact"), cell)
            yield ArtifactDemand(path=path, name=name, place=path_template.text.place)

    def _resources(self, target: Target) -> Resources:
        if target.name not in self.resources:
            self.resources[target.name] = Resources(amounts=tuple(sorted((one.pool, one.amount) for one in target.resources)))
        return self.resources[target.name]

    def _render(
        self, template: Template, cell: Cell, *, image: ImageName | None = None, needs: Mapping[str, tuple[Cell, ...]] | None = None
    ) -> str | None:
        """The text, or None where the template reads a need that is not there, or fails."""
        if template.compiled is None:
            return template.text.value
        wanted = tuple((name, (needs or {})[name]) for name in sorted(template.needs))
        key = (id(template), _texts(cell, template.axes), image if template.reads_image else None, wanted)
        if key not in self.rendered:
            self.rendered[key] = self._rendered(template, cell, image=image, needs=dict(wanted))
        return self.rendered[key]

    def _rendered(self, template: Template, cell: Cell, *, image: ImageName | None, needs: Mapping[str, tuple[Cell, ...]]) -> str | None:
        try:
            return template.render(self._names(cell, image, needs))
        except NeedLackingError:
            return None
        except RenderError as error:
            self._problem(error.problem, cell)
            return None

    def _names(self, cell: Cell, image: ImageName | None, needs: Mapping[str, tuple[Cell, ...]]) -> dict[str, object]:
        return {
            **{name: _axis_object(name, value) for name, value in cell.values},
            "vars": Names("vars", {name: text.value for name, text in self.manifest.vars}),
            "registry": self.manifest.registry.value,
            "image": Names("image", {"ref": str(image)} if image else {}),
            "needs": Names("needs", {name: _need_object(name, cells) for name, cells in needs.items()}),
        }

    def _problem(self, problem: Problem, cell: Cell) -> None:
        hint = "; ".join(part for part in (problem.hint, f"in the cell {cell}" if cell.values else "") if part)
        self.problems.setdefault((problem.place, problem.code), replace(problem, hint=hint))


def _texts(cell: Cell, axes: Iterable[str]) -> tuple[str, ...]:
    return tuple(value.text for name, value in cell.values if name in axes)


def _axis_object(name: str, value: AxisValue) -> object:
    return Names(name, dict(value.fields), value.text) if value.fields else value.scalar


def _need_object(name: str, cells: Sequence[Cell]) -> Names:
    if not cells:
        return NoNeed(name, NeedLackingError(name))
    if len(cells) > 1:
        message = f"{len(cells)} builds of {name!r} agree with this one on the axes both have, {cells[0]} and {cells[1]} among them"
        return NoNeed(name, ValueError(message))
    return Names(name, {"image": need_token(name, cell_digest(cells[0]))})


def _path_mistake(path: str) -> str:
    if not path.startswith("/") or ".." in path.split("/"):
        return f"{path!r} is not a path from the root of the Earthly target's artifacts"
    return ""


def _name_mistake(name: str) -> str:
    if not name or name.startswith("/") or name.endswith("/") or name != posixpath.normpath(name) or name.split("/", maxsplit=1)[0] in ("..", "."):
        return f"{name!r} is not a relative path below out/"
    return ""
