"""A selector and builds -> the builds whose cells it selects, with all that they need."""

from __future__ import annotations

from collections.abc import Sequence

from matrixbuild.core.build import Build
from matrixbuild.core.cells import Cell
from matrixbuild.core.expand import Expansion
from matrixbuild.core.problems import InvalidError, Problem, UsageError
from matrixbuild.core.rules import Matcher, matcher
from matrixbuild.core.selectors import parse_selector


def selected(builds: Sequence[Build], expansion: Expansion, selector: str) -> frozenset[str] | None:
    """The names of the selected builds, with all that they need; None without a selector. Raises as `of_cells`."""
    return frozenset(_with_needs(set(of_cells(builds, expansion, selector)), builds)) if selector else None


def of_cells(builds: Sequence[Build], expansion: Expansion, selector: str, *, option: str = "-l") -> frozenset[str]:
    """The names of the builds for the selected cells: those that are for any of them. `option` is where the selector was given.

    Raises UsageError for a selector that is none, InvalidError for one that selects nothing.
    """
    chosen = frozenset(cells_of(expansion, selector, option=option))
    return frozenset(
        build.name
        for build in builds
        if any(not chosen.isdisjoint(expansion.cells_of.get(address, ())) for address in build.answers)
    )


def cells_of(expansion: Expansion, selector: str, *, option: str = "-l") -> tuple[Cell, ...]:
    """The selected cells, in their order. Raises as `of_cells`."""
    wanting = _matcher(expansion, selector, option)
    chosen = tuple(cell for cell in expansion.cells if wanting.matches(cell))
    if not chosen:
        summary = f"{option} {selector}: no cell is selected"
        raise InvalidError(Problem(summary=summary, hint=f"`matrixbuild list {expansion.manifest.file}` shows the cells", code="nothing-selected"))
    return chosen


def _matcher(expansion: Expansion, selector: str, option: str) -> Matcher:
    problems: list[Problem] = []
    conditions = parse_selector(selector, problems, file=option)
    if problems:
        raise UsageError(*problems)
    found = matcher(conditions, expansion.matrix, problems)
    if problems:
        raise InvalidError(*problems)
    return found


def _with_needs(found: set[str], builds: Sequence[Build]) -> set[str]:
    needs = {build.name: [name for name, _ in build.needs] for build in builds}
    waiting = list(found)
    while waiting:
        fresh = [name for name in needs.get(waiting.pop(), ()) if name not in found]
        found.update(fresh)
        waiting += fresh
    return found
