"""Demands, what they read and the pinned tokens -> builds under their generations, with new tokens for those that are asked for (design.md 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matrixbuild.core.build import Build, builds
from matrixbuild.core.expand import Expansion
from matrixbuild.core.graph import Address
from matrixbuild.core.inputs import Pairs
from matrixbuild.core.lock import Lock
from matrixbuild.core.pins import carried, with_token
from matrixbuild.core.problems import InvalidError, Problem
from matrixbuild.core.reading import Reading
from matrixbuild.core.selection import of_cells, selected


def generated(
    expansion: Expansion, readings: Mapping[Address, Reading], lock: Lock | None, pinned: Pairs, *, rebuild: str = "", selector: str = ""
) -> tuple[tuple[Build, ...], Pairs]:
    """The builds, and the tokens that are in use, by build name. `rebuild` selects cells: their builds, as far as `selector` selects them too,
    share one new token.

    Raises as `core.build.builds`; UsageError and InvalidError for selectors that are none, or select nothing.
    """
    made = builds(expansion.demands, readings, generations=dict(pinned))
    tokens = carried(pinned, made, lock)
    if rebuild:
        from matrixbuild.adapters.tokens import draw_token

        tokens = with_token(tokens, _forced(made, expansion, rebuild, selector), draw_token())
    if tokens != pinned:
        made = builds(expansion.demands, readings, generations=dict(tokens))
    return made, tokens


def _forced(made: Sequence[Build], expansion: Expansion, rebuild: str, selector: str) -> frozenset[str]:
    """Not what they need as well: that is asked for by its own cells."""
    names = of_cells(made, expansion, rebuild, option="--rebuild")
    chosen = selected(made, expansion, selector)
    found = names if chosen is None else names & chosen
    if not found:
        summary = (
            f"--rebuild {rebuild}: -l {selector} selects no build of such a cell" if selector else f"--rebuild {rebuild}: no build is for such a cell"
        )
        raise InvalidError(Problem(summary=summary, hint=f"`matrixbuild list {expansion.manifest.file}` shows the cells", code="nothing-selected"))
    return found
