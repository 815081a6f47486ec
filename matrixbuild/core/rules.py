"""Conditions on axes -> which cells they hold for, and what the rules make of each cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from matrixbuild.core.axes import Axes, KnownAxis, unknown_axis
from matrixbuild.core.cells import AxisValue, Cell
from matrixbuild.core.declared import Condition, Effect, Rule
from matrixbuild.core.matching import Value, accepted
from matrixbuild.core.problems import Place, Problem, did_you_mean
from matrixbuild.core.versions import Scheme

_ABOUT_PATTERNS = frozenset({"unknown-value", "no-versions"})
"""Problems of a pattern that, in an inherited rule, only say that this matrix is none of its business."""


class Deed(StrEnum):
    """What becomes of the cells that a rule finds fault with."""

    DROP = "drop"
    DENY = "deny"
    WARN = "warn"


_DEEDS = {Effect.REQUIRE: Deed.DROP, Effect.EXCLUDE: Deed.DROP, Effect.DENY: Deed.DENY, Effect.WARN: Deed.WARN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """All conditions of one mapping, resolved: for each, the index of its axis in a cell and the texts of the values it accepts.

    `never`: a condition on a constant of the matrix does not hold.
    """

    accepts: tuple[tuple[int, frozenset[str]], ...] = ()
    never: bool = False

    def matches(self, cell: Cell) -> bool:
        if self.never:
            return False
        # Asked tens of thousands of times: a generator for `all` would cost more than what it looks at.
        for index, texts in self.accepts:  # noqa: SIM110
            if cell.values[index][1].text not in texts:
                return False
        return True

    def those(self, cells: Sequence[Cell]) -> Sequence[Cell]:
        """The cells that it holds for, in their order."""
        return [cell for cell in cells if self.matches(cell)] if self.never or self.accepts else cells


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A rule with its conditions resolved, and what it does."""

    rule: Rule
    deed: Deed
    when: Matcher
    conditions: Matcher

    def faults(self, cell: Cell) -> bool:
        """Whether the rule finds fault with this cell."""
        return self.when.matches(cell) and self.conditions.matches(cell) is not (self.rule.effect is Effect.REQUIRE)


class Bench:
    """What many rules say of a cell, with one look at each of its values: each value has a bit for every rule whose `when` it agrees with, and as
    many more for conditions; a rule's `when`, or its conditions, hold for a cell where all of its values have the bit."""

    def __init__(self, judges: Sequence[Ruling], axes: Axes) -> None:
        self._judges = judges
        self._requiring = _bits(judge.rule.effect is Effect.REQUIRE for judge in judges)
        self._dropping = _bits(judge.deed is Deed.DROP for judge in judges)
        matchers = [*(judge.when for judge in judges), *(judge.conditions for judge in judges)]
        self._possible = _bits(not each.never for each in matchers)
        self._agreeing = [dict.fromkeys((value.text for value in axis.all_values()), self._possible) for axis in axes.values()]
        for at, each in enumerate(matchers):
            for index, texts in each.accepts:
                for text in self._agreeing[index].keys() - texts:
                    self._agreeing[index][text] &= ~(1 << at)
        self._rules: dict[int, tuple[Rule, ...]] = {}

    def judged(self, cell: Cell) -> tuple[int, tuple[Rule, ...], int]:
        """Which rules are about this cell at all, a bit for each (for some cell that has to be so, or the rule is a mistake); the rules that drop
        it, in declared order; and a bit for each that finds fault with it otherwise."""
        held = self._possible
        for (_, value), agreeing in zip(cell.values, self._agreeing, strict=True):
            held &= agreeing[value.text]
        conditions = held >> len(self._judges)
        when = held & ((1 << len(self._judges)) - 1)
        faults = when & (conditions ^ self._requiring)
        return when & (conditions | self._requiring), self._named(faults & self._dropping), faults & ~self._dropping

    def _named(self, bits: int) -> tuple[Rule, ...]:
        if bits not in self._rules:
            self._rules[bits] = tuple([judge.rule for at, judge in enumerate(self._judges) if bits >> at & 1])
        return self._rules[bits]


def _bits(each: Iterable[bool]) -> int:
    return sum(1 << at for at, is_so in enumerate(each) if is_so)


def rulings(rules: Iterable[Rule], axes: Axes, problems: list[Problem], *, overrides: Mapping[str, Deed] | None = None) -> tuple[Ruling, ...]:
    """The rules with conditions resolved; rules with a mistake in them are told and left out. `overrides` are other deeds by rule name."""
    found = []
    for rule in rules:
        mistakes: list[Problem] = []
        when, conditions = (matcher(each, axes, mistakes, inherited=rule.inherited) for each in (rule.when, rule.conditions))
        problems += mistakes
        if not mistakes:
            found.append(Ruling(rule=rule, deed=(overrides or {}).get(rule.name, _DEEDS[rule.effect]), when=when, conditions=conditions))
    return tuple(found)


def matcher(conditions: Sequence[Condition], axes: Axes, problems: list[Problem], *, inherited: bool = False) -> Matcher:
    """The conditions resolved against the axes; unknown axes, fields and values are problems. For an `inherited` rule values that the axes do
    not have are none: such a condition just does not hold."""
    order = {name: index for index, name in enumerate(axes)}
    accepts: list[tuple[int, frozenset[str]]] = []
    never = False
    for one in conditions:
        axis = axes.known.get(one.axis)
        if axis is None:
            problems.append(unknown_axis(one.axis, axes.known, one.place))
            continue
        texts = _accepted(one, axis, problems, inherited=inherited)
        if one.axis in order:
            accepts.append((order[one.axis], texts))
        else:
            never |= not texts
    return Matcher(accepts=tuple(accepts), never=never)


def _accepted(condition: Condition, axis: KnownAxis, problems: list[Problem], *, inherited: bool) -> frozenset[str]:
    """The texts of the axis' values that a condition accepts."""
    if condition.field and condition.field not in axis.fields:
        if not inherited:
            problems.append(_unknown_field(condition, axis))
        return frozenset()
    having = [(value, _value(value, condition.field)) for value in axis.all_values()]
    mistakes: list[Problem] = []
    there = tuple(dict.fromkeys(own for _, own in having if own is not None))
    wanted = accepted(condition.wanted, there, _scheme(condition, axis), condition.subject, mistakes)
    problems += [mistake for mistake in mistakes if not (inherited and mistake.code in _ABOUT_PATTERNS)]
    keys = {(type(one), one) for one in wanted}  # True is 1 to a set, and no number is a value
    return frozenset(value.text for value, own in having if own is not None and (type(own), own) in keys)


def _value(value: AxisValue, field: str | None) -> Value | None:
    if field is not None:
        return value.field(field)
    return value.text if value.fields or not isinstance(value.scalar, str | bool) else value.scalar


def _scheme(condition: Condition, axis: KnownAxis) -> Scheme | None:
    return axis.scheme if condition.field == "version" or not axis.fields else None


def _unknown_field(condition: Condition, axis: KnownAxis) -> Problem:
    field = condition.field or ""
    has = f"its fields are {', '.join(axis.fields)}" if axis.fields else f"its values are no mappings: match {axis.name} itself"
    hint = did_you_mean(field, axis.fields) or has
    return Problem(summary=f"the axis {axis.name!r} has no field {field!r}", place=condition.place, hint=hint, code="unknown-field")


def matches_nothing(ruling: Ruling) -> Problem:
    """The problem that a rule is about no cell."""
    place: Place = ruling.rule.place
    hint = "its conditions exclude each other: remove the rule, or mend them"
    return Problem(summary=f"the rule {ruling.rule.name!r} matches no cell", place=place, hint=hint, code="rule-matches-nothing")
