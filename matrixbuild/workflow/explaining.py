"""A manifest, its source and an Earthly target -> what that depends on and why, for each of the cells that build it; or an overview of all."""

from __future__ import annotations

import os
import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from matrixbuild.adapters.sources import Source
from matrixbuild.core.declared import DeclaredArg, Text
from matrixbuild.core.demand import Demand
from matrixbuild.core.earthfile.analysis import Analysis
from matrixbuild.core.earthfile.calls import split_target
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.syntax import Recipe
from matrixbuild.core.earthfile.uses import corrected
from matrixbuild.core.earthfile.walk import Parsed, parsed
from matrixbuild.core.expand import Expansion, expand
from matrixbuild.core.explain import Explained, directories, explained
from matrixbuild.core.explain_lines import Original
from matrixbuild.core.explain_variants import Called, Caller, Explanation, Surroundings, explanation
from matrixbuild.core.inputs import Pairs
from matrixbuild.core.listing import Kind
from matrixbuild.core.manifest import Manifest, Target
from matrixbuild.core.problems import InvalidError, Problem, did_you_mean
from matrixbuild.core.uses import Uses
from matrixbuild.workflow.mentions import Mentions
from matrixbuild.workflow.options import PLAIN, Options
from matrixbuild.workflow.reading import open_manifest
from matrixbuild.workflow.sources import base_variant
from matrixbuild.workflow.targets import EarthlyReader

_EARTHFILES = ("Earthfile", "build.earth")
_MOST_FAILURES = 50
"""So many calls of one Earthly target may fail before the others are no longer tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What was explained: one Earthly target, or (`whole`) all of the source in the order of its Earthfiles. `broken` are Earthfiles that cannot
    be read at all; `warnings` those of the manifest."""

    name: str
    whole: bool
    explanations: tuple[Explanation, ...]
    broken: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def explain_manifest(path: Path, earthly: str | None, *, options: Options = PLAIN, overrides: Pairs = ()) -> Overview:
    """Explain an Earthly target of a manifest's source, or all of them. `overrides` are args that win.

    Raises InvalidError where the manifest is wrong, where the one Earthly target cannot be analysed for any call, and for an override that nothing
    on any path declares. In an overview an Earthly target says itself why it cannot.
    """
    opened = open_manifest(path, options)
    expansion = opened.expansion
    explaining = _Explaining(expansion, opened.trees.of(base_variant(expansion.manifest.source)), dict(overrides))
    if earthly:
        found: tuple[Explanation, ...] = (explaining.explanation(*split_target(earthly)),)
        if len(found[0].problems) == len(found[0].variants):
            raise InvalidError(*dict.fromkeys(found[0].problems))
    else:
        found = tuple(explaining.explanation(directory, recipe.name, recipe.docs) for directory, recipe in explaining.targets())
    explaining.check_overrides(found)
    return Overview(
        name=expansion.manifest.name,
        whole=not earthly,
        explanations=found,
        broken=() if earthly else tuple(explaining.broken),
        warnings=expansion.warnings,
    )


class _Explaining:
    """Explains Earthly targets of one source; what was analysed once serves every call that can see no difference."""

    def __init__(self, expansion: Expansion, source: Source, overrides: Mapping[str, str]) -> None:
        self._expansion = expansion
        self._source = source
        self._overrides = overrides
        self._reader = EarthlyReader(source)
        self._mentions = Mentions(source)
        self._declared: defaultdict[tuple[str, str], list[Demand]] = defaultdict(list)
        for demand in expansion.demands:
            self._declared[split_target(demand.earthly)].append(demand)
        self._found: dict[tuple[str, str], tuple[Called, ...]] = {}
        self.broken: list[Problem] = []

    def targets(self) -> Iterator[tuple[str, Recipe]]:
        """Every Earthly target of the source with its directory; Earthfiles that cannot be parsed become `broken`."""
        for path, entry in sorted(self._source.listing.entries.items()):
            directory, name = posixpath.split(path)
            if entry.kind is Kind.FILE and name in _EARTHFILES and self._text(directory)[0] == path:
                try:
                    yield from ((directory, recipe) for recipe in self._parsed(directory).earthfile.targets)
                except EarthfileError as error:
                    self.broken.append(self._problem(error))

    def explanation(self, directory: str, name: str, docs: str = "") -> Explanation:
        around = Surroundings(
            declared_by=tuple(sorted({demand.target for demand in self._declared.get((directory, name), ())})),
            left_out=() if (directory, name) in self._declared else self._common[1],
            reaching=self._reaching,
            docs=docs,
        )
        return explanation(f"{directory}+{name}", self._called(directory, name), around)

    def check_overrides(self, found: Sequence[Explanation]) -> None:
        """An override that nothing declares is a mistake; where something could not be analysed, it may be declared there."""
        if any(each.problems or each.anything for each in found):
            return
        declared = {name for each in found for name in _declared(each)}
        lost = sorted(self._overrides.keys() - declared)
        paths = "the path of " + found[0].earthly if len(found) == 1 else "any path"
        hint = "remove it, or see the manifest's source for the ARG that is meant"
        problems = [Problem(summary=f"no ARG {name} is on {paths}", hint=did_you_mean(name, declared) or hint, code="unknown-arg") for name in lost]
        if problems:
            raise InvalidError(*problems)

    # Calls ------------------------------------------------------------------

    def _called(self, directory: str, name: str) -> tuple[Called, ...]:
        """What comes of all calls of an Earthly target, those that see the same together."""
        if (directory, name) not in self._found:
            self._found[directory, name] = tuple(self._outcome(entry) for entry in self._entries(directory, name))
        return self._found[directory, name]

    def _entries(self, directory: str, name: str) -> list[_Entry]:
        entries: dict[tuple[Pairs, Uses | None], _Entry] = {}
        failures = 0
        for args, uses, caller in self._calls(directory, name):
            if (args, uses) not in entries:
                entry = next((entry for entry in dict.fromkeys(entries.values()) if entry.uses == uses and entry.serves(args)), None)
                if entry is None and failures < _MOST_FAILURES:
                    entry = _Entry(outcome=self._analysis(directory, name, args), args=args, uses=uses, callers=[])
                    failures += isinstance(entry.outcome, Problem)
                entries[args, uses] = entry or _Entry(outcome=_not_tried(directory, name), args=args, uses=uses, callers=[])
            entries[args, uses].callers += [caller] if caller else []
        return list(dict.fromkeys(entries.values()))

    def _calls(self, directory: str, name: str) -> Iterator[tuple[Pairs, Uses | None, Caller | None]]:
        """The args of each cell that builds an Earthly target, with what its target says of its uses; where no target of the manifest does, those
        that every target is given."""
        ours = (directory, name) in self._declared
        demands = self._declared.get((directory, name)) or (self._expansion.demands if self._given else self._common[0])
        for demand in demands:
            given = {arg.name: arg.value for arg in demand.args if ours or not self._given or arg.name in self._given}
            args = given | dict(self._overrides)
            yield tuple(sorted(args.items())), demand.asked.uses if ours else None, Caller(target=demand.target if ours else "", cell=demand.cell)
        if not demands:
            yield tuple(sorted(self._overrides.items())), None, None

    @cached_property
    def _given(self) -> frozenset[str]:
        """The ARGs that a profile's axes, and the manifest beside its targets, give to every target; none without a profile."""
        profile = self._expansion.facts.profile
        if profile is None:
            return frozenset()
        of_values = (arg for axis in self._expansion.matrix.values() for args in axis.args.values() for arg in args)
        of_axes = (arg for axis in profile.axes for arg in axis.args)
        return frozenset(arg.name for arg in (*of_axes, *profile.args, *self._expansion.manifest.args, *of_values))

    @cached_property
    def _common(self) -> tuple[tuple[Demand, ...], tuple[str, ...]]:
        """`spec.args` for every cell, as a target has them that declares no args; and those that only one with an image or needs can have."""
        manifest = self._expansion.manifest
        found = expand(_bare(manifest, manifest.args))
        fitting = manifest.args
        if found.problems:
            fitting = tuple(arg for arg in manifest.args if not expand(_bare(manifest, [arg])).problems)
            found = expand(_bare(manifest, fitting))
        return found.demands, tuple(arg.name for arg in manifest.args if arg not in fitting)

    def _analysis(self, directory: str, name: str, args: Pairs) -> Analysis | Problem:
        try:
            return self._reader.analysis(directory, name, args)
        except EarthfileError as error:
            return self._problem(error)

    def _problem(self, error: EarthfileError) -> Problem:
        """An Earthfile's fault as a person sees it: its file as a path from here."""
        problem = error.problem()
        if problem.place is None or not problem.place.text:
            return replace(problem, place=None)
        return replace(problem, place=replace(problem.place, file=os.path.relpath(self._source.root / problem.place.file)))

    def _outcome(self, entry: _Entry) -> Called:
        if isinstance(entry.outcome, Problem):
            return Called(callers=tuple(entry.callers), args=entry.args, problem=entry.outcome)
        return Called(callers=tuple(entry.callers), args=entry.args, explained=self._explained(entry.outcome, entry.uses))

    def _explained(self, found: Analysis, uses: Uses | None) -> Explained:
        originals = {}
        for directory in directories(found):
            path, text = self._text(directory)
            if path:
                originals[directory] = Original(earthfile=self._parsed(directory).earthfile, text=text)
        return explained(corrected(found, uses) if uses else found, originals, self._mentions.place)

    # The source -------------------------------------------------------------

    @cached_property
    def _reaching(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """For each Earthly target, those that the manifest builds and that come to it."""
        reaching: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for directory, name in self._declared:
            for each in self._called(directory, name):
                for target in each.explained.analysis.targets if each.explained else ():
                    reaching[target][f"{directory}+{name}"] = None
        return tuple((target, tuple(others)) for target, others in reaching.items())

    def _text(self, directory: str) -> tuple[str, str]:
        """Path and text of the Earthfile of a directory; empty where it has none."""
        paths = (posixpath.join(directory, name) for name in _EARTHFILES)
        return next(((path, text) for path in paths if (text := self._source.text(path)) is not None), ("", ""))

    def _parsed(self, directory: str) -> Parsed:
        path, text = self._text(directory)
        return parsed(text, path)


@dataclass(slots=True, eq=False, kw_only=True)
class _Entry:
    """What came of calls that cannot differ in it: `args` are the first one's."""

    outcome: Analysis | Problem
    args: Pairs
    uses: Uses | None
    callers: list[Caller]

    def serves(self, args: Pairs) -> bool:
        """Whether a call with other args comes to the same. Which args decided on a problem is not known."""
        if isinstance(self.outcome, Problem) or self.outcome.anything:
            return False
        given, first = dict(args), dict(self.args)
        # One that is not given has its default, which may come from others.
        return given.keys() == first.keys() and all(given.get(name) == first.get(name) for name in self.outcome.deciding)


def _not_tried(directory: str, name: str) -> Problem:
    summary = f"not tried, as {_MOST_FAILURES} other calls of {directory}+{name} have failed"
    return Problem(summary=summary, hint="correct what is wrong with those first", code="not-tried")


def _bare(manifest: Manifest, args: Iterable[DeclaredArg]) -> Manifest:
    """The manifest with one target alone, which declares nothing of its own."""
    target = Target(name="none", place=manifest.place, earthly=Text(value="+none", place=manifest.place))
    return replace(manifest, targets=(target,), args=tuple(args))


def _declared(found: Explanation) -> Iterator[str]:
    yield from (seen.what.name for seen in found.used)
    yield from (seen.what for seen in (*found.name_only, *found.unused))
