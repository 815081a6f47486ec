"""A profile's rules about ARGs, and the forms of their texts, judged on the demands that would be built with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING

from matrixbuild.core.axes import Axes
from matrixbuild.core.cell_rules import blamed, remarked
from matrixbuild.core.cells import Cell
from matrixbuild.core.declared import Condition, Effect
from matrixbuild.core.demand import Arg, Demand
from matrixbuild.core.demands import CellsOf
from matrixbuild.core.facts import mendable
from matrixbuild.core.manifest import Manifest
from matrixbuild.core.matching import AnyOf, Exact, Not, Pattern, accepted
from matrixbuild.core.problems import Problem, Severity
from matrixbuild.core.rules import Deed, Matcher, matcher
from matrixbuild.core.spans import holds

if TYPE_CHECKING:
    from matrixbuild.core.profile import Profile, ProfileRule

ABOUT_ARGS = "args"
"""Where an axis would stand in a condition: `args.BASE_IMAGE`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Test:
    """One mapping of conditions: those on axes resolved; those on ARGs by the name of each, and whether a text of it will do."""

    cells: Matcher
    args: tuple[tuple[str, Callable[[str], bool]], ...]

    def accepts(self, args: Mapping[str, str]) -> bool:
        return all(accepts(args.get(name, "")) for name, accepts in self.args)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Demands of one target that give the ARGs which rules are about the same values: `first` stands for all, each with its cells."""

    first: Demand
    args: Mapping[str, str]
    having: list[tuple[int, Sequence[Cell]]]
    """By their place among all demands."""


def judge(
    rules: Sequence[ProfileRule],
    demands: Sequence[Demand],
    cells_of: CellsOf,
    axes: Axes,
    manifest: Manifest,
    *,
    deeds: Mapping[str, Deed],
    lines: Mapping[str, Sequence[int]],
    problems: list[Problem],
    warnings: list[Problem],
) -> None:
    """What the rules say of the demands, once a rule, with the cells concerned and the lines of the Earthfile that prove it (by rule name)."""
    names = {name for each in rules for condition in (*each.rule.when, *each.rule.conditions) if (name := _arg_of(condition)) is not None}
    groups = _grouped(demands, names, cells_of) if rules else ()
    for each in rules:
        named = {condition.axis for condition in (*each.rule.when, *each.rule.conditions)} & set(axes)
        when, conditions = (_test(conditions, axes, problems) for conditions in (each.rule.when, each.rule.conditions))
        concerned = [group for group in groups if _is_about(each, group.first, named) and when.accepts(group.args)]
        hit = _hit(concerned, each.rule.effect, when, conditions)
        if not hit:
            continue
        deed = deeds.get(each.rule.name, Deed.WARN if each.rule.effect is Effect.WARN else Deed.DENY)
        told = remarked(each.rule, Deed.WARN if deed is Deed.WARN else Deed.DENY, hit, blamed(each.rule, hit[0], axes, manifest))
        shown = ", ".join(map(str, lines.get(each.rule.name, ())))
        told = replace(told, hint=f"{told.hint}; Earthfile lines {shown}") if shown else told
        (warnings if deed is Deed.WARN else problems).append(told)


def _grouped(demands: Sequence[Demand], names: AbstractSet[str], cells_of: CellsOf) -> Sequence[_Group]:
    """The demands in groups that no ARG among `names` tells apart: thousands of demands make a few."""
    found: dict[tuple[object, ...], _Group] = {}
    for at, demand in enumerate(demands):
        args = {arg.name: arg.value for arg in demand.args if arg.name in names}
        key = demand.target, *args.items()
        if key not in found:
            found[key] = _Group(first=demand, args=args, having=[])
        found[key].having.append((at, cells_of[demand.target][demand.cell]))
    return tuple(found.values())


def _is_about(each: ProfileRule, demand: Demand, axes: AbstractSet[str]) -> bool:
    """`axes` are those that the rule names; all cells of a target have the same ones."""
    return (demand.target in each.targets if each.targets else bool(demand.earthly)) and axes <= set(demand.cell.axes)


def _hit(groups: Sequence[_Group], effect: Effect, when: _Test, conditions: _Test) -> list[Cell]:
    """The cells of these groups that a rule finds fault with, each once, in the order of the demands."""
    found: list[tuple[int, Cell]] = []
    for group in groups:
        asked = conditions.accepts(group.args)
        cells = [(at, cell) for at, having in group.having for cell in having if when.cells.matches(cell)]
        found += [(at, cell) for at, cell in cells if (asked and conditions.cells.matches(cell)) is not (effect is Effect.REQUIRE)]
    return list(dict.fromkeys(cell for _, cell in sorted(found, key=itemgetter(0))))


def _test(conditions: Sequence[Condition], axes: Axes, problems: list[Problem]) -> _Test:
    on_axes = [condition for condition in conditions if condition.axis != ABOUT_ARGS]
    on_args = tuple(condition for condition in conditions if condition.axis == ABOUT_ARGS)
    for condition in on_args:
        mistakes: list[Problem] = []
        accepted(condition.wanted, ("",), None, condition.subject, mistakes)
        problems += [mistake for mistake in mistakes if mistake.code == "no-versions"]  # a range: nothing would ever be in it
    args = tuple((condition.field or "", _accepting(condition)) for condition in on_args)
    return _Test(cells=matcher(on_axes, axes, problems, inherited=True), args=args)


def _arg_of(condition: Condition) -> str | None:
    return condition.field or "" if condition.axis == ABOUT_ARGS else None


def _accepting(condition: Condition) -> Callable[[str], bool]:
    """Few texts come again and again; and `accepted` prepares, for what does not fit, what a person could be told."""
    pattern = _textual(condition.wanted)
    return cache(lambda text: bool(accepted(pattern, (text,), None, condition.subject, [])))


def _textual(pattern: Pattern) -> Pattern:
    """The pattern as one of texts, as all ARGs are: `true` without quotes means the text."""
    match pattern:
        case AnyOf():
            return replace(pattern, patterns=tuple(_textual(each) for each in pattern.patterns))
        case Not():
            return replace(pattern, pattern=_textual(pattern.pattern))
        case Exact():
            return replace(pattern, by_text=True)
        case _:
            return pattern


def check_forms(
    profile: Profile | None,
    demands: Sequence[Demand],
    line: str,
    overrides: Mapping[str, Deed | None],
    *,
    problems: list[Problem],
    manifest: Manifest,
) -> None:
    """ARGs whose text the profile knows to be wrong, once a text and place. `overrides` as of rules: a form may be one's (`rule`)."""
    forms = [(form, deed) for form in (profile.forms if profile else ()) if (deed := overrides.get(form.rule, Deed.DENY)) and holds(form.span, line)]
    names = {form.name for form, _ in forms}
    given = _first_having(demands, names)
    for form, deed in forms:
        fits = cache(re.compile(form.pattern).fullmatch)
        wrong: dict[Arg, Demand] = {}
        for arg, demand in given[form.name]:
            if not fits(arg.value):
                wrong.setdefault(replace(arg, axes=frozenset()), demand)
        for arg, demand in wrong.items():
            where = f" (in {demand.target}, {demand.cell})" if demand.cell.values else ""
            severity = Severity.WARNING if deed is Deed.WARN else Severity.ERROR
            summary = f"{arg.name} is {arg.value!r}{where}{f', against the rule {form.rule}' if form.rule else ''}"
            place = mendable(arg.place, profile, manifest.profile)
            problems.append(Problem(summary=summary, place=place, hint=form.hint, code="arg-form", severity=severity))


def _first_having(demands: Sequence[Demand], names: AbstractSet[str]) -> Mapping[str, list[tuple[Arg, Demand]]]:
    """By name, each arg with the first demand that has it: thousands of demands have the very same ones."""
    different: dict[int, tuple[Arg, Demand]] = {}
    for demand in demands:
        for arg in demand.args:
            if arg.name in names and id(arg) not in different:
                different[id(arg)] = arg, demand
    found: dict[str, list[tuple[Arg, Demand]]] = {name: [] for name in names}
    for arg, demand in different.values():
        found[arg.name].append((arg, demand))
    return found
