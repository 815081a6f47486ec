"""A profile's rules about ARGs, and the forms of their texts, judged on the demands that would be built with them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from matrixbuild.core.axes import Axes
from matrixbuild.core.cell_rules import remarked
from matrixbuild.core.cells import Cell
from matrixbuild.core.declared import Condition, Effect
from matrixbuild.core.demand import Arg, Demand
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

    def holds(self, cell: Cell, args: Mapping[str, str]) -> bool:
        return all(accepts(args.get(name, "")) for name, accepts in self.args) and self.cells.matches(cell)


def judge(
    rules: Sequence[ProfileRule],
    demands: Sequence[Demand],
    cells_of: Mapping[str, Mapping[Cell, tuple[Cell, ...]]],
    axes: Axes,
    *,
    deeds: Mapping[str, Deed],
    lines: Mapping[str, Sequence[int]],
    problems: list[Problem],
    warnings: list[Problem],
) -> None:
    """What the rules say of the demands, once a rule, with the cells concerned and the lines of the Earthfile that prove it (by rule name)."""
    names = {name for each in rules for condition in (*each.rule.when, *each.rule.conditions) if (name := _arg_of(condition)) is not None}
    given = [{arg.name: arg.value for arg in demand.args if arg.name in names} for demand in demands]
    for each in rules:
        named = {condition.axis for condition in (*each.rule.when, *each.rule.conditions)} & set(axes)
        when, conditions = (_test(conditions, axes, problems) for conditions in (each.rule.when, each.rule.conditions))
        hit = dict.fromkeys(
            cell
            for demand, args in zip(demands, given, strict=True)
            if (demand.target in each.targets if each.targets else demand.earthly) and named <= set(demand.cell.axes)
            for cell in cells_of[demand.target][demand.cell]
            if _faults(each.rule.effect, when, conditions, cell, args)
        )
        if not hit:
            continue
        deed = deeds.get(each.rule.name, Deed.WARN if each.rule.effect is Effect.WARN else Deed.DENY)
        told = remarked(each.rule, Deed.WARN if deed is Deed.WARN else Deed.DENY, list(hit))
        shown = ", ".join(map(str, lines.get(each.rule.name, ())))
        told = replace(told, hint=f"{told.hint}; Earthfile lines {shown}") if shown else told
        (warnings if deed is Deed.WARN else problems).append(told)


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


def _faults(effect: Effect, when: _Test, conditions: _Test, cell: Cell, args: Mapping[str, str]) -> bool:
    return when.holds(cell, args) and conditions.holds(cell, args) is not (effect is Effect.REQUIRE)


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
    profile: Profile | None, demands: Sequence[Demand], line: str, overrides: Mapping[str, Deed | None], problems: list[Problem]
) -> None:
    """ARGs whose text the profile knows to be wrong, once a text and place. `overrides` as of rules: a form may be one's (`rule`)."""
    forms = [(form, deed) for form in (profile.forms if profile else ()) if (deed := overrides.get(form.rule, Deed.DENY)) and holds(form.span, line)]
    names = {form.name for form, _ in forms}
    given = [(arg, demand) for demand in demands for arg in demand.args if arg.name in names]
    for form, deed in forms:
        fits = cache(re.compile(form.pattern).fullmatch)
        wrong: defaultdict[Arg, list[Demand]] = defaultdict(list)
        for arg, demand in given:
            if arg.name == form.name and not fits(arg.value):
                wrong[replace(arg, axes=frozenset())].append(demand)
        for arg, having in wrong.items():
            where = f" (in {having[0].target}, {having[0].cell})" if having[0].cell.values else ""
            severity = Severity.WARNING if deed is Deed.WARN else Severity.ERROR
            summary = f"{arg.name} is {arg.value!r}{where}{f', against the rule {form.rule}' if form.rule else ''}"
            problems.append(Problem(summary=summary, place=arg.place, hint=form.hint, code="arg-form", severity=severity))
