"""Points of a matrix -> products of axis values that hold exactly them: `fips {false, true} x os {a, b}`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

Point = tuple[tuple[str, str], ...]
"""(axis, value), sorted by axis."""

Box = tuple[tuple[str, tuple[str, ...]], ...]
"""(axis, its values in natural order): every combination of them."""

_Sides = tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The name of a build taken apart: `iso[os=a]@0123` is of the target `iso`, at the point os=a; the beginning of a key is in no point."""

    target: str
    point: Point


def named(build: str) -> Named:
    target, _, rest = build.partition("[")
    point: list[tuple[str, str]] = []
    for part in rest.rpartition("]")[0].split(",") if rest else ():
        if pair := _pair(part):
            point.append(pair)
        elif point:  # a comma inside a value belongs to the value
            point[-1] = (point[-1][0], f"{point[-1][1]},{part}")
    return Named(target=target_of(target), point=tuple(point))


@lru_cache(maxsize=4096)  # the names of thousands of builds have a few hundred values
def _pair(part: str) -> tuple[str, str] | None:
    axis, equals, value = part.partition("=")
    return (axis, value) if equals else None


def target_of(build: str) -> str:
    """The target in the name of a build."""
    return build.partition("[")[0].partition("@")[0]


def boxes(points: Iterable[Point]) -> tuple[Box, ...]:
    """Disjoint products that together hold these points and no other, largest first; the same whatever the order of `points`."""
    families: defaultdict[tuple[str, ...], set[_Sides]] = defaultdict(set)
    single: dict[str, frozenset[str]] = {}
    for point in points:
        sides = [single.get(value) or single.setdefault(value, frozenset((value,))) for _, value in point]
        families[tuple([axis for axis, _ in point])].add(tuple(sides))
    found = [_box(axes, sides) for axes, family in families.items() for sides in _fewest(family, len(axes))]
    return tuple(sorted(found, key=lambda box: (-size(box), box)))


def around(points: Iterable[Point]) -> Box:
    """Every value that an axis has in some of the points: a product that holds them all, and may hold more."""
    values: defaultdict[str, set[str]] = defaultdict(set)
    for point in points:
        for axis, value in point:
            values[axis].add(value)
    return tuple((axis, natural(found)) for axis, found in sorted(values.items()))


def size(box: Box) -> int:
    """How many points it holds."""
    count = 1
    for _, values in box:
        count *= len(values)
    return count


def natural(values: Iterable[str]) -> tuple[str, ...]:
    """`1.9` before `1.10`."""
    return tuple(sorted(values, key=_natural))


@lru_cache(maxsize=4096)  # the images of thousands of builds have a few hundred tags
def _natural(value: str) -> tuple[tuple[str, ...], str]:
    return tuple([part.zfill(12) if part.isdigit() else part for part in re.split(r"(\d+)", value)]), value


def _fewest(family: set[_Sides], axes: int) -> set[_Sides]:
    """Which axis is merged first decides how many products come out: both ways are tried, by how many values an axis has."""
    order = sorted(range(axes), key=lambda axis: (len({sides[axis] for sides in family}), axis))
    ways = [_merged(family, order), _merged(family, order[::-1])]
    return min(ways, key=len)


def _merged(family: set[_Sides], order: Sequence[int]) -> set[_Sides]:
    while True:
        before = len(family)
        for axis in order:
            family = _along(family, axis)
        if len(family) == before:
            return family


def _along(family: set[_Sides], axis: int) -> set[_Sides]:
    """Products that differ on one axis alone become one."""
    alike: defaultdict[_Sides, list[frozenset[str]]] = defaultdict(list)
    for sides in family:
        alike[sides[:axis] + sides[axis + 1 :]].append(sides[axis])
    if len(alike) == len(family):
        return family
    return {(*rest[:axis], first.union(*others) if others else first, *rest[axis:]) for rest, (first, *others) in alike.items()}


def _box(axes: tuple[str, ...], sides: _Sides) -> Box:
    return tuple((axis, natural(values)) for axis, values in zip(axes, sides, strict=True))
