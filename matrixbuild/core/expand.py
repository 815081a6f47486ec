"""A Manifest -> its Expansion: cells, what was dropped and why, demands, and everything that is wrong, in the reading order of design.md 3."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from matrixbuild.core import arg_rules
from matrixbuild.core.axes import AXIS_MISSING, Axes, known_axes
from matrixbuild.core.cell_rules import CellSet, DroppedCell, select_cells
from matrixbuild.core.cells import Cell
from matrixbuild.core.declared import Condition, Rule
from matrixbuild.core.demand import Demand
from matrixbuild.core.demands import CellsOf, demands, reduce_cells, without_cells
from matrixbuild.core.engine_use import check_engine_use
from matrixbuild.core.facts import Facts
from matrixbuild.core.idle_axes import idle_axes
from matrixbuild.core.idle_overrides import idle_overrides
from matrixbuild.core.manifest import Manifest
from matrixbuild.core.offers import Offer, offers
from matrixbuild.core.picks import UNKNOWN_DISTRIBUTION, UNKNOWN_VERSION, Picker, Pinned
from matrixbuild.core.problems import Place, Problem, Severity, did_you_mean
from matrixbuild.core.rules import Deed, Matcher, Ruling, matcher
from matrixbuild.core.secretive_args import secretive
from matrixbuild.core.spans import absent, holds
from matrixbuild.core.surroundings import DeclaredSecret, SourceFile
from matrixbuild.core.unknown_line import unknown_line
from matrixbuild.core.unlisted import not_listed
from matrixbuild.core.unread_vars import unread_vars

if TYPE_CHECKING:
    from matrixbuild.core.profile import ProfileRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """What a manifest comes to.

    `product` counts the combinations of the axes, `included` the last of `cells`, which `include` added. `cells_of` gives, by target and
    reduced cell, the cells a demand stands for. There are demands only where there are no problems, and where `complete`: without the source
    versions and templates stay open. `versions` are those that picks came to, by axis; `defaults` the default values of axes. `axes` are those
    of the cells as declared, those that only the profile gives last; `rules` those about cells, the profile's first.
    """

    manifest: Manifest
    cells: tuple[Cell, ...]
    dropped: tuple[DroppedCell, ...]
    product: int
    included: int
    demands: tuple[Demand, ...] = ()
    cells_of: Mapping[tuple[str, Cell], tuple[Cell, ...]] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()
    problems: tuple[Problem, ...] = ()
    complete: bool = True
    versions: Mapping[str, Pinned] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    axes: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    matrix: Axes = field(default_factory=lambda: Axes({}))


def expand(manifest: Manifest, facts: Facts | None = None) -> Expansion:
    """Versions -> product of axes -> rules of profile and manifest -> include -> targets; every problem found on the way, none raised."""
    return _Expanding(manifest, facts or Facts()).expansion()


class _Expanding:
    def __init__(self, manifest: Manifest, facts: Facts) -> None:
        self._manifest = manifest
        self._facts = facts
        self._profile = facts.profile
        self._problems = list(manifest.problems)
        self._warnings: list[Problem] = []

    def expansion(self) -> Expansion:
        manifest, facts, problems = self._manifest, self._facts, self._problems
        overrides = overridden(manifest)
        problems += unknown_line(self._profile, manifest.profile, facts.line)
        self._check_overrides()
        check_engine_use(manifest.engine, problems)
        picker = self._picker(overrides)
        axes = known_axes(manifest, problems, profile=self._profile, picker=picker)
        if picker.unresolved:
            return self._incomplete(axes, picker)
        applied = self._profile_rules(overrides)
        about_cells = [each.rule for each in applied if not each.about_args]
        deeds = {name: deed for name, deed in overrides.items() if deed is not None}
        found = select_cells(
            manifest,
            axes,
            problems,
            self._warnings,
            inherited=about_cells,
            overrides=deeds,
            picker=picker,
            listed=partial(self._unlisted, axes, overrides),
        )
        self._check_spans(axes)
        offered = offers(manifest, axes, problems, facts)
        variants = tuple(self._matcher(file.when, axes, file.place) for file in manifest.source.files)
        self._check_conditions(axes, found, variants)
        reduced, made = self._demands(axes, found, offered, variants)
        if not self._errors():
            self._warnings += unread_vars(manifest, offered, self._profile)
            self._warnings += idle_axes(manifest, offered, self._profile)
            arg_rules.judge(
                [each for each in applied if each.about_args],
                made,
                reduced,
                axes,
                manifest,
                deeds=deeds,
                lines=facts.lines,
                problems=problems,
                warnings=self._warnings,
            )
            arg_rules.check_forms(self._profile, made, facts.line, overrides, problems=problems, manifest=manifest)
            self._warnings += secretive(made)
        if self._profile and facts.known and not self._errors():
            problems += idle_overrides(
                manifest, self._profile, line=facts.line, axes=axes, found=found, demands=made, cells_of=reduced
            )
        return self._made(axes, picker, found, reduced, made)

    def _errors(self) -> bool:
        return any(problem.severity is Severity.ERROR for problem in self._problems)

    def _demands(
        self, axes: Axes, found: CellSet, offered: tuple[Offer, ...], variants: Sequence[Matcher | None]
    ) -> tuple[dict[str, dict[Cell, tuple[Cell, ...]]], tuple[Demand, ...]]:
        if not self._manifest.targets:
            self._problems.append(_no_target(self._manifest.place))
        if self._errors():
            return {}, ()
        reduced = {offer.target.name: reduce_cells(offer, found.cells) for offer in offered}
        # A target of the profile that has nothing to do here is none of the author's mistakes.
        own = [offer for offer in offered if not self._is_of_profile(offer)]
        self._problems.extend(without_cells(offer.target) for offer in own if not reduced[offer.target.name])
        if self._errors() or not self._facts.known:
            return reduced, ()
        having = [each for each in variants if each]
        return reduced, demands(self._manifest, axes, offered, reduced, self._problems, facts=self._facts, variants=having)

    def _is_of_profile(self, offer: Offer) -> bool:
        """Whether the manifest says nothing of the target."""
        return self._profile is not None and offer.target.place.file == self._profile.file

    def _unlisted(self, axes: Axes, overrides: Mapping[str, Deed | None]) -> tuple[Ruling, ...]:
        """Where the source has other versions for FIPS: rules that drop what neither list has for a cell."""
        catalog, profile = self._facts.catalog, self._profile
        deed = overrides.get(UNKNOWN_VERSION, Deed.DROP)
        if catalog is None or profile is None or deed is None or catalog.fips is None or profile.catalog_axis not in axes:
            return ()
        return tuple(not_listed(axes, profile, catalog, fips=fips, deed=deed) for fips in (False, True)) if profile.fips_axis in axes.known else ()

    def _made(self, axes: Axes, picker: Picker, found: CellSet, reduced: CellsOf, made: tuple[Demand, ...]) -> Expansion:
        problems = [problem for problem in self._problems if problem.severity is Severity.ERROR and not self._follows(problem)]
        self._warnings += [problem for problem in self._problems if problem.severity is Severity.WARNING]
        return Expansion(
            manifest=self._manifest,
            cells=tuple(found.cells),
            dropped=tuple(found.dropped),
            product=found.product,
            included=found.included,
            demands=() if problems else made,
            cells_of={(name, small): full for name, cells in reduced.items() for small, full in cells.items()},
            warnings=in_order(self._warnings),
            problems=in_order(problems),
            complete=self._facts.known,
            versions={picker.axis: dict(sorted(picker.resolved.items()))} if picker.resolved else {},
            defaults={name: axis.default.text for name, axis in axes.known.items() if axis.default},
            facts=self._facts,
            axes=tuple(dict.fromkeys((*(axis.name for axis in self._manifest.axes), *axes))),
            matrix=axes,
            rules=(*(each.rule for each in self._profile_rules(overridden(self._manifest)) if not each.about_args), *self._manifest.rules),
        )

    def _follows(self, problem: Problem) -> bool:
        """Whether it is only that the profile names an axis which nobody gives: that is told once, as what it is."""
        of_profile = self._profile is not None and problem.place is not None and problem.place.file == self._profile.file
        return of_profile and any(one.code == AXIS_MISSING for one in self._problems)

    def _incomplete(self, axes: Axes, picker: Picker) -> Expansion:
        """Versions that only the source can tell: what can be checked without them is."""
        offers(self._manifest, axes, self._problems, self._facts)
        return replace(self._made(axes, picker, CellSet(), {}, ()), complete=False)

    def _picker(self, overrides: Mapping[str, Deed | None]) -> Picker:
        axis = self._profile.catalog_axis if self._profile else ""
        effects = {name: deed.value if deed else "off" for name, deed in overrides.items()}
        return Picker(axis=axis, catalog=self._facts.catalog, pinned=self._facts.pinned.get(axis, {}), effects=effects)

    def _check_overrides(self) -> None:
        use = self._manifest.profile
        if use is None or self._profile is None:
            return
        known = [*(each.rule.name for each in self._profile.rules), UNKNOWN_DISTRIBUTION, UNKNOWN_VERSION]
        for name, _ in use.override:
            if name.value not in known:
                hint = did_you_mean(name.value, known) or "`list --all` names them"
                summary = f"the profile has no rule {name.value!r} to override"
                self._problems.append(Problem(summary=summary, place=name.place, hint=hint, code="unknown-rule"))
            elif not self._manifest.inherits(name.place) and not self._is_asked(name.value):
                summary = f"the profile's rule {name.value!r} is not for {self._facts.line}: to override it changes nothing"
                self._problems.append(Problem(summary=summary, place=name.place, hint="remove it", code="idle-override"))

    def _is_asked(self, name: str) -> bool:
        """Whether the upstream version has a rule in one of its forms; what no profile writes down is asked of all."""
        spans = [each.span for each in self._profile.rules if each.rule.name == name] if self._profile else []
        return not spans or any(holds(span, self._facts.line) for span in spans)

    def _profile_rules(self, overrides: Mapping[str, Deed | None]) -> list[ProfileRule]:
        rules = self._profile.rules if self._profile else ()
        return [each for each in rules if not each.by and holds(each.span, self._facts.line) and overrides.get(each.rule.name, Deed.DROP) is not None]

    def _check_spans(self, axes: Axes) -> None:
        """An axis that the upstream version does not have can only have its default there."""
        for axis in self._profile.axes if self._profile else ():
            known = axes.get(axis.name)
            if known is None or holds(axis.span, self._facts.line):
                continue
            for text in (*known.values, *known.extra):
                if known.default is None or text != known.default.text:
                    summary = f"{self._facts.line} has no {axis.name}: {text} would change nothing"
                    when = absent(axis.span, self._facts.line)
                    hint = f"{when}; where the source is another version than it says, name that: profile: {{name: ..., as: TAG}}"
                    self._problems.append(Problem(summary=summary, place=known.places.get(text, known.place), hint=hint, code="axis-span"))

    def _check_conditions(self, axes: Axes, found: CellSet, variants: Sequence[Matcher | None]) -> None:
        """Files and secrets for cells that there are none of."""
        wanting = [self._matcher(secret.when, axes, secret.place) for secret in self._manifest.secrets]
        files: list[tuple[str, SourceFile | DeclaredSecret]] = [("the entry of source.files", file) for file in self._manifest.source.files]
        secrets: list[tuple[str, SourceFile | DeclaredSecret]] = [(f"the secret {secret.name!r}", secret) for secret in self._manifest.secrets]
        for having, (what, one) in zip((*variants, *wanting), (*files, *secrets), strict=True):
            if having and found.cells and not self._manifest.inherits(one.place) and not any(map(having.matches, found.cells)):
                self._problems.append(_no_cell(what, one.when[0].place))
        named = [(secret, having) for secret, having in zip(self._manifest.secrets, wanting, strict=True) if having]
        self._problems += [told for pair in itertools.combinations(named, 2) if (told := _both_given(*pair, found.cells))]

    def _matcher(self, when: Sequence[Condition], axes: Axes, place: Place) -> Matcher | None:
        """None where the condition itself is a mistake, which is told then."""
        mistakes: list[Problem] = []
        found = matcher(when, axes, mistakes, inherited=self._manifest.inherits(place))
        self._problems += mistakes
        return None if mistakes else found


def overridden(manifest: Manifest) -> dict[str, Deed | None]:
    """What the manifest has the profile's rules do, by name; None where they are off."""
    use = manifest.profile
    return {name.value: None if effect == "off" else Deed(effect) for name, effect in use.override} if use else {}


def _no_target(place: Place) -> Problem:
    return Problem(summary="no target is left to build", place=place, hint="turn one on under spec.targets", code="no-targets")


def _no_cell(what: str, place: Place) -> Problem:
    hint = "its `when` matches none: mend or remove it"
    return Problem(summary=f"{what} is for no cell that is left", place=place, hint=hint, code="matches-no-cell")


def _both_given(one: tuple[DeclaredSecret, Matcher], other: tuple[DeclaredSecret, Matcher], cells: Sequence[Cell]) -> Problem | None:
    """Two secrets of one name are for cells of their own: which of them a cell were given would be nobody's word. (Those without a `when` were told
    when they were read.)"""
    (first, has_first), (second, has_second) = one, other
    if first.name != second.name or not (first.when and second.when):
        return None
    both = next((cell for cell in cells if has_first.matches(cell) and has_second.matches(cell)), None)
    if both is None:
        return None
    hint = f"the other is at {first.place}: give them `when` that no cell matches both"
    return Problem(summary=f"two secrets are called {first.name!r}, and both are for {both}", place=second.place, hint=hint, code="secret-name")


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Each problem once, in the order of the file."""
    return tuple(sorted(dict.fromkeys(problems), key=_position))


def _position(problem: Problem) -> tuple[str, int, int, str]:
    place = problem.place
    return (place.file, place.line, place.column, problem.summary) if place else ("", 0, 0, problem.summary)
