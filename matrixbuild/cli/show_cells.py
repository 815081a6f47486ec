"""An expansion and what is built for it -> the table of its cells, and each step that led to them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from matrixbuild.core.built_for import BuiltFor
from matrixbuild.core.cell_rules import DroppedCell
from matrixbuild.core.cells import AxisValue, Cell
from matrixbuild.core.counts import counted
from matrixbuild.core.declared import Condition, Effect, Rule
from matrixbuild.core.expand import Expansion
from matrixbuild.core.matching import shown
from matrixbuild.core.selection import cells_of

Built = Mapping[Cell, Sequence[BuiltFor]]


def cells_text(expansion: Expansion, built: Built | None = None, *, every: bool, selector: str = "") -> str:
    """The cells, one a line in columns by axis as declared, each with the builds and image names that it has in `built`, or with its targets where
    those are not known; with `every`, step by step with the cells that were dropped and why. With a `selector` only those that it selects. Raises as
    core.selection.cells_of."""
    chosen = cells_of(expansion, selector) if selector else expansion.cells
    lines = _steps(expansion, built, chosen, selector) if every else _table(expansion, built, chosen)
    return "".join(f"{line}\n" for line in lines)


def cells_json(expansion: Expansion, built: Built | None = None, *, every: bool, selector: str = "") -> str:
    """The same as data, as schemas/list.schema.json describes it; `targets` are those built for a cell. Raises likewise."""
    targets = _targets(expansion)
    chosen = cells_of(expansion, selector) if selector else expansion.cells
    cells = [_cell(expansion, cell) | {"targets": targets.get(cell, [])} | _builds(built, cell) for cell in chosen]
    shown: dict[str, object] = {"name": expansion.manifest.name, "cells": cells}
    if every:
        shown["dropped"] = [_cell(expansion, one.cell) | {"rules": [_rule(rule) for rule in one.rules]} for one in expansion.dropped]
    return json.dumps(shown, indent=2, ensure_ascii=False) + "\n"


def _builds(built: Built | None, cell: Cell) -> dict[str, object]:
    return {} if built is None else {"builds": [one.to_dict() for one in built.get(cell, ())]}


def _axes(expansion: Expansion) -> list[str]:
    return list(expansion.axes)


def _table(expansion: Expansion, built: Built | None, cells: Sequence[Cell]) -> Iterator[str]:
    axes = _axes(expansion)
    rows = [[cell[axis].text for axis in axes] for cell in cells]
    if built is None:
        targets = _targets(expansion)
        return _columns([[*axes, "targets"], *([*row, " ".join(targets.get(cell, []))] for row, cell in zip(rows, cells, strict=True))])
    heading, *lines = _columns([axes, *rows])
    return iter([heading, *(line for row, cell in zip(lines, cells, strict=True) for line in (row, *_built(built.get(cell, ()))))])


def _built(made: Sequence[BuiltFor]) -> Iterator[str]:
    """A line for each build, and for each name of its image but the first."""
    rows = [(one.build if not nth else "", ref) for one in made for nth, ref in enumerate(one.refs or ("",))]
    return (f"    {line}" for line in _columns(rows)) if rows else iter(())


def _columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def _steps(expansion: Expansion, built: Built | None, chosen: Sequence[Cell], selector: str) -> Iterator[str]:
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
    yield from (f"  {line}" for line in _table(expansion, built, chosen))


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
