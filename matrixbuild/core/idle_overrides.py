"""The rules of a profile that a manifest overrides, and its cells and demands -> the overrides that change nothing, as they match no cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from matrixbuild.core import arg_rules
from matrixbuild.core.axes import Axes
from matrixbuild.core.cell_rules import CellSet
from matrixbuild.core.declared import Effect, Rule
from matrixbuild.core.demand import Demand
from matrixbuild.core.demands import CellsOf
from matrixbuild.core.manifest import Manifest
from matrixbuild.core.problems import Problem
from matrixbuild.core.rules import matcher
from matrixbuild.core.spans import holds

if TYPE_CHECKING:
    from matrixbuild.core.profile import Profile, ProfileRule


def idle_overrides(
    manifest: Manifest, profile: Profile, *, line: str, axes: Axes, found: CellSet, demands: Sequence[Demand], cells_of: CellsOf
) -> Iterator[Problem]:
    """An override that concerns no cell is a mistake, like a rule that matches none (design.md 3); an inherited one is not. `cells_of`: of each
    target, the cells that its own stand for.

    A rule without conditions (`by`) is asked of whatever there is, so it matches whenever the upstream version has it.
    """
    use = manifest.profile
    asks = partial(_asks, manifest=manifest, axes=axes, demands=demands, cells_of=cells_of)
    for name, _ in use.override if use else ():
        rules = [each for each in profile.rules if each.rule.name == name.value and holds(each.span, line)]
        if manifest.inherits(name.place) or not rules or any(each.by for each in rules):
            continue
        if not any(asks(each) if each.about_args else _is_about(each.rule, axes, found) for each in rules):
            summary = f"the profile's rule {name.value!r} matches no cell: to override it changes nothing"
            yield Problem(summary=summary, place=name.place, hint="remove it", code="idle-override")


def _asks(each: ProfileRule, *, manifest: Manifest, axes: Axes, demands: Sequence[Demand], cells_of: CellsOf) -> bool:
    """Whether a rule about ARGs is about any demand: one that requires something is, whether that is so or not."""
    rule = replace(each.rule, effect=Effect.DENY, conditions=()) if each.rule.effect is Effect.REQUIRE else each.rule
    told: list[Problem] = []
    arg_rules.judge([replace(each, rule=rule)], demands, cells_of, axes, manifest, deeds={}, lines={}, problems=told, warnings=told)
    return bool(told)


def _is_about(rule: Rule, axes: Axes, found: CellSet) -> bool:
    when, conditions = (matcher(each, axes, [], inherited=True) for each in (rule.when, rule.conditions))
    requires = rule.effect is Effect.REQUIRE
    cells = chain(found.cells, (dropped.cell for dropped in found.dropped))
    return any(when.matches(cell) and (requires or conditions.matches(cell)) for cell in cells)
