"""Declared axes, and those of a profile -> their values, and the combinations of these."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from matrixbuild.core.cells import AxisValue, Cell, told
from matrixbuild.core.declared import Axis, DeclaredArg, DeclaredValue, Text
from matrixbuild.core.manifest import Manifest
from matrixbuild.core.picks import Picker
from matrixbuild.core.problems import Place, Problem, did_you_mean
from matrixbuild.core.values import plain_value
from matrixbuild.core.versions import Scheme

if TYPE_CHECKING:
    from matrixbuild.core.profile import Profile, ProfileAxis

MAX_CELLS = 200_000

AXIS_MISSING = "axis-missing"

SEMVER_AXIS = "kubernetes"
"""The axis whose versions compare as npm's do where no profile says how they compare; those of all others are numbers with dots."""


@dataclass(slots=True, kw_only=True)
class KnownAxis:
    """An axis with the values it can have: its own in declared order, and those that only included cells bring (`extra`), by their text.

    `args` are those of its values, by the value's text. `default` is the profile's, by its text. `written` are the fields of its entries: all
    there is to know of them where versions stay open.
    """

    name: str
    place: Place
    scheme: Scheme = Scheme.DOTTED
    values: dict[str, AxisValue] = field(default_factory=dict)
    extra: dict[str, AxisValue] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    args: dict[str, tuple[DeclaredArg, ...]] = field(default_factory=dict)
    default: AxisValue | None = None
    written: tuple[str, ...] = ()

    def all_values(self) -> Iterator[AxisValue]:
        return itertools.chain(self.values.values(), self.extra.values())

    def find(self, text: str) -> AxisValue | None:
        return self.values.get(text) or self.extra.get(text)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that any of its values has, in order of first appearance."""
        return tuple(dict.fromkeys((*(name for value in self.all_values() for name, _ in value.fields), *self.written)))


class Axes(dict[str, KnownAxis]):
    """The axes of the matrix, sorted by name: what is reported never hangs on the order of the file.

    `constants` are those that only the profile knows: each has its one default value and is no part of a cell.
    """

    def __init__(self, axes: Mapping[str, KnownAxis], constants: Mapping[str, KnownAxis] | None = None) -> None:
        super().__init__(axes)
        self.constants = dict(constants or {})

    @property
    def known(self) -> Mapping[str, KnownAxis]:
        """With the constants: what conditions and templates can name."""
        return {**self, **self.constants}


def known_axes(manifest: Manifest, problems: list[Problem], *, profile: Profile | None = None, picker: Picker | None = None) -> Axes:
    """Every axis with its values. A value given twice, a version that does not exist, an axis that the profile needs and nobody gives: problems."""
    of_profile = {axis.name: axis for axis in profile.axes} if profile else {}
    reading = _Reading(of_profile=of_profile, picker=picker or Picker(), problems=problems)
    declared = {axis.name: reading.declared(axis) for axis in manifest.axes}
    absent = [axis for name, axis in of_profile.items() if name not in declared]
    problems.extend(_not_given(axis, manifest) for axis in absent if axis.default is None)
    left_out = {axis.name: reading.left_out(axis, axis.default) for axis in absent if axis.default}
    always = {name: axis for name, axis in left_out.items() if of_profile[name].always}
    axes = {**declared, **always}
    return Axes({name: axes[name] for name in sorted(axes)}, {name: left_out[name] for name in sorted(left_out) if name not in always})


def _not_given(axis: ProfileAxis, manifest: Manifest) -> Problem:
    summary = f"spec.axes has no {axis.name!r}, and the profile has no default for it"
    return Problem(summary=summary, place=manifest.place, hint=axis.description, code=AXIS_MISSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    of_profile: Mapping[str, ProfileAxis]
    picker: Picker
    problems: list[Problem]

    def declared(self, axis: Axis) -> KnownAxis:
        known = self._empty(axis.name, axis.place)
        switch = known.default is not None and isinstance(known.default.scalar, bool)
        self.problems.extend(_no_switch(axis.name, value) for value in axis.values if switch and not isinstance(value.scalar, bool))
        known.written = tuple(dict.fromkeys(name for declared in axis.values for name in _fields(declared)))
        ranged: set[str] = set()
        for declared in axis.values:
            for value, place in self.picker.values(axis.name, known.scheme, declared, self.problems):
                in_range = _is_in_range(declared, value, place)
                if value.text in known.values:
                    overlap = in_range or value.text in ranged
                    if not (overlap and known.values[value.text] == value and _given(known.args[value.text]) == _given(declared.args)):
                        self.problems.append(_twice(axis.name, value, place, known.places[value.text], overlap=overlap))
                    continue
                known.values[value.text] = value
                known.places[value.text] = place
                known.args[value.text] = declared.args
                ranged |= {value.text} if in_range else set()
        return known

    def left_out(self, axis: ProfileAxis, default: DeclaredValue) -> KnownAxis:
        known = self._empty(axis.name, axis.place)
        value = plain_value(default)
        known.values[value.text] = value
        known.places[value.text] = axis.place
        return known

    def _empty(self, name: str, place: Place) -> KnownAxis:
        axis = self.of_profile.get(name)
        scheme = axis.scheme if axis else Scheme.SEMVER if name == SEMVER_AXIS else Scheme.DOTTED
        default = plain_value(axis.default) if axis and axis.default else None
        return KnownAxis(name=name, place=place, scheme=scheme, default=default)


def _fields(declared: DeclaredValue) -> list[str]:
    names = [name for name, _ in declared.fields]
    return names if declared.versions is None else [*names[: declared.version_at], "version", *names[declared.version_at :]]


def _no_switch(axis: str, value: DeclaredValue) -> Problem:
    shown = plain_value(value).text
    hint = f"write {shown} without quotes" if shown in ("true", "false") else "write true or false"
    return Problem(summary=f"the profile's axis {axis!r} is true or false, not {shown!r}", place=value.place, hint=hint, code="axis-switch")


def _is_in_range(declared: DeclaredValue, value: AxisValue, place: Place) -> bool:
    """Whether a range came to a value, which the author did not name: such a one may overlap with others, and what it has grows by itself."""
    version = value.field("version")
    named = (pick for pick in declared.versions or () if isinstance(pick, Text) and pick.place == place)
    return declared.versions is not None and all(pick.value != version for pick in named)


def _given(args: Sequence[DeclaredArg]) -> dict[str, str]:
    return {arg.name: arg.value.value for arg in args}


def _twice(axis: str, value: AxisValue, place: Place, first: Place, *, overlap: bool) -> Problem:
    summary = f"{axis} has two values that read {value.text}"
    others = ": give both the same args, or take it out of the range" if overlap else ""
    return Problem(summary=summary, place=place, hint=f"the first is in line {first.line}{others}", code="axis-value-twice")


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
    # A pair of axis and value is one for all cells that have it, and written once.
    pairs = [[(name, value) for value in axis.values.values()] for name, axis in axes.items()]
    texts = [[told(name, value) for name, value in own] for own in pairs]
    for values, parts in zip(itertools.product(*pairs), itertools.product(*texts), strict=True):
        yield Cell(values=values, text=",".join(parts))


def unknown_axis(name: str, axes: Mapping[str, KnownAxis], place: Place) -> Problem:
    """The problem that there is no axis of that name."""
    hint = did_you_mean(name, axes) or f"the axes are {', '.join(axes)}"
    return Problem(summary=f"there is no axis {name!r}", place=place, hint=hint, code="unknown-axis")
