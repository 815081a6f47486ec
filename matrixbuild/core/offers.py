"""Declared targets -> what each offers to build, with names resolved and templates compiled; still for no cell in particular."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from matrixbuild.core.axes import Axes, unknown_axis
from matrixbuild.core.declared import DeclaredArg, Text
from matrixbuild.core.facts import Facts
from matrixbuild.core.manifest import Amount, Manifest, Target
from matrixbuild.core.problems import Place, Problem, did_you_mean
from matrixbuild.core.rules import Matcher, matcher
from matrixbuild.core.spans import holds
from matrixbuild.core.templates import CELL_MEMBERS, Scope, Template, compile_template

MACHINE_POOLS = ("cpu", "memory", "disk")
"""Pools every machine has; others exist where `schedule.limits` names them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedArg:
    """`optional` and `tacit` as in core.demand.Arg; `axis` is the one whose value brings it, "" for none; `of_profile` says who wrote it."""

    declared: DeclaredArg
    template: Template
    optional: bool
    tacit: bool = False
    axis: str = ""
    of_profile: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedDockerfile:
    context: Template
    dockerfile: Template | None
    platform: Template | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A target whose names are all known. `image` is repository and tag, `artifacts` path and name of each.

    `axes` are the target's, `splits` those by which its demands are told apart: with those that decide on the files laid over its source.
    Args from the weakest to the strongest: `weak`, those that values of axes bring (by axis and the value's text), `own`.
    """

    target: Target
    axes: frozenset[str]
    splits: frozenset[str]
    when: Matcher
    weak: tuple[OfferedArg, ...]
    values: Mapping[str, Mapping[str, tuple[OfferedArg, ...]]]
    own: tuple[OfferedArg, ...]
    image: tuple[Template, Template] | None
    artifacts: tuple[tuple[Template, Template], ...]
    docker: OfferedDockerfile | None = None
    index: tuple[str, ...] = ()
    """Axes that share one image name."""

    @property
    def templates(self) -> Iterator[Template]:
        """All that it is made of."""
        args = (*self.weak, *(arg for values in self.values.values() for given in values.values() for arg in given), *self.own)
        yield from (arg.template for arg in args)
        yield from (template for pair in (self.image, *self.artifacts) for template in pair or ())
        of_docker = (self.docker.context, self.docker.dockerfile, self.docker.platform) if self.docker else ()
        yield from (template for template in of_docker if template)


def offers(manifest: Manifest, axes: Axes, problems: list[Problem], facts: Facts | None = None) -> tuple[Offer, ...]:
    """The targets, sorted by name; those with a mistake in them are told and left out."""
    targets = {target.name: target for target in manifest.targets}
    _check_resources(manifest, problems)
    found = []
    offering = _Offering(manifest=manifest, axes=axes, targets=targets, problems=problems, facts=facts or Facts())
    offering.check_governed()
    for name in sorted(targets):
        before = len(problems)
        offer = offering.offer(targets[name])
        if len(problems) == before and offer is not None:
            found.append(offer)
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offering:
    manifest: Manifest
    axes: Axes
    targets: Mapping[str, Target]
    problems: list[Problem]
    facts: Facts = field(default_factory=Facts)

    def offer(self, target: Target) -> Offer | None:
        axes = self._axes(target)
        scope = self._scope(target, axes)
        plain = replace(scope, image=False, needs=(), imageless=frozenset(), is_arg=False)
        self._check_needs(target)
        self._check_ambient(target)
        index = self._index(target, axes)
        named = replace(plain, tagged=plain.tagged.difference(index))
        image = self._pair(target.image.repository, target.image.tag, named) if target.image else None
        self._check_index(target, index, image)
        artifacts = [self._pair(one.path, one.name, plain) for one in target.artifacts]
        return Offer(
            target=target,
            axes=axes,
            splits=axes | self._deciding_on_files(),
            when=self._when(target),
            weak=tuple(self._weak(target, scope)),
            values=self._values(axes, scope),
            own=tuple(self._offered(target.args, scope)),
            image=image,
            artifacts=tuple(pair for pair in artifacts if pair),
            docker=self._dockerfile(target, plain),
            index=index,
        )

    def _when(self, target: Target) -> Matcher:
        """The profile's conditions may be about values that the matrix does not have; those that the manifest adds to them may not."""
        of_profile = [one for one in target.when if self._is_of_profile(one.place)]
        own = [one for one in target.when if not self._is_of_profile(one.place)]
        theirs, ours = matcher(of_profile, self.axes, self.problems, inherited=True), matcher(own, self.axes, self.problems)
        return Matcher(accepts=(*theirs.accepts, *ours.accepts), never=theirs.never or ours.never)

    def _index(self, target: Target, axes: frozenset[str]) -> tuple[str, ...]:
        found = []
        for text in target.image.index if target.image else ():
            if text.value in axes:
                found.append(text.value)
            elif text.value not in self.axes.known:
                self.problems.append(unknown_axis(text.value, self.axes.known, text.place))
            elif text.value in self.axes:
                hint = f"add it to the target's axes, or take it out of the index of {target.name}"
                self._problem(f"the target does not have the axis {text.value!r}", text, hint=hint, code="index-axis")
        return tuple(sorted(found))

    def _check_index(self, target: Target, index: Sequence[str], image: tuple[Template, Template] | None) -> None:
        for template in image or ():
            for axis in sorted(template.axes.intersection(index)):
                summary = f"the image name of {target.name} tells {axis}, whose values `index` puts under one name"
                self._problem(summary, template.text, hint=f"take {axis} out of the name, or out of index", code="index-axis")

    def _deciding_on_files(self) -> frozenset[str]:
        return frozenset(condition.axis for file in self.manifest.source.files for condition in file.when if condition.axis in self.axes)

    def _axes(self, target: Target) -> frozenset[str]:
        if target.axes is None:
            return frozenset(self.axes)
        self.problems.extend(unknown_axis(text.value, self.axes.known, text.place) for text in target.axes if text.value not in self.axes.known)
        return frozenset(text.value for text in target.axes) & frozenset(self.axes)

    def _scope(self, target: Target, axes: frozenset[str]) -> Scope:
        needs = tuple(text.value for text in target.needs if text.value in self.targets or self._is_of_profile(text.place))
        return Scope(
            axes={name: axis.fields for name, axis in self.axes.items() if name in axes},
            constants={name: axis.fields for name, axis in self.axes.constants.items()},
            hidden=frozenset(self.axes) - axes,
            vars=tuple(name for name, _ in self.manifest.vars),
            namespaces=self._namespaces(),
            tagged=self._tagged() & (axes | self._deciding_on_files()),
            image=target.image is not None,
            needs=needs,
            imageless=frozenset(name for name in needs if name in self.targets and self.targets[name].image is None),
            is_arg=True,
            declared={name: axis.place for name, axis in self.axes.items() if name in axes},
            foreign=self.facts.profile.file if self.facts.profile else "",
        )

    def _is_of_profile(self, place: Place) -> bool:
        """What a profile writes may be about targets and values that this matrix does not have."""
        return self.facts.profile is not None and place.file == self.facts.profile.file

    def _namespaces(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {"source": ("ref", "commit")} if self.manifest.source.git else {}
        if profile := self.facts.profile:
            found[profile.name] = (*(value.name for value in profile.values), *CELL_MEMBERS)
        return found

    def _tagged(self) -> frozenset[str]:
        return frozenset(axis.name for axis in self.facts.profile.axes if axis.suffix) if self.facts.profile else frozenset()

    def _check_needs(self, target: Target) -> None:
        others = [name for name in self.targets if name != target.name]
        for text in target.needs:
            if text.value == target.name:
                self._problem(f"the target {target.name!r} needs itself", text, hint="remove it", code="need-itself")
            elif text.value not in self.targets and not self._is_of_profile(text.place):
                hint = did_you_mean(text.value, others) or f"the other targets are {', '.join(others) or 'none'}"
                self._problem(f"there is no target {text.value!r} to need", text, hint=hint, code="unknown-need")

    def _check_ambient(self, target: Target) -> None:
        given = {arg.name: arg for arg in target.args}
        for text in target.ambient:
            if text.value in given and not self._is_of_profile(text.place):
                summary = f"{target.name} gives the ARG {text.value} both in args and in ambient, and that of args would win"
                hint = f"take it out of one of them; the other is in line {given[text.value].place.line}"
                self._problem(summary, text, hint=hint, code="ambient-arg")

    def check_governed(self) -> None:
        """An ARG that an axis of the profile gives has that axis' value and no other: else names would lie about what was built."""
        governed = {arg.name: axis.name for axis in (self.facts.profile.axes if self.facts.profile else ()) for arg in axis.args}
        of_values = (arg for axis in self.axes.values() for args in axis.args.values() for arg in args)
        given = (*self.manifest.args, *of_values, *(arg for target in self.manifest.targets for arg in target.args))
        for arg in given:
            axis = governed.get(arg.name)
            constant = self.axes.constants.get(axis or "")
            if axis and not (constant and arg.value.value in constant.values):
                hint = f"declare the values under spec.axes: {axis}"
                summary = f"the ARG {arg.name} is what the axis {axis!r} of the profile gives"
                self.problems.append(Problem(summary=summary, place=arg.place, hint=hint, code="governed-arg"))

    def _weak(self, target: Target, scope: Scope) -> Iterator[OfferedArg]:
        """The profile's args (those of an axis that the target does not have are left out), then `spec.args`."""
        if profile := self.facts.profile:
            yield from self._offered(profile.args, scope, optional=True, tacit=True)
            for axis in profile.axes:
                if (axis.name in scope.axes or axis.name in scope.constants) and holds(axis.span, self.facts.line):
                    yield from self._offered(axis.args, scope, optional=True, tacit=axis.name in scope.constants, axis=axis.name)
        needing = replace(scope, needs=tuple(dict.fromkeys((*scope.needs, *target.weak_needs))))
        yield from self._offered(target.weak_args, needing, optional=True, tacit=True)
        yield from self._offered(self.manifest.args, scope, optional=True)

    def _values(self, axes: frozenset[str], scope: Scope) -> dict[str, dict[str, tuple[OfferedArg, ...]]]:
        return {
            name: {text: tuple(self._offered(args, scope, optional=True, axis=name)) for text, args in axis.args.items() if args}
            for name, axis in self.axes.items()
            if name in axes and any(axis.args.values())
        }

    def _offered(
        self, declared: Sequence[DeclaredArg], scope: Scope, *, optional: bool = False, tacit: bool = False, axis: str = ""
    ) -> Iterator[OfferedArg]:
        for arg in declared:
            if template := compile_template(arg.value, scope, self.problems):
                of_profile = self._is_of_profile(arg.place)
                yield OfferedArg(declared=arg, template=template, optional=optional, tacit=tacit, axis=axis, of_profile=of_profile)

    def _dockerfile(self, target: Target, scope: Scope) -> OfferedDockerfile | None:
        if target.docker is None:
            return None
        context = compile_template(target.docker.context, scope, self.problems)
        dockerfile, platform = (
            compile_template(text, scope, self.problems) if text else None for text in (target.docker.dockerfile, target.docker.platform)
        )
        return OfferedDockerfile(context=context, dockerfile=dockerfile, platform=platform) if context else None

    def _pair(self, first: Text, second: Text, scope: Scope) -> tuple[Template, Template] | None:
        one, other = (compile_template(text, scope, self.problems) for text in (first, second))
        return (one, other) if one and other else None

    def _problem(self, summary: str, text: Text, *, hint: str, code: str) -> None:
        self.problems.append(Problem(summary=summary, place=text.place, hint=hint, code=code))


def _check_resources(manifest: Manifest, problems: list[Problem]) -> None:
    limits = {amount.pool: amount for amount in manifest.limits}
    for target in manifest.targets:
        problems.extend(_excessive(target.resources, limits))


def _excessive(resources: Iterable[Amount], limits: Mapping[str, Amount]) -> Iterator[Problem]:
    for amount in resources:
        limit = limits.get(amount.pool)
        if limit is None and amount.pool not in MACHINE_POOLS:
            known = sorted({*limits, *MACHINE_POOLS})
            hint = did_you_mean(amount.pool, known) or f"declare it under spec.schedule.limits; there are {', '.join(known)}"
            yield Problem(summary=f"there is no pool {amount.pool!r}", place=amount.place, hint=hint, code="unknown-pool")
        elif limit is not None and amount.amount > limit.amount:
            summary = f"one build takes {amount.written} of {amount.pool}, and the limit is {limit.written}"
            yield Problem(summary=summary, place=amount.place, hint=f"raise the limit in line {limit.place.line}, or take less", code="over-limit")
