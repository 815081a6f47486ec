"""Product, rules and included cells -> the cells of the matrix, those that were dropped, and what there is to say about both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from matrixbuild.core.axes import Axes, KnownAxis, product, too_many, unknown_axis
from matrixbuild.core.cells import AxisValue, Cell
from matrixbuild.core.declared import DeclaredValue, Inclusion, Rule
from matrixbuild.core.manifest import Manifest
from matrixbuild.core.picks import Picker
from matrixbuild.core.problems import Place, Problem, Severity
from matrixbuild.core.rules import Bench, Deed, Ruling, matches_nothing, rulings

_RULES_SHOWN = 3
"""So many rules are named as the reason for what is not there; the others are counted."""


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


def select_cells(
    manifest: Manifest,
    axes: Axes,
    problems: list[Problem],
    warnings: list[Problem],
    *,
    inherited: Sequence[Rule] = (),
    overrides: Mapping[str, Deed] | None = None,
    picker: Picker | None = None,
    listed: Callable[[], Sequence[Ruling]] = tuple,
) -> CellSet:
    """The cells of a manifest. `axes` gains the values that only included cells have. `inherited` are the profile's rules, with `overrides` of
    what they do; `picker` looks up the versions of included cells; `listed` gives more rules, resolved once the axes have all their values."""
    if problem := too_many(axes, place=manifest.place):
        problems.append(problem)
        return CellSet()
    included = _included(manifest, axes, problems, picker or Picker())
    judges = (*listed(), *rulings((*inherited, *manifest.rules), axes, problems, overrides=overrides))
    found = CellSet()
    bench = Bench(judges, axes)
    remarks: list[tuple[int, Cell]] = []
    busy = 0
    for cell in product(axes):
        found.product += 1
        busy |= _judge(cell, bench, found, remarks)
    busy |= _include(included, bench, found, remarks, problems)
    problems.extend(matches_nothing(judge) for at, judge in enumerate(judges) if not judge.rule.inherited and not busy >> at & 1)
    _remark(judges, remarks, problems, warnings, lambda rule, cell: blamed(rule, cell, axes, manifest) if rule in inherited else rule.place)
    _check_survivors(manifest, axes, found, problems, warnings)
    return found


def _judge(cell: Cell, bench: Bench, found: CellSet, remarks: list[tuple[int, Cell]]) -> int:
    """The bits of the rules that are about it."""
    concerned, dropping, faults = bench.judged(cell)
    if dropping:
        found.dropped.append(DroppedCell(cell=cell, rules=dropping))
        return concerned
    found.cells.append(cell)
    if faults:
        remarks.append((faults, cell))
    return concerned


def _included(manifest: Manifest, axes: Axes, problems: list[Problem], picker: Picker) -> list[tuple[Cell, Inclusion]]:
    found = []
    for inclusion in manifest.include:
        before = len(problems)
        given = {name: (place, value) for name, place, value in inclusion.values}
        problems.extend(_not_of_the_matrix(name, axes, place) for name, (place, _) in given.items() if name not in axes)
        if missing := [name for name, axis in axes.items() if name not in given and axis.default is None]:
            summary = f"the included cell has no value for {', '.join(missing)}"
            problems.append(Problem(summary=summary, place=inclusion.place, hint="give one for every axis", code="include-incomplete"))
        values = tuple((name, value) for name, axis in axes.items() if (value := _included_value(axis, given.get(name), problems, picker)))
        if len(problems) == before and len(values) == len(axes):
            found.append((Cell(values=values), inclusion))
    return found


def _not_of_the_matrix(name: str, axes: Axes, place: Place) -> Problem:
    if name not in axes.constants:
        return unknown_axis(name, axes, place)
    hint = f"declare it under spec.axes: {name}: [{next(iter(axes.constants[name].values))}]"
    return Problem(summary=f"the matrix does not have the profile's axis {name!r}", place=place, hint=hint, code="unknown-axis")


def _included_value(axis: KnownAxis, given: tuple[Place, DeclaredValue] | None, problems: list[Problem], picker: Picker) -> AxisValue | None:
    """The value meant: an own one by its text, a new one, which the axis then knows, or the default. None for one that may not be."""
    if given is None:
        if axis.default is None:
            return None
        # As the axis has it: a value of its own may read like the default and be written otherwise.
        return axis.find(axis.default.text) or axis.extra.setdefault(axis.default.text, axis.default)
    declared = given[1]
    value = next((value for value, _ in picker.values(axis.name, axis.scheme, declared, problems)), None)
    if value is None:
        return None
    known = axis.find(value.text)
    axis.args.setdefault(value.text, declared.args)
    if known is None:
        if _is_misfit(axis, value):
            hint = f"write it as a mapping of {', '.join(axis.fields)}" if axis.fields else "write it as the other values of the axis are"
            summary = f"{axis.name} {value.text} is not of the kind that the axis has"
            problems.append(Problem(summary=summary, place=declared.place, hint=hint, code="include-kind"))
        axis.extra[value.text] = value
        axis.places[value.text] = declared.place
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


def _include(
    included: Sequence[tuple[Cell, Inclusion]], bench: Bench, found: CellSet, remarks: list[tuple[int, Cell]], problems: list[Problem]
) -> int:
    """The bits of the rules that are about any of them."""
    there = set(found.cells) if included else set()
    busy = 0
    for cell, inclusion in included:
        concerned, dropping, faults = bench.judged(cell)
        busy |= concerned
        if dropping:
            change = "" if dropping[0].inherited else f", or change the rule in line {dropping[0].place.line}"
            hint = f"{dropping[0].reason}: remove the entry{change}"
            summary = f"the rule {dropping[0].name!r} drops the included cell {cell}"
            problems.append(Problem(summary=summary, place=inclusion.place, hint=hint, code="include-dropped"))
        elif cell in there:
            problems.append(
                Problem(summary=f"the included cell {cell} is there already", place=inclusion.place, hint="remove it", code="include-twice")
            )
        else:
            there.add(cell)
            found.cells.append(cell)
            remarks.append((faults, cell))
            found.included += 1
    return busy


def _remark(
    judges: Sequence[Ruling],
    remarks: Sequence[tuple[int, Cell]],
    problems: list[Problem],
    warnings: list[Problem],
    place_of: Callable[[Rule, Cell], Place],
) -> None:
    """What `deny` and `warn` say of the cells that are left, once a rule. `remarks` are the bits of those that find fault with a cell."""
    for at, judge in enumerate(judges):
        hit = [cell for faults, cell in remarks if faults >> at & 1]
        if hit:
            told = remarked(judge.rule, judge.deed, hit, place_of(judge.rule, hit[0]))
            (problems if judge.deed is Deed.DENY else warnings).append(told)


def blamed(rule: Rule, cell: Cell, axes: Axes, manifest: Manifest) -> Place:
    """Where the author can do something about what a profile's rule says of a cell: at the first value of it that the rule is about and the
    manifest has written, else where that names the profile."""
    texts = {name: value.text for name, value in cell.values}
    named = [condition.axis for condition in (*rule.conditions, *rule.when)]
    written = [place for name in named if name in texts and (place := axes[name].places.get(texts[name]))]
    otherwise = manifest.profile.name.place if manifest.profile else rule.place
    return next((place for place in written if place.file != rule.place.file), otherwise)


def remarked(rule: Rule, deed: Deed, hit: Sequence[Cell], place: Place) -> Problem:
    """What a rule that denies or warns says of some cells."""
    verb, severity = ("refuses", Severity.ERROR) if deed is Deed.DENY else ("remarks on", Severity.WARNING)
    count = "1 cell" if len(hit) == 1 else f"{len(hit)} cells"
    summary = f"the rule {rule.name!r} {verb} {count}: {rule.reason}"
    others = f", and {len(hit) - 1} more" if len(hit) > 1 else ""
    return Problem(summary=summary, place=place, hint=f"{hit[0]}{others}", code=f"rule-{deed.value}", severity=severity)


def _check_survivors(manifest: Manifest, axes: Axes, found: CellSet, problems: list[Problem], warnings: list[Problem]) -> None:
    if not all(axis.values for axis in axes.values()):
        return  # why it has none was told where its values were read
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
    """The rules that drop the most of them first, as these are the reason sooner than those that would drop a few anyway."""
    counted = Counter(f"{rule.name!r} ({rule.reason})" for rule in rules).most_common()
    more = f", and {len(counted) - _RULES_SHOWN} more" if len(counted) > _RULES_SHOWN else ""
    return f"{', '.join(name for name, _ in counted[:_RULES_SHOWN])}{more}" or "nothing"
