"""Product, rules and included cells -> the cells of the matrix, those that were dropped, and what there is to say about both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from matrixbuild.core.axes import Axes, KnownAxis, product, too_many, unknown_axis, values_of
from matrixbuild.core.cells import AxisValue, Cell
from matrixbuild.core.manifest import DeclaredValue, Effect, Inclusion, Manifest, Rule
from matrixbuild.core.problems import Place, Problem, Severity
from matrixbuild.core.rules import Ruling, matches_nothing, rulings


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedCell:
    """A cell that rules drop: all of those that do, in declared order."""

    cell: Cell
    rules: tuple[Rule, ...]


@dataclass(slots=True, kw_only=True)
class CellSet:
    """The cells after rules and `include`; `product` counts the combinations of the axes, `included` the cells that were added at the end."""

    cells: list[Cell] = field(default_factory=list)
    dropped: list[DroppedCell] = field(default_factory=list)
    product: int = 0
    included: int = 0


def select_cells(manifest: Manifest, axes: Axes, problems: list[Problem], warnings: list[Problem]) -> CellSet:
    """The cells of a manifest. `axes` gains the values that only included cells have."""
    if problem := too_many(axes, place=manifest.place):
        problems.append(problem)
        return CellSet()
    included = _included(manifest, axes, problems)
    judges = rulings(manifest.rules, axes, problems)
    found = CellSet()
    idle = set(range(len(judges)))
    for cell in product(axes):
        found.product += 1
        _judge(cell, judges, found, idle)
    _include(included, judges, found, problems, idle)
    problems.extend(matches_nothing(judges[index]) for index in sorted(idle))
    _remark(judges, found.cells, problems, warnings)
    _check_survivors(manifest, axes, found, problems, warnings)
    return found


def _judge(cell: Cell, judges: Sequence[Ruling], found: CellSet, idle: set[int]) -> None:
    idle.difference_update([index for index in idle if judges[index].concerns(cell)])
    dropping = tuple(judge.rule for judge in judges if judge.drops(cell))
    if dropping:
        found.dropped.append(DroppedCell(cell=cell, rules=dropping))
    else:
        found.cells.append(cell)


def _included(manifest: Manifest, axes: Axes, problems: list[Problem]) -> list[tuple[Cell, Inclusion]]:
    found = []
    for inclusion in manifest.include:
        before = len(problems)
        given = {name: (place, value) for name, place, value in inclusion.values}
        problems.extend(unknown_axis(name, axes, place) for name, (place, _) in given.items() if name not in axes)
        if missing := [name for name in axes if name not in given]:
            summary = f"the included cell has no value for {', '.join(missing)}"
            problems.append(Problem(summary=summary, place=inclusion.place, hint="give one for every axis", code="include-incomplete"))
        values = tuple((name, _included_value(axis, given[name][1], problems)) for name, axis in axes.items() if name in given)
        if len(problems) == before:
            found.append((Cell(values=values), inclusion))
    return found


def _included_value(axis: KnownAxis, declared: DeclaredValue, problems: list[Problem]) -> AxisValue:
    """The value meant: an own one by its text, or a new one, which the axis then knows."""
    value = next(value for value, _ in values_of(declared, problems))
    known = axis.find(value.text)
    if known is None:
        if _is_misfit(axis, value):
            hint = f"write it as a mapping of {', '.join(axis.fields)}" if axis.fields else "write it as the other values of the axis are"
            summary = f"{axis.name} {value.text} is not of the kind that the axis has"
            problems.append(Problem(summary=summary, place=declared.place, hint=hint, code="include-kind"))
        axis.extra[value.text] = value
        return value
    is_short = isinstance(value.scalar, str) and bool(known.fields)
    if known != value and not is_short:
        summary = f"{axis.name} {value.text} reads as a value of the axis and is another"
        problems.append(Problem(summary=summary, place=declared.place, hint="write it as the axis does", code="include-kind"))
    return known


def _is_misfit(axis: KnownAxis, value: AxisValue) -> bool:
    return all(
        bool(own.fields) != bool(value.fields) or isinstance(own.scalar, bool) != isinstance(value.scalar, bool) for own in axis.values.values()
    )


def _include(included: Sequence[tuple[Cell, Inclusion]], judges: Sequence[Ruling], found: CellSet, problems: list[Problem], idle: set[int]) -> None:
    there = set(found.cells) if included else set()
    for cell, inclusion in included:
        idle.difference_update([index for index in idle if judges[index].concerns(cell)])
        dropping = [judge.rule for judge in judges if judge.drops(cell)]
        if dropping:
            hint = f"{dropping[0].reason}: remove the entry, or change the rule in line {dropping[0].place.line}"
            summary = f"the rule {dropping[0].name!r} drops the included cell {cell}"
            problems.append(Problem(summary=summary, place=inclusion.place, hint=hint, code="include-dropped"))
        elif cell in there:
            problems.append(
                Problem(summary=f"the included cell {cell} is there already", place=inclusion.place, hint="remove it", code="include-twice")
            )
        else:
            there.add(cell)
            found.cells.append(cell)
            found.included += 1


def _remark(judges: Sequence[Ruling], cells: Sequence[Cell], problems: list[Problem], warnings: list[Problem]) -> None:
    """What `deny` and `warn` say of the cells that are left, once a rule."""
    for judge in judges:
        effect = judge.rule.effect
        if effect not in (Effect.DENY, Effect.WARN):
            continue
        hit = [cell for cell in cells if judge.concerns(cell)]
        if hit and effect is Effect.DENY:
            problems.append(_remarked(judge.rule, hit, verb="refuses", severity=Severity.ERROR))
        elif hit:
            warnings.append(_remarked(judge.rule, hit, verb="remarks on", severity=Severity.WARNING))


def _remarked(rule: Rule, hit: Sequence[Cell], *, verb: str, severity: Severity) -> Problem:
    count = "1 cell" if len(hit) == 1 else f"{len(hit)} cells"
    summary = f"the rule {rule.name!r} {verb} {count}: {rule.reason}"
    others = f", and {len(hit) - 1} more" if len(hit) > 1 else ""
    return Problem(summary=summary, place=rule.place, hint=f"{hit[0]}{others}", code=f"rule-{rule.effect.value}", severity=severity)


def _check_survivors(manifest: Manifest, axes: Axes, found: CellSet, problems: list[Problem], warnings: list[Problem]) -> None:
    if not found.cells:
        names = _names(rule for dropped in found.dropped for rule in dropped.rules)
        problems.append(Problem(summary="no cell is left to build", place=manifest.place, hint=f"dropped by {names}", code="no-cells"))
        return
    alive = [{cell.values[index][1].text for cell in found.cells} for index in range(len(axes))]
    for index, axis in enumerate(axes.values()):
        warnings.extend(_extinct(axis, text, index, found) for text in axis.values if text not in alive[index])


def _extinct(axis: KnownAxis, text: str, index: int, found: CellSet) -> Problem:
    rules = (rule for dropped in found.dropped if dropped.cell.values[index][1].text == text for rule in dropped.rules)
    summary = f"no cell is left with {axis.name} {text}"
    place: Place = axis.places[text]
    return Problem(summary=summary, place=place, hint=f"dropped by {_names(rules)}", code="value-without-cell", severity=Severity.WARNING)


def _names(rules: Iterable[Rule]) -> str:
    return ", ".join(dict.fromkeys(f"{rule.name!r} ({rule.reason})" for rule in rules)) or "nothing"
