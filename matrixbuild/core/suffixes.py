"""A profile's axes -> what the custom tag of a cell gains: a suffix for each axis whose value is not the default (design.md 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from matrixbuild.core.axes import Axes, KnownAxis
from matrixbuild.core.cells import AxisValue, Cell
from matrixbuild.core.declared import Text
from matrixbuild.core.problems import Problem
from matrixbuild.core.sandbox import Names
from matrixbuild.core.templates import RenderError, Scope, compile_template

if TYPE_CHECKING:
    from matrixbuild.core.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Suffixes:
    """By axis, in the profile's order: the suffix of each value that has one, by the value's text."""

    of_values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, cell: Cell) -> str:
        """`-fips-2n`; "" where every axis has its default. Axes that the cell does not have give nothing."""
        texts = {name: value.text for name, value in cell.values}
        return "".join(f"-{suffix}" for axis, suffixes in self.of_values.items() if (suffix := suffixes.get(texts.get(axis, ""))))


def suffixes(axes: Axes, profile: Profile | None, problems: list[Problem]) -> Suffixes:
    """What each value of each axis adds. A constant adds nothing: it is the default. A value that the profile's template cannot name (code
    `suffix`) is a problem: left out, it would be called what the default is."""
    known = profile.axes if profile else ()
    return Suffixes(of_values={axis.name: _of_axis(axis.suffix, axes[axis.name], problems) for axis in known if axis.suffix and axis.name in axes})


def _of_axis(suffix: Text, known: KnownAxis, problems: list[Problem]) -> dict[str, str]:
    mistakes: list[Problem] = []
    template = compile_template(suffix, Scope(axes={known.name: known.fields}), mistakes)
    default = known.default.text if known.default else None
    found: dict[str, str] = {}
    for value in known.all_values():
        if value.text == default:
            continue
        if template is None:
            problems.append(_unnamed(known, value, suffix, mistakes[0]))
            continue
        try:
            found[value.text] = template.render({known.name: axis_object(known.name, value)})
        except RenderError as error:
            problems.append(_unnamed(known, value, suffix, error.problem))
    return found


def _unnamed(known: KnownAxis, value: AxisValue, suffix: Text, mistake: Problem) -> Problem:
    summary = f"{known.name} {value.text} cannot be told in names: {mistake.summary}"
    hint = f"the profile makes the suffix of {suffix.value}: write the value so that it has that"
    return Problem(summary=summary, place=known.places.get(value.text, known.place), hint=hint, code="suffix")


def axis_object(name: str, value: AxisValue) -> object:
    """A value as templates see it: with its fields, or as the scalar that it is."""
    return Names(name, dict(value.fields), value.text) if value.fields else value.scalar
