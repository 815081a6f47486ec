"""Conditions on axes -> which cells they hold for, and what the rules make of each cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matrixbuild.core.axes import Axes, KnownAxis, unknown_axis
from matrixbuild.core.cells import AxisValue, Cell
from matrixbuild.core.manifest import Condition, Effect, Rule, Wanted
from matrixbuild.core.problems import Place, Problem, did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """All conditions of one mapping, resolved: for each, the index of its axis in a cell and the texts of the values it accepts."""

    accepts: tuple[tuple[int, frozenset[str]], ...] = ()

    def matches(self, cell: Cell) -> bool:
        return all(cell.values[index][1].text in texts for index, texts in self.accepts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A rule with its conditions resolved."""

    rule: Rule
    when: Matcher
    conditions: Matcher

    def concerns(self, cell: Cell) -> bool:
        """Whether the rule is about this cell at all: what has to be so for some cell, or the rule is a mistake."""
        return self.when.matches(cell) and (self.rule.effect is Effect.REQUIRE or self.conditions.matches(cell))

    def drops(self, cell: Cell) -> bool:
        match self.rule.effect:
            case Effect.REQUIRE:
                return self.when.matches(cell) and not self.conditions.matches(cell)
            case Effect.EXCLUDE:
                return self.concerns(cell)
            case Effect.DENY | Effect.WARN:
                return False


def rulings(rules: Iterable[Rule], axes: Axes, problems: list[Problem]) -> tuple[Ruling, ...]:
    """The rules with conditions resolved; rules with a mistake in them are told and left out."""
    found = []
    for rule in rules:
        before = len(problems)
        ruling = Ruling(rule=rule, when=matcher(rule.when, axes, problems), conditions=matcher(rule.conditions, axes, problems))
        if len(problems) == before:
            found.append(ruling)
    return tuple(found)


def matcher(conditions: Sequence[Condition], axes: Axes, problems: list[Problem]) -> Matcher:
    """The conditions resolved against the axes; unknown axes, fields and values are problems."""
    order = {name: index for index, name in enumerate(axes)}
    return Matcher(accepts=tuple((order[one.axis], _accepted(one, axes[one.axis], problems)) for one in conditions if _is_known(one, axes, problems)))


def _is_known(condition: Condition, axes: Axes, problems: list[Problem]) -> bool:
    axis = axes.get(condition.axis)
    if axis is None:
        problems.append(unknown_axis(condition.axis, axes, condition.place))
    elif condition.field and condition.field not in axis.fields:
        problems.append(_unknown_field(condition, axis))
    else:
        return True
    return False


def _unknown_field(condition: Condition, axis: KnownAxis) -> Problem:
    field = condition.field or ""
    has = f"its fields are {', '.join(axis.fields)}" if axis.fields else f"its values are no mappings: match {axis.name} itself"
    hint = did_you_mean(field, axis.fields) or has
    return Problem(summary=f"the axis {axis.name!r} has no field {field!r}", place=condition.place, hint=hint, code="unknown-field")


def _accepted(condition: Condition, axis: KnownAxis, problems: list[Problem]) -> frozenset[str]:
    texts: set[str] = set()
    for wanted in condition.wanted:
        matching = {value.text for value in axis.all_values() if _is_wanted(value, condition.field, wanted)}
        if not matching:
            problems.append(_unknown_value(condition, axis, wanted))
        texts |= matching
    return frozenset(texts)


def _is_wanted(value: AxisValue, field: str | None, wanted: Wanted) -> bool:
    if field is not None:
        return value.field(field) == wanted.value
    # Without the comparison of types, 1 would be True and a quoted "true" would be taken for the boolean.
    own = value.text if value.fields else value.scalar
    return own == wanted.value and isinstance(own, bool) == isinstance(wanted.value, bool)


def _unknown_value(condition: Condition, axis: KnownAxis, wanted: Wanted) -> Problem:
    texts = _texts(condition, axis)
    shown = str(wanted.value).lower() if isinstance(wanted.value, bool) else wanted.value
    return Problem(
        summary=f"{condition.subject} is never {_written(wanted)}", place=wanted.place, hint=_value_hint(shown, wanted, texts), code="unknown-value"
    )


def _value_hint(shown: str, wanted: Wanted, texts: Sequence[str]) -> str:
    if shown in texts:
        return f'write "{shown}" with quotes' if isinstance(wanted.value, bool) else f"write {shown} without quotes"
    has = f"it is {', '.join(texts[:8])}{' ...' if len(texts) > 8 else ''}"
    # Of two versions no one can say which was meant.
    return has if any(char.isdigit() for char in shown) else did_you_mean(shown, texts) or has


def _written(wanted: Wanted) -> str:
    return str(wanted.value).lower() if isinstance(wanted.value, bool) else repr(wanted.value)


def _texts(condition: Condition, axis: KnownAxis) -> tuple[str, ...]:
    if condition.field is None:
        return tuple(value.text for value in axis.all_values())
    return tuple(dict.fromkeys(text for value in axis.all_values() if (text := value.field(condition.field)) is not None))


def matches_nothing(ruling: Ruling) -> Problem:
    """The problem that a rule is about no cell."""
    place: Place = ruling.rule.place
    hint = "its conditions exclude each other: remove the rule, or mend them"
    return Problem(summary=f"the rule {ruling.rule.name!r} matches no cell", place=place, hint=hint, code="rule-matches-nothing")
