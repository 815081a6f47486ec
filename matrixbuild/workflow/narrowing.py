"""The builds of a manifest -> their Earthfiles with ARGs narrowed, what that lets them share, and the proof that each of them comes out the same."""

from __future__ import annotations

import os
import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from matrixbuild.adapters.sources import Source
from matrixbuild.core.build import Build
from matrixbuild.core.earthfile.analysis import Inspected
from matrixbuild.core.earthfile.calls import Call, split_target
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.narrowing import Found, Given, Narrowing, narrow
from matrixbuild.core.earthfile.narrowing_conditions import with_conditions_seen
from matrixbuild.core.earthfile.recipe import FromContext
from matrixbuild.core.earthfile.stages import Recipes, Scopes, recipes, stages
from matrixbuild.core.earthfile.walk import parsed
from matrixbuild.core.listing import Kind
from matrixbuild.core.makings import Together, together
from matrixbuild.core.problems import Place, Problem, Severity
from matrixbuild.core.shared_work import Going, SharedWork, Stage, shared_work
from matrixbuild.workflow.examining import Examiners
from matrixbuild.workflow.sharing import Args
from matrixbuild.workflow.targets import Evaluator

Variant = tuple[int, ...]
Entered = tuple[Variant, str]
"""A variant of the source, and the path in it of an Earthfile that builds enter."""

_EARTHFILES = ("Earthfile", "build.earth")

_Question = tuple[str, Mapping[str, str], Given, Found]
"""What `narrow` is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """The Earthfiles that builds are made from instead of their author's, by variant and path; `remarks` say why there are none where some were
    looked for. `works` is what is shared."""

    texts: Mapping[Entered, Narrowing] = field(default_factory=dict)
    remarks: tuple[Problem, ...] = ()

    def of(self, variant: Variant) -> Mapping[str, Narrowing]:
        """By path in the checkout of a variant."""
        return {path: found for (other, path), found in self.texts.items() if other == variant}

    def holds(self, build: Build) -> bool:
        """Whether a build is made from another Earthfile than its author's."""
        return not build.docker and any((build.variant, path) in self.texts for path in _paths(build))


PLAIN = Narrowed()
"""The author's own texts."""


class Sharing:
    """What builds share: `builds` are all of a manifest, for an Earthfile must not depend on which of them are run. Nothing is looked at before it is
    asked for; what was found is known."""

    def __init__(self, builds: Sequence[Build], examiners: Examiners) -> None:
        self._builds = tuple(build for build in builds if build.earthly and not build.docker)
        self._examiners = examiners
        self._classes: dict[tuple[object, ...], int] = {}
        self._inspected: dict[int, Inspected] = {}
        self._mentioned: dict[Entered, Mapping[str, frozenset[str]]] = {}
        """By Earthly target, the names in files that its commands may run."""
        self._stages: dict[int, tuple[Stage, ...]] = {}
        self._scoped: dict[Entered, tuple[Scopes, Scopes]] = {}
        self._narrowed: list[tuple[_Question, Narrowing]] = []

    @cached_property
    def _given_to(self) -> Mapping[str, Mapping[str, str]]:
        """What is passed to each build, by name of the build and of the ARG; in the order in which it is passed."""
        return {build.name: dict(build.passed) for build in self._builds}

    def _passed(self, build: Build) -> Args:
        return tuple(self._given_to[build.name].items())

    def entered(self, build: Build) -> Entered:
        """The Earthfile that a build enters."""
        return self._entered[build.name]

    @cached_property
    def _entered(self) -> Mapping[str, Entered]:
        different = {(build.variant, build.earthly): build for build in self._builds}
        places = {key: self._place(build) for key, build in different.items()}
        return {build.name: places[build.variant, build.earthly] for build in self._builds}

    def _place(self, build: Build) -> Entered:
        listing = self._examiners.source(build.variant).listing.entries
        paths = _paths(build)
        return build.variant, next((path for path in paths if path in listing), paths[0])

    @cached_property
    def found(self) -> Mapping[Entered, Narrowing]:
        """What became of each Earthfile that builds enter."""
        groups = self._groups
        # Builds whose files differ share what does not depend on those: the same ARGs are narrowed for all.
        given = {path: self._given([build for build in self._builds if self.entered(build)[1] == path]) for path in {path for _, path in groups}}
        return {entered: self._narrowing(entered, builds, given[entered[1]]) for entered, builds in groups.items() if given[entered[1]].differing}

    @cached_property
    def _groups(self) -> Mapping[Entered, list[Build]]:
        groups: defaultdict[Entered, list[Build]] = defaultdict(list)
        for build in self._builds:
            groups[self.entered(build)].append(build)
        return groups

    def entering(self) -> Mapping[Entered, Narrowing | None]:
        """Each Earthfile that builds enter; None where nothing differs between them."""
        return {entered: self.found.get(entered) for entered in self._groups}

    def _given(self, builds: Sequence[Build]) -> Given:
        """What is given to builds of one Earthfile. What reaches nothing but image names counts as differing where anything does: it is another one
        in the next release, or for another registry, and no step needs to know."""
        found = Given.of(self._given_to[build.name] for build in builds)
        if not found.differing:
            return found
        names = frozenset(name for build in builds for name, _ in build.name_only)
        return replace(found, differing=found.differing | (names - {name for build in builds for name, _ in build.args}))

    def _narrowing(self, entered: Entered, builds: Sequence[Build], given: Given) -> Narrowing:
        variant, path = entered
        source = self._examiners.source(variant)
        texts = dict(_earthfiles(source))
        names = parsed(texts[path], path).names | given.differing | given.always
        inspected = []
        for build in {self._class[build.name]: build for build in builds}.values():
            seen, reader = self._seen(build), self._examiners.of(variant).earthly(self._passed(build))
            inspected.append((seen, reader.mentioned(seen, names)))
        found = Found.of(inspected)
        texts |= {other: text for other in found.dockerfiles if (text := source.text(other)) is not None}
        self._mentioned[entered] = found.mentioned(texts)
        return with_conditions_seen(self._narrow(path, texts, given, found), path, texts[path], [seen for seen, _ in inspected])

    def _narrow(self, path: str, texts: Mapping[str, str], given: Given, found: Found) -> Narrowing:
        """Worked out once for variants of which the Earthfiles and what calls come to are the same: they differ in other files."""
        question = path, texts, given, found
        known = next((made for asked, made in self._narrowed if asked == question), None)
        if known is None:
            known = narrow(*question)
            self._narrowed.append((question, known))
        return known

    def _seen(self, build: Build) -> Inspected:
        key, passed = self._class[build.name], self._passed(build)
        if key not in self._inspected:
            self._inspected[key] = self._examiners.of(build.variant).earthly(passed).like(*split_target(build.earthly), passed)
        return self._inspected[key]

    @cached_property
    def _class(self) -> Mapping[str, int]:
        """By build. Builds of one class go through the same commands and copy the same files (core.build.Build.inputs): one stands for all."""
        return {build.name: self._classes.setdefault(self._traits(build), len(self._classes)) for build in self._builds}

    def _traits(self, build: Build) -> tuple[object, ...]:
        passed = self._given_to[build.name]
        believed = tuple(each.text for each in self._examiners.of(build.variant).statements(passed.items()))
        # Thousands of builds have one tuple of files, which is long: two that are only equal make two classes, and come to the same.
        files = id(build.inputs.files)
        return build.earthly, build.variant, build.inputs.target, files, build.opaque, tuple(passed), believed

    # What is shared -----------------------------------------------------------

    @cached_property
    def narrowed(self) -> Narrowed:
        """As a plan tells it; an apply proves it. Where it would spare no step at all, everything stays as it was written."""
        try:
            saved = any(work.saved for work in self._whole_work)
        except EarthfileError as error:
            # The plan was made with all that the manifest gives; builds are given what counts.
            return Narrowed(remarks=(self._remark((), f"these builds share no steps, for one of them cannot be looked at: {error}", None),))
        if saved:
            return Narrowed(texts={entered: found for entered, found in self.found.items() if found.narrowed})
        refused = [(entered, found) for entered, found in self.found.items() if found.refused]
        return Narrowed(remarks=tuple(self._unshared(*each) for each in refused[:1]))

    def work(self, names: frozenset[str]) -> tuple[SharedWork, ...]:
        """What the builds of these names share, if the Earthfiles are narrowed."""
        if names >= self._given_to.keys():
            return self._whole_work
        return shared_work(self._going(build) for build in self._builds if build.name in names)

    @cached_property
    def _whole_work(self) -> tuple[SharedWork, ...]:
        return shared_work(map(self._going, self._builds))

    def makings(self, names: AbstractSet[str]) -> tuple[Together, ...]:
        """Each making of an Earthly target for the builds of these names, if the Earthfiles are narrowed."""
        return together(self._going(build) for build in self._builds if build.name in names)

    def sent(self, build: Build, targets: AbstractSet[str]) -> tuple[tuple[str, int, str], ...]:
        """What COPYs of these Earthly targets certainly take of the source: Earthfile, line, and a pattern of paths."""
        taken = (each for each in self._seen(build).examined.findings.taken if each.certain and str(each.visit) in targets)
        copies = ((each.copied.place, source) for each in taken for source in each.copied.sources if isinstance(source, FromContext))
        found = {(place.file, place.line, posixpath.normpath(posixpath.join(source.directory, source.pattern))) for place, source in copies}
        return tuple(sorted(found))

    def _going(self, build: Build) -> Going:
        apart = build.variant, build.inputs.generation
        return Going(name=build.name, args=self._given_to[build.name], apart=apart, stages=self._stages_of(build))

    def prefix(self, build: Build) -> str:
        """What a build has in common with those it shares most with: the same text for all of them, "" where it shares nothing."""
        work = {each.target: each for each in self._whole_work if each.saved}
        shared = [stage for stage in self._stages_of(build) if stage.target in work]
        if not shared:
            return ""
        most = max(shared, key=lambda stage: (work[stage.target].saved, stage.target, -stage.turn))
        passed = self._given_to[build.name]
        return f"{most.target} {sorted((name, passed[name]) for name in most.narrow & passed.keys())}"

    def ran(self, entered: Entered) -> frozenset[Place]:
        """The commands that builds from an Earthfile may run."""
        seen = (self._seen(build) for build in self._groups[entered])
        return frozenset(ran.place for each in {id(one): one for one in seen}.values() for ran in each.examined.findings.ran)

    def _stages_of(self, build: Build) -> tuple[Stage, ...]:
        key = self._class[build.name]
        if key not in self._stages:
            self._stages[key] = tuple(stages(self._seen(build), *self._scopes(self.entered(build))))
        return self._stages[key]

    def _scopes(self, entered: Entered) -> tuple[Scopes, Scopes]:
        """Of the Earthfiles as they are built, and as they were written."""
        if entered not in self._scoped:
            self._scoped[entered] = self._scopes_of(entered)
        return self._scoped[entered]

    def _scopes_of(self, entered: Entered) -> tuple[Scopes, Scopes]:
        variant, path = entered
        texts, narrowing = dict(_earthfiles(self._examiners.source(variant))), self.found.get(entered)
        if narrowing is None:
            same = Scopes(everywhere=frozenset(), recipes=_recipes(texts))
            return same, same
        moved, staying = (frozenset(each.name for each in which) for which in (narrowing.moved, narrowing.refused))
        return (
            Scopes(everywhere=staying, recipes=_recipes(texts, {path: narrowing})),
            Scopes(everywhere=staying | moved, recipes=_recipes(texts)),
        )

    def _unshared(self, entered: Entered, found: Narrowing) -> Problem:
        first = found.refused[0]
        others = f" (nor can {len(found.refused) - 1} others)" if len(found.refused) > 1 else ""
        summary = f"these builds share no steps: {first.name} cannot leave the base recipe of {entered[1]}, for {first.why}{others}"
        return self._remark(entered[0], summary, first.place)

    def _remark(self, variant: Variant, summary: str, place: Place | None) -> Problem:
        root = self._examiners.source(variant).root
        shown = replace(place, file=os.path.relpath(root / place.file)) if place else None
        hint = "everything is built as its author wrote it; `explain --cache` shows all that stands in the way"
        return Problem(summary=summary, place=shown, hint=hint, code="not-shared", severity=Severity.WARNING)

    # The proof ----------------------------------------------------------------

    def proven(self, names: Iterable[str]) -> Narrowed:
        """What these builds are to be made from: narrowed where every one of them provably comes out the same, else nothing is narrowed for any."""
        whole = self.narrowed
        if not whole.texts:
            return whole
        wanted = frozenset(names)
        for build in self._builds:
            if build.name in wanted and (remark := self._doubt(build, whole)):
                return Narrowed(remarks=(remark,))
        return whole

    def _doubt(self, build: Build, whole: Narrowed) -> Problem | None:
        """What a build would be another by."""
        # Imported here: only who builds proves.
        from matrixbuild.core.earthfile.narrowing_proof import difference, walked

        texts = {path: found.text for path, found in whole.of(build.variant).items()}
        if not texts or self.entered(build) not in self._mentioned:
            return None
        passed = self._passed(build)
        source, believed = self._examiners.source(build.variant), self._examiners.of(build.variant).statements(passed)
        directory, target = split_target(build.earthly)
        call = Call(directory=directory, target=target, overrides=passed)
        ask = partial(walked, mentioned=self._mentioned[self.entered(build)])
        before = Evaluator(source, believed).until(ask, call)
        try:
            after = Evaluator(source, believed, texts).until(ask, call)
        except EarthfileError as error:
            return self._remark(build.variant, f"no steps are shared in this run: {build.name} would not build so: {error}", None)
        differs = difference(before, after)
        if differs is None:
            return None
        return self._remark(build.variant, f"no steps are shared in this run: {build.name} would be another, for {differs.sentence}", differs.place)


def _paths(build: Build) -> list[str]:
    """Where the Earthfile may be that a build enters."""
    directory, _ = split_target(build.earthly)
    return [posixpath.join(directory, name) for name in _EARTHFILES]


def _recipes(texts: Mapping[str, str], narrowed: Mapping[str, Narrowing] | None = None) -> Recipes:
    found: dict[tuple[str, str], frozenset[str]] = {}
    for path, text in texts.items():
        found |= recipes(posixpath.dirname(path), parsed(text, path).earthfile, (narrowed or {}).get(path))
    return found


def _earthfiles(source: Source) -> Iterator[tuple[str, str]]:
    """Those that can be read: nothing can be built from others."""
    for path, entry in sorted(source.listing.entries.items()):
        if entry.kind is Kind.FILE and posixpath.basename(path) in _EARTHFILES:
            text = source.text(path) or ""
            try:
                parsed(text, path)
            except EarthfileError:
                continue
            yield path, text
