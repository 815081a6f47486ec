"""Axis values and their combinations: what one cell is, and how it is written."""

from __future__ import annotations

from dataclasses import dataclass, field


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


def told(axis: str, value: AxisValue) -> str:
    """How a cell's value is written in its text, where commas stand between values."""
    return f"{axis}={value.text}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cell:
    """One combination of axis values: one value an axis, sorted by the axes' names; `text` is how it is written.

    The text is made once, and is what a cell is hashed by: each of thousands of cells is looked up and written down a dozen times. Only who makes
    thousands of cells gives it.
    """

    values: tuple[tuple[str, AxisValue], ...]
    text: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not self.text:
            object.__setattr__(self, "text", ",".join([told(name, value) for name, value in self.values]))

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Cell) and self.values == other.values)

    def __hash__(self) -> int:
        return hash(self.text)

    def __getitem__(self, axis: str) -> AxisValue:
        for name, value in self.values:
            if name == axis:
                return value
        raise KeyError(axis)

    @property
    def axes(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.values)

    def only(self, axes: frozenset[str]) -> Cell:
        """This cell on some of its axes."""
        values = tuple([pair for pair in self.values if pair[0] in axes])
        return self if len(values) == len(self.values) else Cell(values=values)

    def __str__(self) -> str:
        return self.text
