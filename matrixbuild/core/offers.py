"""Declared targets -> what each offers to build, with names resolved and templates compiled; still for no cell in particular."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from matrixbuild.core.axes import Axes, unknown_axis
from matrixbuild.core.manifest import Amount, DeclaredArg, Manifest, Target, Text
from matrixbuild.core.problems import Problem, did_you_mean
from matrixbuild.core.rules import Matcher, matcher
from matrixbuild.core.templates import Scope, Template, compile_template

MACHINE_POOLS = ("cpu", "memory", "disk")
"""Pools every machine has; others exist where `schedule.limits` names them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedArg:
    """`optional` as in core.demand.Arg."""

    declared: DeclaredArg
    template: Template
    optional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A target whose names are all known. `image` is repository and tag, `artifacts` path and name of each."""

    target: Target
    axes: frozenset[str]
    when: Matcher
    args: tuple[OfferedArg, ...]
    image: tuple[Template, Template] | None
    artifacts: tuple[tuple[Template, Template], ...]


def offers(manifest: Manifest, axes: Axes, problems: list[Problem]) -> tuple[Offer, ...]:
    """The targets, sorted by name; those with a mistake in them are told and left out."""
    targets = {target.name: target for target in manifest.targets}
    _check_resources(manifest, problems)
    found = []
    for name in sorted(targets):
        before = len(problems)
        offer = _Offering(manifest=manifest, axes=axes, targets=targets, problems=problems).offer(targets[name])
        if len(problems) == before and offer is not None:
            found.append(offer)
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offering:
    manifest: Manifest
    axes: Axes
    targets: Mapping[str, Target]
    problems: list[Problem]

    def offer(self, target: Target) -> Offer | None:
        axes = self._axes(target)
        scope = self._scope(target, axes)
        plain = Scope(axes=scope.axes, hidden=scope.hidden, vars=scope.vars)
        self._check_needs(target)
        when = matcher(target.when, self.axes, self.problems)
        args = tuple(self._args(target, scope))
        image = self._pair(target.image.repository, target.image.tag, plain) if target.image else None
        artifacts = [self._pair(one.path, one.name, plain) for one in target.artifacts]
        return Offer(target=target, axes=axes, when=when, args=args, image=image, artifacts=tuple(pair for pair in artifacts if pair))

    def _axes(self, target: Target) -> frozenset[str]:
        if target.axes is None:
            return frozenset(self.axes)
        self.problems.extend(unknown_axis(text.value, self.axes, text.place) for text in target.axes if text.value not in self.axes)
        return frozenset(text.value for text in target.axes) & frozenset(self.axes)

    def _scope(self, target: Target, axes: frozenset[str]) -> Scope:
        needs = tuple(text.value for text in target.needs if text.value in self.targets)
        return Scope(
            axes={name: axis.fields for name, axis in self.axes.items() if name in axes},
            hidden=frozenset(self.axes) - axes,
            vars=tuple(name for name, _ in self.manifest.vars),
            image=target.image is not None,
            needs=needs,
            imageless=frozenset(name for name in needs if self.targets[name].image is None),
            is_arg=True,
        )

    def _check_needs(self, target: Target) -> None:
        others = [name for name in self.targets if name != target.name]
        for text in target.needs:
            if text.value == target.name:
                self._problem(f"the target {target.name!r} needs itself", text, hint="remove it", code="need-itself")
            elif text.value not in self.targets:
                hint = did_you_mean(text.value, others) or f"the other targets are {', '.join(others) or 'none'}"
                self._problem(f"there is no target {text.value!r} to need", text, hint=hint, code="unknown-need")

    def _args(self, target: Target, scope: Scope) -> Iterator[OfferedArg]:
        # Weakest first; an arg of the target takes the place of the common one.
        own = {arg.name for arg in target.args}
        common = [arg for arg in self.manifest.args if arg.name not in own]
        for optional, declared in [*((True, arg) for arg in common), *((False, arg) for arg in target.args)]:
            template = compile_template(declared.value, scope, self.problems)
            if template:
                yield OfferedArg(declared=declared, template=template, optional=optional)

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
