"""Builds whose targets say `index` -> the indexes over them: whose images each one lists, and its bytes (design.md 9)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matrixbuild.core.cells import Cell
from matrixbuild.core.compact import compact
from matrixbuild.core.demand import Demand
from matrixbuild.core.images import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX
from matrixbuild.core.names import ImageName, Platform
from matrixbuild.core.problems import Problem

if TYPE_CHECKING:
    from matrixbuild.core.build import Build
    from matrixbuild.core.registry import Descriptor, StoredManifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """One image name that stands for an index: one image for each value of `axes`; `children` are all the builds of them, sorted by name."""

    ref: ImageName
    axes: tuple[str, ...]
    children: tuple[Build, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the children."""
        return tuple(child.name for child in self.children)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells that the name is for."""
        return tuple(cell for child in self.children for cell, refs in child.cells if self.ref in refs)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Child:
    """One entry of an index: `manifest` is that of an image (never of another index), `build` the one that left it."""

    platform: Platform
    build: str
    manifest: Descriptor


def indexes(builds: Iterable[Build]) -> tuple[Index, ...]:
    """The indexes that builds are children of, sorted by image name. Names that builds cannot share were refused before (core.collisions)."""
    children: defaultdict[ImageName, list[Build]] = defaultdict(list)
    axes: dict[ImageName, tuple[str, ...]] = {}
    for build in builds:
        for ref, of_index in build.indexes:
            children[ref].append(build)
            axes[ref] = of_index
    return tuple(
        Index(ref=ref, axes=axes[ref], children=tuple(sorted(found, key=lambda build: build.name))) for ref, found in sorted(children.items())
    )


def rendered(children: Sequence[Child]) -> StoredManifest:
    """The index over these images, one a platform: the same bytes for the same images in any order.

    It is of Docker's kind only where every image is; an OCI index may list both kinds.
    """
    # What a plan says of indexes needs nothing of a registry.
    from matrixbuild.core.registry import StoredManifest

    docker = all(child.manifest.media_type == DOCKER_MANIFEST for child in children)
    media_type = DOCKER_LIST if docker else OCI_INDEX
    entries = [_entry(child) for child in sorted(children)]
    return StoredManifest(media_type=media_type, data=compact({"schemaVersion": 2, "mediaType": media_type, "manifests": entries}))


def _entry(child: Child) -> dict[str, object]:
    platform = {"os": child.platform.os, "architecture": child.platform.architecture, "variant": child.platform.variant}
    return {
        "mediaType": child.manifest.media_type,
        "digest": child.manifest.digest,
        "size": child.manifest.size,
        "platform": {name: text for name, text in platform.items() if text},
    }


def overlapping_platforms(index: Index, children: Sequence[Child]) -> list[Problem]:
    """Images of one index that are for one platform: whoever pulls the name could get either."""
    first: dict[Platform, Child] = {}
    found = []
    for child in sorted(children):
        other = first.setdefault(child.platform, child)
        if other is not child:
            found.append(_same_platform(index, other, child))
    return found


def _same_platform(index: Index, one: Child, other: Child) -> Problem:
    tag = index.children[0].tag
    return Problem(
        summary=f"{index.ref} would list two images for {one.platform}: {_both(one.build, other.build)}",
        place=tag.place if tag else index.children[0].place,
        hint=f"an index has one image a platform: build each for the platform that {' and '.join(index.axes)} says, or take it out of `index`",
        code="index-overlap",
    )


def _both(one: str, other: str) -> str:
    return f"those of {one} and {other}" if one != other else f"{one} has both"


def overlapping_demands(demands: Sequence[Demand], name: str) -> list[Problem]:
    """What is wrong with the index names of one build, called `name`, that all of these demands come to: an image that would be listed twice, and
    an image name that one target gives to an index and another to the image itself."""
    sharing: defaultdict[ImageName, list[Demand]] = defaultdict(list)
    for demand in demands:
        if demand.image:
            sharing[demand.image].append(demand)
    return [problem for ref, found in sorted(sharing.items()) if len(found) > 1 and (problem := _overlap(ref, found, name))]


def _overlap(ref: ImageName, demands: Sequence[Demand], name: str) -> Problem | None:
    first = demands[0]
    if other := next((demand for demand in demands if demand.asked.index != first.asked.index), None):
        return Problem(
            summary=f"{ref} is {_kind(first)} for the target {first.target}, and {_kind(other)} for {other.target}",
            place=other.asked.tag.place if other.asked.tag else other.place,
            hint="give one of them another tag or repository, or both the same `index`",
            code="index-overlap",
        )
    other = next((demand for demand in demands if _texts(demand, first.asked.index) != _texts(first, first.asked.index)), None)
    if other is None:
        return None
    axes = " and ".join(first.asked.index)
    values = f"{_texts(first, first.asked.index)} and for {_texts(other, first.asked.index)}"
    return Problem(
        summary=f"{ref} would list {name} for {values}: it is one image, which {axes} does not change",
        place=first.asked.tag.place if first.asked.tag else first.place,
        hint=f"take {axes} out of `index`, or give it to the build in an arg that the Earthly target uses",
        code="index-overlap",
    )


def _kind(demand: Demand) -> str:
    return f"an index over {' and '.join(demand.asked.index)}" if demand.asked.index else "an image"


def _texts(demand: Demand, axes: Sequence[str]) -> str:
    return ",".join(demand.cell[axis].text for axis in axes)


def incomplete(found: Sequence[Index], selected: Set[str], known: Set[str]) -> list[Problem]:
    """Indexes with children that are not among the `selected` builds (names) and whose images are not `known` (build keys) either."""
    return [
        _incomplete(index, lacking)
        for index in found
        if not selected.isdisjoint(index.names)
        and (lacking := [child for child in index.children if child.name not in selected and child.key not in known])
    ]


def _incomplete(index: Index, lacking: Sequence[Build]) -> Problem:
    tag = lacking[0].tag
    return Problem(
        summary=f"{index.ref} lists the images of {' and '.join(index.names)}, and {lacking[0].name} is neither selected nor built",
        place=tag.place if tag else lacking[0].place,
        hint=f"select all values of {' and '.join(index.axes)}",
        code="index-incomplete",
    )
