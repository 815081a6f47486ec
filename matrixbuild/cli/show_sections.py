"""Sections of a text, each with ways to tell it -> lines that keep to a height: of what there is room for, what tells most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product

_FEW = (12, 6, 3)
"""So many lines a section of lesser things is cut to, where there is no room for more."""

Ways = Sequence[tuple[Callable[[], Sequence[str]], int]]
"""Ways to tell a section, whole first, then shorter and shorter: what gives its lines, and how much is lost by it."""


class Section:
    """A title and the ways to tell what is below it. Lines are only made where they are asked for, and once."""

    def __init__(self, title: str, ways: Ways) -> None:
        self.title = title
        self.losses = tuple(loss for _, loss in ways)
        self._ways = ways
        self._made: dict[int, Sequence[str]] = {}

    def lines(self, way: int) -> Sequence[str]:
        if way not in self._made:
            self._made[way] = self._ways[way][0]()
        return self._made[way]

    def height(self, way: int) -> int:
        """With its title, and a blank line after it; one without lines is not there."""
        return len(self.lines(way)) + 2 if self.lines(way) else 0


def shorter(lines: Sequence[str]) -> Ways:
    """All lines, or the first few of them."""
    fewer = [(partial(cut, lines, most), loss) for loss, most in enumerate(_FEW, start=1) if len(lines) > most + 1]
    return [(lambda: lines, 0), *fewer]


def cut(lines: Sequence[str], most: int) -> list[str]:
    more = len(lines) - most
    return [*lines[:most], f"and {more:,} more"] if more > 0 else list(lines)


def fitted(sections: Sequence[Section], room: int) -> tuple[list[Sequence[str]], bool]:
    """For each section the lines to show, and whether that is everything: of all combinations of ways that keep to the height `room`, the one
    that loses least."""
    losses: dict[tuple[int, ...], int] = {
        choice: sum(section.losses[way] for section, way in zip(sections, choice, strict=True))
        for choice in product(*(range(len(section.losses)) for section in sections))
    }
    for choice in sorted(losses, key=lambda choice: (losses[choice], choice)):
        if sum(section.height(way) for section, way in zip(sections, choice, strict=True)) <= room:
            return [section.lines(way) for section, way in zip(sections, choice, strict=True)], not losses[choice]
    return _squeezed([section.lines(len(section.losses) - 1) for section in sections], room), False


def _squeezed(shortest: Sequence[Sequence[str]], room: int) -> list[Sequence[str]]:
    """The last way out, with dozens of targets: the longest sections are cut until there is room for all."""
    limit = max(map(len, shortest))
    while limit > 1 and sum(min(len(lines), limit + 1) + 2 for lines in shortest if lines) > room:
        limit -= 1
    return [cut(lines, limit) if len(lines) > limit + 1 else lines for lines in shortest]
