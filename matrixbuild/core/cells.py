"""Axis values and their combinations: what one cell is, and how it is written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisValue:
    """One value of an axis: its text (`ubuntu-22.04`, `false`) and its fields in declared order (none for a scalar).

    `scalar` keeps what a scalar was (str, bool or int) for templates; it is None for a mapping.
    """

    text: str
    fields: tuple[tuple[str, str], ...] = ()
    scalar: str | bool | int | None = None

    def field(self, name: str) -> str | None:
        return next((value for key, value in self.fields if key == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One combination of axis values: one value an axis, sorted by the axes' names."""

    values: tuple[tuple[str, AxisValue], ...]

    def __getitem__(self, axis: str) -> AxisValue:
        return next(value for name, value in self.values if name == axis)

    @property
    def axes(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.values)

    def only(self, axes: frozenset[str]) -> Cell:
        """This cell on some of its axes."""
        return Cell(values=tuple((name, value) for name, value in self.values if name in axes))

    def __str__(self) -> str:
        return ",".join(f"{name}={value.text}" for name, value in self.values)
