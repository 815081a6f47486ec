"""An expansion -> the table of its cells, and each step that led to them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from matrixbuild.cli.counts import counted
from matrixbuild.core.cell_rules import DroppedCell
from matrixbuild.core.cells import AxisValue, Cell
from matrixbuild.core.declared import Condition, Effect, Rule
from matrixbuild.core.expand import Expansion
from matrixbuild.core.matching import shown
from matrixbuild.core.selection import cells_of


def cells_text(expansion: Expansion, *, every: bool, selector: str = "") -> str:
    """The cells, one a line in columns by axis as declared; with `every`, step by step with those that were dropped and why. With a `selector`
    only the cells that it selects. Raises as core.selection.cells_of."""
    chosen = cells_of(expansion, selector) if selector else expansion.cells
    lines = _steps(expansion, chosen, selector) if every else _table(expansion, chosen)
    return "".join(f"{line}\n" for line in lines)


def cells_json(expansion: Expansion, *, every: bool, selector: str = "") -> str:
    """The same as data, as schemas/list.schema.json describes it; `targets` are those built for a cell. Raises likewise."""
    targets = _targets(expansion)
    chosen = cells_of(expansion, selector) if selector else expansion.cells
    cells = [_cell(expansion, cell) | {"targets": targets.get(cell, [])} for cell in chosen]
    shown: dict[str, object] = {"name": expansion.manifest.name, "cells": cells}
    if every:
        shown["dropped"] = [_cell(expansion, one.cell) | {"rules": [_rule(rule) for rule in one.rules]} for one in expansion.dropped]
    return json.dumps(shown, indent=2, ensure_ascii=False) + "\n"


def _axes(expansion: Expansion) -> list[str]:
    return list(expansion.axes)


def _table(expansion: Expansion, cells: Sequence[Cell]) -> Iterator[str]:
    axes, targets = _axes(expansion), _targets(expansion)
    rows = [[cell[axis].text for axis in axes] + [" ".join(targets.get(cell, []))] for cell in cells]
    return _columns([[*axes, "targets"], *rows])


def _columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def _steps(expansion: Expansion, chosen: Sequence[Cell], selector: str) -> Iterator[str]:
    sizes = " x ".join(f"{_size(axis, expansion)} {axis}" for axis in expansion.axes)
    yield f"axes: {sizes} = {counted(expansion.product, 'cell')}"
    for rule in expansion.rules:
        dropped = [one for one in expansion.dropped if one.rules[0].name == rule.name]
        if dropped or (rule.effect in (Effect.REQUIRE, Effect.EXCLUDE) and not rule.inherited):
            yield from _dropping(rule, dropped, expansion)
    included = expansion.cells[len(expansion.cells) - expansion.included :]
    yield f"\ninclude: {counted(expansion.included, 'cell')} added"
    yield from (f"  + {line}" for line in _columns([[cell[axis].text for axis in _axes(expansion)] for cell in included]))
    whole = counted(len(expansion.cells), "cell")
    yield f"\nselection: -l {selector} selects {len(chosen):,} of {whole}" if selector else f"\ncells: {whole}"
    yield from (f"  {line}" for line in _table(expansion, chosen))


def _dropping(rule: Rule, dropped: Sequence[DroppedCell], expansion: Expansion) -> Iterator[str]:
    yield f"\nrule {rule.name}: {counted(len(dropped), 'cell')} dropped: {rule.reason}"
    when = f"when {_conditions(rule.when)}: " if rule.when else ""
    yield f"  {when}{rule.effect.value} {_conditions(rule.conditions)}"
    others = [", ".join(other.name for other in one.rules[1:]) for one in dropped]
    rows = [
        [*(one.cell[axis].text for axis in _axes(expansion)), f"also {other}" if other else ""] for one, other in zip(dropped, others, strict=True)
    ]
    yield from (f"  - {line}" for line in _columns(rows))


def _conditions(conditions: Sequence[Condition]) -> str:
    return ", ".join(f"{one.subject} {shown(one.wanted)}" for one in conditions)


def _size(axis: str, expansion: Expansion) -> int:
    products = (*expansion.cells[: len(expansion.cells) - expansion.included], *(one.cell for one in expansion.dropped))
    return len({cell[axis].text for cell in products})


def _targets(expansion: Expansion) -> dict[Cell, list[str]]:
    found: dict[Cell, list[str]] = {}
    for (target, _), cells in expansion.cells_of.items():
        for cell in cells:
            found.setdefault(cell, []).append(target)
    return {cell: sorted(targets) for cell, targets in found.items()}


def _cell(expansion: Expansion, cell: Cell) -> dict[str, object]:
    return {"cell": str(cell), "axes": {axis: _axis_value(cell[axis]) for axis in _axes(expansion)}}


def _axis_value(value: AxisValue) -> object:
    return dict(value.fields) if value.fields else value.scalar


def _rule(rule: Rule) -> dict[str, str]:
    return {"name": rule.name, "effect": rule.effect.value, "reason": rule.reason}
