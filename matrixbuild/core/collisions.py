"""Builds that would write over each other become problems, each with what would keep them apart."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from matrixbuild.core.cells import Cell
from matrixbuild.core.demand import ArtifactDemand, Demand, Written
from matrixbuild.core.names import ImageName
from matrixbuild.core.problems import Problem

if TYPE_CHECKING:
    from matrixbuild.core.build import Build

Claim = tuple["Build", Cell]
"""A build that would publish an image name for a cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A file a build writes: `parts` of its path below out/, as a file system compares them."""

    parts: tuple[str, ...]
    build: Build
    path: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clash:
    """An image name that builds of different keys (`images`) claim, two of them, and the axes that would tell all of them apart."""

    ref: ImageName
    one: Build
    other: Build
    missing: tuple[str, ...]
    images: frozenset[str]


def shared_refs(builds: Sequence[Build]) -> list[Problem]:
    """Image names that builds with different keys would publish: one problem for each two targets, with all axes that the tag lacks."""
    claims: defaultdict[ImageName, list[Claim]] = defaultdict(list)
    for build in builds:
        for cell, refs in build.cells:
            for ref in refs:
                claims[ref].append((build, cell))
    alike: defaultdict[tuple[str, str, bool], list[_Clash]] = defaultdict(list)
    # Thousands of names with one claim need no order.
    for ref, claimants in sorted((ref, claimants) for ref, claimants in claims.items() if len(claimants) > 1):
        for clash in _clashes(ref, claimants):
            alike[clash.one.target, clash.other.target, bool(clash.missing)].append(clash)
    single = _single(builds) if alike else frozenset()
    return [_shared_ref(clashes, single) for clashes in alike.values()]


def _clashes(ref: ImageName, claims: Sequence[Claim]) -> list[_Clash]:
    """Of all that claim a name one; where no axes tell them all apart, one of each target by itself, and one of two targets."""
    targets: defaultdict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        targets[claim[0].target].append(claim)
    groups = [list(claims)] if len(targets) == 1 or _missing(ref, claims) else list(targets.values())
    found = [clash for group in groups if (clash := _clash(ref, group, missing=_missing(ref, group)))]
    if len(groups) > 1:
        across = [groups[0][0], *(claim for group in groups[1:] for claim in group)]
        found += [replace(clash, images=_keys(claims)) for clash in [_clash(ref, across, missing=())] if clash]
    return found


def _clash(ref: ImageName, claims: Sequence[Claim], *, missing: tuple[str, ...]) -> _Clash | None:
    other = _in_the_way(ref, claims)
    return _Clash(ref=ref, one=claims[0][0], other=other, missing=missing, images=_keys(claims)) if other else None


def _keys(claims: Sequence[Claim]) -> frozenset[str]:
    return frozenset(build.key for build, _ in claims)


def _in_the_way(ref: ImageName, claims: Sequence[Claim]) -> Build | None:
    """A build of another key than the first one's, with which it cannot share the name: not even in an index, one for each value of its axes."""
    one, first = claims[0]
    axes = one.index_of(ref)
    others = ((build, cell) for build, cell in claims if build.key != one.key)
    return next(
        (
            build
            for build, cell in others
            if build.index_of(ref) != axes or not _in_one_index(axes, (one, first), (build, cell)) or _twice(axes, (build, cell), claims)
        ),
        None,
    )


def _in_one_index(axes: Sequence[str], one: Claim, other: Claim) -> bool:
    if not axes or _texts(one[1], axes) == _texts(other[1], axes):
        return False
    return all(_value(one[1], axis) == _value(other[1], axis) for axis in {*one[0].uncovered, *other[0].uncovered})


def _twice(axes: Sequence[str], claim: Claim, claims: Sequence[Claim]) -> bool:
    return any(other.key != claim[0].key and _texts(at, axes) == _texts(claim[1], axes) for other, at in claims)


def _texts(cell: Cell, axes: Sequence[str]) -> tuple[str, ...]:
    return tuple(_value(cell, axis) for axis in axes)


def varying_artifacts(demands: Sequence[Demand]) -> list[Problem]:
    """An artifact of one build that its cells call differently: the file cannot depend on what the names differ by."""
    named: defaultdict[str, dict[str, tuple[ArtifactDemand, Cell]]] = defaultdict(dict)
    for demand in demands:
        for nth, artifact in enumerate(sorted(demand.artifacts, key=lambda artifact: (artifact.path, artifact.name))):
            named[f"{nth} {artifact.path}"].setdefault(artifact.name, (artifact, demand.cell))
    return [_varying(list(names.values())) for names in named.values() if len(names) > 1]


def artifacts_written_twice(builds: Iterable[Build]) -> list[Problem]:
    """Artifacts that would land on, or inside, one another. Compared without case: some file systems do not tell it apart."""
    files = [_written(build, path, name) for build in builds for path, name in build.artifacts]
    written = sorted(files, key=lambda file: (file.parts, file.build.name, file.path))
    return [_written_twice(one, other) for one, other in itertools.pairwise(written) if other.parts[: len(one.parts)] == one.parts]


def _written(build: Build, path: str, name: str) -> _Written:
    return _Written(parts=tuple(f"{build.slug}/{name}".casefold().split("/")), build=build, path=path, name=name)


def _missing(ref: ImageName, claims: Sequence[Claim]) -> tuple[str, ...]:
    """The axes, or fields of an axis, that would tell the builds apart, as templates name them: none that the others make needless, and none of an
    index, which no name may tell."""
    differing = {name for (_, left), (_, right) in itertools.pairwise(claims) for name in _differing(left, right)}
    index = claims[0][0].index_of(ref)
    missing = sorted(name for name in differing if name.partition(".")[0] not in index)
    for name in tuple(missing):
        fewer = [other for other in missing if other != name]
        if _tell_apart(fewer, ref, claims):
            missing = fewer
    return tuple(missing) if _tell_apart(missing, ref, claims) else ()


def _tell_apart(names: Sequence[str], ref: ImageName, claims: Sequence[Claim]) -> bool:
    # Joined as the suggested tag joins them: two values may have hyphens of their own.
    alike: defaultdict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        alike["-".join(_texts(claim[1], names))].append(claim)
    return not any(_in_the_way(ref, group) for group in alike.values())


def _value(cell: Cell, name: str) -> str:
    axis, _, field = name.partition(".")
    if axis not in cell.axes:
        return ""
    return (cell[axis].field(field) or "") if field else cell[axis].text


def _differing(left: Cell, right: Cell) -> list[str]:
    shared = [axis for axis in left.axes if axis in right.axes and left[axis].text != right[axis].text]
    return [name for axis in shared for name in _differing_fields(axis, left, right) or [axis]]


def _differing_fields(axis: str, left: Cell, right: Cell) -> list[str]:
    return [f"{axis}.{field}" for field, value in left[axis].fields if right[axis].field(field) != value]


def _shared_ref(clashes: Sequence[_Clash], single: frozenset[str]) -> Problem:
    clash = clashes[0]
    one, other, ref = clash.one, clash.other, clash.ref
    images, missing = frozenset[str]().union(*(each.images for each in clashes)), sorted({name for each in clashes for name in each.missing})
    counted = f" ({len(images)} images, {len(clashes)} {'tag' if len(clashes) == 1 else 'tags'})" if len(images) > 2 else ""
    first = one.tag or Written(text=ref.tag, place=one.place)
    second = other.tag or Written(text=ref.tag, place=other.place)
    places = " and ".join(dict.fromkeys(str(tag.place) for tag in (first, second)))
    if missing:
        lacks = f"the tag does not tell {_words(missing)}"
        fixed = f"{first.text}-{'-'.join(f'{{{{ {name} }}}}' for name in missing)}"
        if first.foreign:
            hint = f'give the profile\'s target another tag: targets: {{{one.target}: {{image: {{tag: "{fixed}"}}}}}}{_later(clash, single)}'
        else:
            hint = f'add it to the tag at {places}, for example tag: "{fixed}"{_later(clash, single)}'
    else:
        lacks = "no axis tells them apart"
        hint = f"give one of them another tag or repository, at {places}"
    return Problem(
        summary=f"{one.name} and {other.name} differ and would both publish {ref}{counted}: {lacks}",
        place=first.place,
        hint=hint,
        code="shared-ref",
    )


def _single(builds: Sequence[Build]) -> frozenset[str]:
    """The axes that have one value in all builds."""
    texts: defaultdict[str, set[str]] = defaultdict(set)
    for build in builds:
        for cell, _ in build.cells:
            for axis, value in cell.values:
                texts[axis].add(value.text)
    return frozenset(axis for axis, found in texts.items() if len(found) == 1)


def _later(clash: _Clash, single: frozenset[str]) -> str:
    """What the name lacks besides, harmless as long as it has one value."""
    lacking = [axis for axis in clash.one.uncovered if axis in single]
    return f"; it does not tell {_words(lacking)} either, of which there is one value now" if lacking else ""


def _varying(claims: Sequence[tuple[ArtifactDemand, Cell]]) -> Problem:
    (first, _), (second, _) = claims[:2]
    axes = sorted({name.partition(".")[0] for (_, left), (_, right) in itertools.pairwise(claims) for name in _differing(left, right)})
    why = f"its contents do not depend on {_words(axes)}" if axes else "it is the same file"
    return Problem(
        summary=f"{first.path} would be called {first.name!r} and {second.name!r}, but it is one file of one build: {why}",
        place=first.place,
        hint=f"leave {_words(axes)} out of `as`" if axes else "give it one name",
        code="varying-artifact",
    )


def _written_twice(one: _Written, other: _Written) -> Problem:
    whose = " and ".join(dict.fromkeys((one.build.name, other.build.name)))
    where = f"both to {one.name!r}" if one.name == other.name else f"to {one.name!r} and {other.name!r}, which are in each other's way"
    return Problem(
        summary=f"{whose}: {one.path} and {other.path} would be written {where}",
        place=one.build.place,
        hint="give each artifact a name of its own with `as`",
        code="artifact-twice",
    )


def _words(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
