"""A Manifest -> its Expansion: cells, what was dropped and why, demands, and everything that is wrong, in the reading order of design.md 3."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from matrixbuild.core.axes import known_axes
from matrixbuild.core.cell_rules import DroppedCell, select_cells
from matrixbuild.core.cells import Cell
from matrixbuild.core.demand import Demand
from matrixbuild.core.demands import demands, reduce_cells, without_cells
from matrixbuild.core.manifest import Manifest
from matrixbuild.core.offers import offers
from matrixbuild.core.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """What a manifest comes to.

    `product` counts the combinations of the axes, `included` the last of `cells`, which `include` added. `cells_of` gives, by target and
    reduced cell, the cells a demand stands for. There are demands only where there are no problems.
    """

    manifest: Manifest
    cells: tuple[Cell, ...]
    dropped: tuple[DroppedCell, ...]
    product: int
    included: int
    demands: tuple[Demand, ...] = ()
    cells_of: Mapping[tuple[str, Cell], tuple[Cell, ...]] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()
    problems: tuple[Problem, ...] = ()


def expand(manifest: Manifest) -> Expansion:
    """Product of axes -> rules -> include -> targets; every problem found on the way, none raised."""
    problems = list(manifest.problems)
    warnings: list[Problem] = []
    axes = known_axes(manifest, problems)
    found = select_cells(manifest, axes, problems, warnings)
    offered = offers(manifest, axes, problems)
    reduced = {}
    if not problems:
        reduced = {offer.target.name: reduce_cells(offer, found.cells) for offer in offered}
        problems.extend(without_cells(offer.target) for offer in offered if not reduced[offer.target.name])
    made = () if problems else demands(manifest, axes, offered, reduced, problems)
    return Expansion(
        manifest=manifest,
        cells=tuple(found.cells),
        dropped=tuple(found.dropped),
        product=found.product,
        included=found.included,
        demands=() if problems else made,
        cells_of={(name, small): full for name, cells in reduced.items() for small, full in cells.items()},
        warnings=in_order(warnings),
        problems=in_order(problems),
    )


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Each problem once, in the order of the file."""
    return tuple(sorted(dict.fromkeys(problems), key=_position))


def _position(problem: Problem) -> tuple[str, int, int, str]:
    place = problem.place
    return (place.file, place.line, place.column, problem.summary) if place else ("", 0, 0, problem.summary)
