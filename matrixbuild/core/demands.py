"""Offers and cells -> demands: every template rendered, every need joined."""

from __future__ import annotations

import itertools
import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Generic, TypeVar

from matrixbuild.core.asking import asked
from matrixbuild.core.axes import Axes
from matrixbuild.core.cells import Cell
from matrixbuild.core.demand import Arg, ArtifactDemand, Asked, Demand, DockerDemand
from matrixbuild.core.facts import Facts, mendable
from matrixbuild.core.manifest import Manifest, Target
from matrixbuild.core.names import ImageName, is_tag
from matrixbuild.core.offers import Offer, OfferedArg
from matrixbuild.core.problems import Place, Problem
from matrixbuild.core.rules import Matcher, matcher
from matrixbuild.core.sandbox import NeedLackingError
from matrixbuild.core.suffixes import suffixes
from matrixbuild.core.template_names import TemplateNames
from matrixbuild.core.templates import RenderError, Template

Address = tuple[str, Cell]
CellsOf = Mapping[str, Mapping[Cell, tuple[Cell, ...]]]
"""Target -> reduced cell -> the cells of the matrix it stands for."""


def reduce_cells(offer: Offer, cells: Sequence[Cell]) -> dict[Cell, tuple[Cell, ...]]:
    """The cells of a target: those its `when` leaves, told apart by its own axes alone."""
    having = offer.when.those(cells)
    if having and offer.splits.issuperset(having[0].axes):
        # Told apart by every axis, each stands for itself alone.
        return {cell: (cell,) for cell in having}
    reduced: defaultdict[Cell, list[Cell]] = defaultdict(list)
    for cell in having:
        reduced[cell.only(offer.splits)].append(cell)
    return {small: tuple(full) for small, full in reduced.items()}


def without_cells(target: Target) -> Problem:
    """The problem that a target's `when` leaves it nothing to do."""
    own = [one.place for one in target.when if one.place.file == target.place.file]
    place = own[0] if own else target.place
    return Problem(
        summary=f"the target {target.name!r} has no cell", place=place, hint="its `when` matches none that is left", code="target-without-cell"
    )


def demands(
    manifest: Manifest,
    axes: Axes,
    offers: Sequence[Offer],
    cells_of: CellsOf,
    problems: list[Problem],
    *,
    facts: Facts | None = None,
    variants: Sequence[Matcher] = (),
) -> tuple[Demand, ...]:
    """All demands, by target and cell; what cannot be rendered is told once a template, with the first cell it fails for.

    `variants` says of each of the source's files which cells have it."""
    rendering = _Rendering(
        manifest=manifest,
        axes=axes,
        offers={offer.target.name: offer for offer in offers},
        cells_of=cells_of,
        facts=facts or Facts(),
        variants=variants,
        deciding=tuple(sorted({at for each in variants for at, _ in each.accepts})),
        asked={offer.target.name: asked(offer, facts.profile if facts else None, manifest) for offer in offers},
        versions=[(matcher(one.when, axes, [], inherited=True), one.name, one.version) for one in manifest.secrets if one.version],
        names=TemplateNames(
            manifest=manifest, axes=axes, facts=facts or Facts(), tag=suffixes(axes, facts.profile if facts else None, problems)
        ),
    )
    made = [demand for offer in offers for cell in cells_of[offer.target.name] if (demand := rendering.demand(offer, cell))]
    problems.extend(rendering.problems.values())
    return tuple(sorted(made, key=lambda demand: (demand.target, demand.cell.text)))


_T = TypeVar("_T")


class _Alike(Generic[_T]):
    """What cells of one target share that agree on some axes: `made`, by what `told` picks of the texts of a cell's values."""

    def __init__(self, cell: Cell, axes: frozenset[str]) -> None:
        # Where an axis stands is the same for all cells of a target.
        positions = [at for at, (name, _) in enumerate(cell.values) if name in axes]
        self.told: Callable[[Sequence[str]], object] = itemgetter(*positions) if positions else len
        self.made: dict[object, _T] = {}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Run:
    """Args that a target gives one after the other and that are made of the same axes; without `alike` they are each cell's own."""

    args: tuple[OfferedArg, ...]
    alike: _Alike[tuple[Arg, ...]] | None


@dataclass(slots=True, kw_only=True)
class _Rendering:
    """Renders each template once for all cells that agree on the axes it reads."""

    manifest: Manifest
    axes: Axes
    offers: Mapping[str, Offer]
    cells_of: CellsOf
    names: TemplateNames
    asked: Mapping[str, Asked]
    problems: dict[tuple[Place | None, str], Problem] = field(default_factory=dict)
    rendered: dict[tuple[object, ...], str | None] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    variants: Sequence[Matcher] = ()
    deciding: tuple[int, ...] = ()
    """Where the axes that decide on files stand in a cell of the matrix."""
    decided: dict[tuple[str, ...], tuple[int, ...]] = field(default_factory=dict)
    versions: Sequence[tuple[Matcher, str, str]] = ()
    layers: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[_Run, ...]] = field(default_factory=dict)
    runs: dict[tuple[str, tuple[int, ...]], _Run] = field(default_factory=dict)
    artifacts: dict[str, _Alike[tuple[ArtifactDemand, ...]]] = field(default_factory=dict)
    repositories: dict[str, ImageName] = field(default_factory=dict)
    axes_of: dict[int, frozenset[str]] = field(default_factory=dict)
    positions: dict[tuple[int, int], tuple[int, ...]] = field(default_factory=dict)
    joined: dict[tuple[str, str], dict[tuple[str, ...], tuple[Cell, ...]]] = field(default_factory=dict)

    def demand(self, offer: Offer, cell: Cell) -> Demand | None:
        target = offer.target
        texts = [value.text for _, value in cell.values]
        needs = {text.value: self._needed(offer, text.value, cell) for text in target.needs} if target.needs else {}
        image = self._image(offer, cell)
        if offer.image and image is None:
            return None
        return Demand(
            asked=self.asked[offer.target.name],
            cell=cell,
            args=self._args(offer, cell, texts, image, needs),
            image=image,
            artifacts=self._artifacts(offer, cell, texts) if offer.artifacts else (),
            needs=_joined(needs) if needs else (),
            docker=self._dockerfile(offer, cell),
            variant=self._variant(offer, cell),
            secret_versions=self._secret_versions(offer, cell),
        )

    def _dockerfile(self, offer: Offer, cell: Cell) -> DockerDemand | None:
        if offer.docker is None or offer.target.docker is None:
            return None
        context = self._render(offer.docker.context, cell)
        dockerfile = self._render(offer.docker.dockerfile, cell) if offer.docker.dockerfile else "Dockerfile"
        platform = self._render(offer.docker.platform, cell) if offer.docker.platform else ""
        if context is None or dockerfile is None or platform is None:
            return None
        secrets = tuple(sorted(text.value for text in offer.target.docker.secrets))
        return DockerDemand(context=context, dockerfile=dockerfile, secrets=secrets, platform=platform)

    def _needed(self, offer: Offer, need: str, cell: Cell) -> tuple[Cell, ...]:
        """The cells of the needed target that agree with this one on the axes both have."""
        if need not in self.offers:
            return ()  # a profile's, which is not built here
        shared = offer.splits & self.offers[need].splits
        key = (offer.target.name, need)
        if key not in self.joined:
            index: defaultdict[tuple[str, ...], list[Cell]] = defaultdict(list)
            for needed in self.cells_of[need]:
                index[_texts(needed, shared)].append(needed)
            self.joined[key] = {texts: tuple(cells) for texts, cells in index.items()}
        return self.joined[key].get(_texts(cell, shared), ())

    def _args(
        self, offer: Offer, cell: Cell, texts: Sequence[str], image: ImageName | None, needs: Mapping[str, tuple[Cell, ...]]
    ) -> tuple[Arg, ...]:
        found: list[Arg] = []
        for run in self._layered(offer, cell):
            if run.alike is None:
                found += self._run(offer, run, cell, image, needs)
                continue
            made, told = run.alike.made, run.alike.told(texts)
            if told not in made:
                made[told] = self._run(offer, run, cell, None, {})
            found += made[told]
        return tuple(found)

    def _run(self, offer: Offer, run: _Run, cell: Cell, image: ImageName | None, needs: Mapping[str, tuple[Cell, ...]]) -> tuple[Arg, ...]:
        made = [self._arg(offer, arg, cell, self._render(arg.template, cell, image=image, needs=needs)) for arg in run.args]
        return tuple([arg for arg in made if arg is not None])

    def _arg(self, offer: Offer, arg: OfferedArg, cell: Cell, value: str | None) -> Arg | None:
        if value is None:
            return None
        axes = self.axes_of.get(id(arg))
        if axes is None:
            named = self._axes_of(offer, arg.template)
            axes = self.axes_of[id(arg)] = named | {arg.axis} if arg.axis in offer.axes else named
        tacit = arg.tacit or (arg.of_profile and self._is_default(arg.axis, cell))
        return Arg(name=arg.declared.name, value=value, axes=axes, place=arg.declared.place, optional=arg.optional, tacit=tacit)

    def _told(self, template: Template, cell: Cell) -> tuple[str, ...]:
        """The values of the axes that a template names; where they stand in a cell is the same for all cells of a target."""
        if not template.axes:
            return ()
        key = (id(template), len(cell.values))
        positions = self.positions.get(key)
        if positions is None:
            positions = self.positions[key] = tuple([at for at, (name, _) in enumerate(cell.values) if name in template.axes])
        return tuple([cell.values[at][1].text for at in positions])

    def _is_default(self, axis: str, cell: Cell) -> bool:
        known = self.axes.get(axis)
        return known is not None and known.default is not None and cell[axis].text == known.default.text

    def _runs(self, offer: Offer, args: Iterable[OfferedArg], cell: Cell) -> Iterator[_Run]:
        """The args in their order; a run that layers have in common is one, so that its args are."""
        for axes, group in itertools.groupby(args, lambda arg: self._deciding(offer, arg)):
            run = tuple(group)
            key = (offer.target.name, tuple(map(id, run)))
            if key not in self.runs:
                self.runs[key] = _Run(args=run, alike=None if axes is None else _Alike(cell, axes))
            yield self.runs[key]

    def _deciding(self, offer: Offer, arg: OfferedArg) -> frozenset[str] | None:
        """The axes that an arg is made of; None where it is each cell's own."""
        if arg.template.reads_image or arg.template.needs:
            return None
        return arg.template.axes | {arg.axis} if arg.axis in offer.axes else arg.template.axes

    def _layered(self, offer: Offer, cell: Cell) -> tuple[_Run, ...]:
        """Each arg once, as the strongest layer gives it."""
        bringing = tuple([(axis, text) for axis, brought in offer.values.items() if (text := cell[axis].text) in brought])
        key = (offer.target.name, bringing)
        if key not in self.layers:
            brought = [(axis, arg) for axis, text in bringing for arg in offer.values[axis][text]]
            own = {arg.declared.name for arg in offer.own}
            self._check_agreement([(axis, arg) for axis, arg in brought if arg.declared.name not in own], cell)
            layers: dict[str, OfferedArg] = {}
            for arg in (*offer.weak, *(arg for _, arg in brought), *offer.own):
                layers.pop(arg.declared.name, None)
                layers[arg.declared.name] = arg
            self.layers[key] = tuple(self._runs(offer, layers.values(), cell))
        return self.layers[key]

    def _check_agreement(self, brought: Sequence[tuple[str, OfferedArg]], cell: Cell) -> None:
        """Two values of axes that one cell has must not give one ARG differently: no order between them would be anyone's."""
        first: dict[str, tuple[str, OfferedArg]] = {}
        for axis, arg in brought:
            other, before = first.setdefault(arg.declared.name, (axis, arg))
            if before.template.text.value != arg.template.text.value:
                summary = f"{other} {cell[other].text} and {axis} {cell[axis].text} give the ARG {arg.declared.name} differently"
                hint = f"the other is in line {before.declared.place.line}: keep one, or give it in the target's args"
                place = arg.declared.place
                self.problems.setdefault((place, "args-disagree"), Problem(summary=summary, place=place, hint=hint, code="args-disagree"))

    def _secret_versions(self, offer: Offer, cell: Cell) -> tuple[tuple[str, str], ...]:
        if not self.versions:
            return ()
        found: defaultdict[str, set[str]] = defaultdict(set)
        for when, name, version in self.versions:
            if any(when.matches(whole) for whole in self.cells_of[offer.target.name][cell]):
                found[name].add(version)
        return tuple(sorted((name, ",".join(sorted(versions))) for name, versions in found.items()))

    def _variant(self, offer: Offer, cell: Cell) -> tuple[int, ...]:
        """The cells that a demand stands for agree on every axis that decides on files (Offer.splits): the first one speaks for all."""
        if not self.variants:
            return ()
        whole = self.cells_of[offer.target.name][cell][0]
        texts = tuple([whole.values[at][1].text for at in self.deciding])
        if texts not in self.decided:
            self.decided[texts] = tuple([index for index, matcher in enumerate(self.variants) if matcher.matches(whole)])
        return self.decided[texts]

    def _axes_of(self, offer: Offer, template: Template) -> frozenset[str]:
        """The axes behind a value: those its template names, and those behind the image name and the needs it reads."""
        axes = template.axes
        if template.reads_image and offer.image:
            axes = axes.union(*(part.axes for part in offer.image))
        return axes.union(*(offer.axes & self.offers[need].axes for need in template.needs if need in self.offers))

    def _image(self, offer: Offer, cell: Cell) -> ImageName | None:
        if offer.image is None:
            return None
        # What a profile's tag says of an axis it says of none that share a name.
        named = cell.only(offer.splits.difference(offer.index)) if offer.index else cell
        repository, tag = self._render(offer.image[0], named), self._render(offer.image[1], named)
        if repository is None or tag is None:
            return None
        try:
            return self._image_name(repository, tag)
        except ValueError as error:
            template = offer.image[1] if self._is_repository(repository) else offer.image[0]
            self._problem(Problem(summary=str(error), place=template.text.place, code="image-name"), cell)
            return None

    def _image_name(self, repository: str, tag: str) -> ImageName:
        """Of each repository one name is read: none of what a tag may hold changes where the others end."""
        if not is_tag(tag):
            return self._parsed(repository, tag)
        if repository not in self.repositories:
            self.repositories[repository] = self._parsed(repository, tag)
        return self.repositories[repository].with_tag(tag)

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

    def _artifacts(self, offer: Offer, cell: Cell, texts: Sequence[str]) -> tuple[ArtifactDemand, ...]:
        """One value for all cells that agree on the axes of its templates."""
        name = offer.target.name
        if name not in self.artifacts:
            self.artifacts[name] = _Alike(cell, frozenset[str]().union(*(template.axes for pair in offer.artifacts for template in pair)))
        alike = self.artifacts[name]
        told = alike.told(texts)
        if told not in alike.made:
            alike.made[told] = tuple(self._artifacts_of(offer, cell))
        return alike.made[told]

    def _artifacts_of(self, offer: Offer, cell: Cell) -> Iterator[ArtifactDemand]:
        for path_template, name_template in offer.artifacts:
            path, name = self._render(path_template, cell), self._render(name_template, cell)
            if path is None or name is None:
                continue
            for template, mistake in ((path_template, _path_mistake(path)), (name_template, _name_mistake(name))):
                if mistake:
                    self._problem(Problem(summary=mistake, place=template.text.place, code="artifact"), cell)
            yield ArtifactDemand(path=path, name=name, place=mendable(path_template.text.place, self.facts.profile, self.manifest.profile))

    def _render(
        self, template: Template, cell: Cell, *, image: ImageName | None = None, needs: Mapping[str, tuple[Cell, ...]] | None = None
    ) -> str | None:
        """The text, or None where the template reads a need that is not there, or fails."""
        if template.compiled is None:
            return template.text.value
        if template.is_image and image:
            return str(image)
        wanted = tuple((name, (needs or {}).get(name, ())) for name in sorted(template.needs)) if template.needs else ()
        key = (id(template), self._told(template, cell), image if template.reads_image else None, wanted)
        if key not in self.rendered:
            self.rendered[key] = self._rendered(template, cell, image=image, needs=dict(wanted))
        return self.rendered[key]

    def _rendered(self, template: Template, cell: Cell, *, image: ImageName | None, needs: Mapping[str, tuple[Cell, ...]]) -> str | None:
        try:
            return template.render(self.names.of(cell, image, needs))
        except NeedLackingError:
            return None
        except RenderError as error:
            self._problem(error.problem, cell)
            return None

    def _problem(self, problem: Problem, cell: Cell) -> None:
        hint = "; ".join(part for part in (problem.hint, f"in the cell {cell}" if cell.values else "") if part)
        place = mendable(problem.place, self.facts.profile, self.manifest.profile) if problem.place else None
        self.problems.setdefault((problem.place, problem.code), replace(problem, hint=hint, place=place))


def _joined(needs: Mapping[str, tuple[Cell, ...]]) -> tuple[tuple[str, Cell], ...]:
    return tuple(sorted(((name, cell) for name, cells in needs.items() for cell in cells), key=lambda need: (need[0], need[1].text)))


def _texts(cell: Cell, axes: Iterable[str]) -> tuple[str, ...]:
    return tuple(value.text for name, value in cell.values if name in axes)


def _path_mistake(path: str) -> str:
    if not path.startswith("/") or ".." in path.split("/"):
        return f"{path!r} is not a path from the root of the Earthly target's artifacts"
    return ""


def _name_mistake(name: str) -> str:
    if not name or name.startswith("/") or name.endswith("/") or name != posixpath.normpath(name) or name.split("/", maxsplit=1)[0] in ("..", "."):
        return f"{name!r} is not a relative path below out/"
    return ""
