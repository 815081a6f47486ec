"""Declared axes -> their values, and the combinations of these."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from matrixbuild.core.cells import AxisValue, Cell
from matrixbuild.core.manifest import Axis, DeclaredValue, Manifest, Text
from matrixbuild.core.problems import Place, Problem, did_you_mean

MAX_CELLS = 200_000


@dataclass(slots=True, kw_only=True)
class KnownAxis:
    """An axis with the values it can have: its own in declared order, and those that only included cells bring (`extra`), by their text."""

    name: str
    place: Place
    values: dict[str, AxisValue] = field(default_factory=dict)
    extra: dict[str, AxisValue] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)

    def all_values(self) -> Iterator[AxisValue]:
        return itertools.chain(self.values.values(), self.extra.values())

    def find(self, text: str) -> AxisValue | None:
        return self.values.get(text) or self.extra.get(text)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that any of its values has, in order of first appearance."""
        return tuple(dict.fromkeys(name for value in self.all_values() for name, _ in value.fields))


Axes = Mapping[str, KnownAxis]


def known_axes(manifest: Manifest, problems: list[Problem]) -> dict[str, KnownAxis]:
    """Every axis with its values, sorted by name: what is reported never hangs on the order of the file. A value given twice is a problem."""
    return {axis.name: _known(axis, problems) for axis in sorted(manifest.axes, key=lambda axis: axis.name)}


def _known(axis: Axis, problems: list[Problem]) -> KnownAxis:
    known = KnownAxis(name=axis.name, place=axis.place)
    for declared in axis.values:
        for value, place in values_of(declared, problems):
            if value.text not in known.values:
                known.values[value.text] = value
                known.places[value.text] = place
                continue
            first = known.places[value.text].line
            problems.append(
                Problem(
                    summary=f"{axis.name} has two values that read {value.text}",
                    place=place,
                    hint=f"the first is in line {first}",
                    code="axis-value-twice",
                )
            )
    return known


def values_of(declared: DeclaredValue, problems: list[Problem]) -> Iterator[tuple[AxisValue, Place]]:
    """The values an entry stands for, each with its place: one, or one per version."""
    if declared.scalar is not None:
        yield scalar_value(declared.scalar), declared.place
    elif declared.versions is None:
        yield _mapping(declared.fields), declared.place
    else:
        before, after = declared.fields[: declared.version_at], declared.fields[declared.version_at :]
        for version in declared.versions:
            if _is_range(version.value):
                problems.append(_range_problem(version))
            yield _mapping((*before, ("version", version), *after)), version.place


def scalar_value(scalar: str | bool) -> AxisValue:  # noqa: FBT001 - a value, not a flag
    return AxisValue(text=str(scalar).lower() if isinstance(scalar, bool) else scalar, scalar=scalar)


def _mapping(fields: Sequence[tuple[str, Text]]) -> AxisValue:
    pairs = tuple((name, text.value) for name, text in fields)
    return AxisValue(text="-".join(value for _, value in pairs), fields=pairs)


def _is_range(version: str) -> bool:
    return any(part in ("x", "X") for part in version.split("."))


def _range_problem(version: Text) -> Problem:
    hint = "name the versions; ranges need a catalog of versions, which this version of matrixbuild does not read"
    return Problem(summary=f"{version.value!r} is a range, not a version", place=version.place, hint=hint, code="version-range")


def too_many(axes: Axes, *, place: Place) -> Problem | None:
    """The problem that the product is larger than any machine should try; computed before a cell exists."""
    counts = [(axis.name, len(axis.values)) for axis in axes.values()]
    total = math.prod(count for _, count in counts)
    if total <= MAX_CELLS:
        return None
    spelled = " x ".join(f"{count} {name}" for name, count in counts)
    summary = f"{spelled} are {total:,} cells, and a manifest has at most {MAX_CELLS:,}"
    return Problem(summary=summary, place=place, hint="take values away, or make several manifests", code="too-many-cells")


def product(axes: Axes) -> Iterator[Cell]:
    """All combinations; axes by name, values as declared."""
    names = tuple(axes)
    for values in itertools.product(*(axis.values.values() for axis in axes.values())):
        yield Cell(values=tuple(zip(names, values, strict=True)))


def unknown_axis(name: str, axes: Axes, place: Place) -> Problem:
    """The problem that there is no axis of that name."""
    hint = did_you_mean(name, axes) or f"the axes are {', '.join(axes)}"
    return Problem(summary=f"there is no axis {name!r}", place=place, hint=hint, code="unknown-axis")
