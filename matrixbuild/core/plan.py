"""Builds and the lock become a plan: what is built, reused or retired, and which image names appear, move or stay, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from matrixbuild.core import image_names
from matrixbuild.core.basis import Basis
from matrixbuild.core.build import Build
from matrixbuild.core.changes import Change, Reason, Why, artifact_changes, reasons
from matrixbuild.core.compact import digest_of
from matrixbuild.core.image_names import ImageAction, Keeping, PlannedImage
from matrixbuild.core.indexes import incomplete, indexes
from matrixbuild.core.lock import Lock, LockedBuild
from matrixbuild.core.lock_merge import Holdings, slots, slots_held
from matrixbuild.core.problems import InvalidError, Problem, RefusedError
from matrixbuild.core.quantities import told_amount
from matrixbuild.core.shared_work import SharedWork

PLAN_VERSION = 1


class Action(StrEnum):
    """What happens to a build."""

    BUILD = "build"
    REBUILD = "rebuild"
    REUSE = "reuse"
    RETIRE = "retire"

    @property
    def symbol(self) -> str:
        return _SYMBOLS[self]


_NEW = (Reason(why=Why.NEW),)
_UNCHANGED = (Reason(why=Why.UNCHANGED),)
_SYMBOLS = {Action.BUILD: "+", Action.REBUILD: "~", Action.REUSE: "=", Action.RETIRE: "-"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedBuild:
    """What happens to one build, and why. `key` is the new one (the lock's where it is retired); `cells` are their texts.

    `opaque`, `secrets` and `privileged` as in core.reading.Reading; of a build that is retired only what the lock says is known."""

    name: str
    action: Action
    reasons: tuple[Reason, ...]
    key: str
    cells: tuple[str, ...]
    opaque: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    privileged: bool = False

    def to_dict(self) -> dict[str, object]:
        told: dict[str, object] = {"opaque": list(self.opaque), "secrets": list(self.secrets), "privileged": self.privileged}
        return {
            "name": self.name,
            "action": self.action.value,
            "reasons": [reason.to_dict() for reason in self.reasons],
            "key": self.key,
            "cells": list(self.cells),
        } | {name: value for name, value in told.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many cells the manifest has, how many demands its targets make of them, and to how many builds these are deduplicated."""

    cells: int
    demands: int
    builds: int

    def to_dict(self) -> dict[str, int]:
        return {"cells": self.cells, "demands": self.demands, "builds": self.builds}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """How many cells one rule drops, and why; a cell that several rules drop counts for the first."""

    rule: str
    reason: str
    cells: int

    def to_dict(self) -> dict[str, object]:
        return {"rule": self.rule, "reason": self.reason, "cells": self.cells}


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """What a target's `uses` says of one ARG (`effect` is add or ignore), and where: `release.yaml:12`."""

    target: str
    effect: str
    arg: str
    where: str

    def to_dict(self) -> dict[str, object]:
        return {"target": self.target, "effect": self.effect, "arg": self.arg, "where": self.where}


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryState:
    """What a refresh found: keys of builds whose locked image, or whose locked artifacts, are not there any more; for final image names
    that were asked for, the digest they hold now (None: there is no such tag); and, by key, the digests of images that the registry proves
    to be built though the lock does not know them (or no longer has them where it knew). `images` are those, by key, of builds that run again for
    their artifacts and keep the image that is there. `indexes` are, by image name, the digests of those whose images are all there."""

    missing_images: frozenset[str] = frozenset()
    missing_artifacts: frozenset[str] = frozenset()
    tags: Mapping[str, str | None] = field(default_factory=dict)
    adopted: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    indexes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the plan must keep to: `mutable` tags move, `overwrite` names a few that may; `limits` are the capacities the manifest declares;
    `defaults` the default value of an axis that a cell does not name; `forced` and `expired` the names of builds to build again. Where builds
    are not `tagged`, no image name is given, so that none can be refused."""

    tagged: bool = True
    mutable: bool = False
    overwrite: frozenset[str] = frozenset()
    limits: Mapping[str, int] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    forced: frozenset[str] = frozenset()
    expired: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that an apply would do: builds sorted by name (retired ones among them), image names sorted.

    `to_pin` are base images that the lock does not pin yet: apply asks for their digests. They are no part of the plan's identity, as
    pinning them moves nothing (design.md 10); nor is why there are no other cells (`dropped`), and where the manifest corrects what ARGs count
    (`uses`), and what builds do together (`shared`). `basis` is what the plan was made from.
    """

    name: str
    engine: str
    counts: Counts
    images: tuple[PlannedImage, ...]
    builds: tuple[PlannedBuild, ...]
    to_pin: tuple[str, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    uses: tuple[Corrected, ...] = ()
    basis: Basis | None = None
    shared: tuple[SharedWork, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether an apply would do anything: build, give or move an image name, or change an entry of the lock."""
        idle = all(build.reasons == _UNCHANGED for build in self.builds)
        return not idle or any(image.action is not ImageAction.LEAVE for image in self.images)

    @property
    def to_build(self) -> frozenset[str]:
        """The names of the builds that an engine has to run."""
        return frozenset(build.name for build in self.builds if build.action in (Action.BUILD, Action.REBUILD))

    @property
    def digest(self) -> str:
        """The identity of the plan: equal for the same input, on every machine and in every directory."""
        return digest_of({**self._content(), **({"basis": self.basis.identity} if self.basis else {})})

    def to_dict(self) -> dict[str, object]:
        """The plan as schemas/plan.schema.json describes it."""
        basis = {"basis": self.basis.to_dict()} if self.basis else {}
        return {
            **self._content(),
            "toPin": list(self.to_pin),
            "dropped": [each.to_dict() for each in self.dropped],
            **({"uses": [each.to_dict() for each in self.uses]} if self.uses else {}),
            **({"shared": [each.to_dict() for each in self.shared]} if self.shared else {}),
            **basis,
            "digest": self.digest,
        }

    def _content(self) -> dict[str, object]:
        return {
            "kind": "Plan",
            "planVersion": PLAN_VERSION,
            "name": self.name,
            "engine": self.engine,
            "counts": self.counts.to_dict(),
            "images": [image.to_dict() for image in self.images],
            "builds": [build.to_dict() for build in self.builds],
        }


def plan(
    builds: Sequence[Build],
    lock: Lock | None,
    *,
    name: str,
    engine: str,
    cells: int,
    demands: int,
    rules: Rules | None = None,
    registry: RegistryState | None = None,
    selected: frozenset[str] | None = None,
    to_pin: Sequence[str] = (),
) -> Plan:
    """What `apply` would do about these builds.

    `builds` are all of the manifest; with `selected` only those of these names are planned, and nothing is retired. Raises InvalidError for
    builds that ask for more than a declared limit and for indexes of which only a part is selected, RefusedError for image names that must not
    move; with both, InvalidError tells all.
    """
    rules, registry = rules or Rules(), registry or RegistryState()
    held = Holdings(lock)
    chosen = [build for build in builds if selected is None or build.name in selected]
    planned = [_planned(build, held, lock.pins.engine if lock else "", rules, registry) for build in chosen]
    retired = _retired(builds, held) if selected is None else []
    there = {**registry.images, **registry.adopted}
    keeping = Keeping(
        mutable=rules.mutable,
        overwrite=rules.overwrite,
        defaults=rules.defaults,
        tags=registry.tags,
        adopted=there,
        indexes=registry.indexes,
    )
    of_indexes = indexes(builds)
    images, refused = image_names.planned(chosen, held, keeping, whole=selected is None, tagged=rules.tagged, indexes=of_indexes)
    wrong = [problem for build in chosen for problem in _too_large(build, rules.limits)]
    if selected is not None and rules.tagged:
        wrong += incomplete(of_indexes, selected, (held.by_key.keys() - registry.missing_images) | there.keys())
    if wrong:
        raise InvalidError(*wrong, *refused)
    if refused:
        raise RefusedError(*refused)
    everything = tuple(sorted([*planned, *retired], key=lambda build: (build.name, build.action is Action.RETIRE)))
    counts = Counts(cells=cells, demands=demands, builds=len(builds))
    return Plan(name=name, engine=engine, counts=counts, images=images, builds=everything, to_pin=tuple(to_pin))


def _planned(build: Build, held: Holdings, engine: str, rules: Rules, registry: RegistryState) -> PlannedBuild:
    action, why = _decision(build, held, engine, rules, registry)
    return PlannedBuild(
        name=build.name,
        action=action,
        reasons=why,
        key=build.key,
        cells=tuple([cell.text for cell, _ in build.cells]),
        opaque=build.opaque,
        secrets=build.secrets,
        privileged=build.privileged,
    )


def _decision(build: Build, held: Holdings, engine: str, rules: Rules, registry: RegistryState) -> tuple[Action, tuple[Reason, ...]]:
    entry = held.same(build)
    if build.key in registry.adopted and not {build.name} & (rules.forced | rules.expired):
        return Action.REUSE, (Reason(why=Why.ADOPTED),)
    if entry is None:
        before = held.before(build)
        return (Action.BUILD, _NEW) if before is None else (Action.REBUILD, reasons(build, held.by_name[before], engine=engine))
    told = _despite_the_lock(build, entry, rules, registry)
    return (Action.REBUILD, told) if told else (Action.REUSE, _UNCHANGED)


def _despite_the_lock(build: Build, entry: LockedBuild, rules: Rules, registry: RegistryState) -> tuple[Reason, ...]:
    """Why a build runs although the lock holds its key."""
    unrecorded = _unrecorded(build, entry)
    files = tuple(sorted(Change(field="artifacts", name=name, how="removed") for _, name in build.artifacts))
    possible = (
        (build.name in rules.forced, Reason(why=Why.FORCED)),
        (build.name in rules.expired, Reason(why=Why.EXPIRED)),
        (build.key in registry.missing_images, Reason(why=Why.MISSING)),
        (build.key in registry.missing_artifacts, Reason(why=Why.MISSING_ARTIFACT, changes=files)),
        (bool(unrecorded), Reason(why=Why.CHANGED, changes=unrecorded)),
    )
    return tuple(reason for holds, reason in possible if holds)


def _unrecorded(build: Build, entry: LockedBuild) -> tuple[Change, ...]:
    """What the lock lacks for a key it holds: artifacts under other names; the image, where the manifest asked for none before."""
    image = [Change(field="image", how="added")] if build.image and not entry.image else []
    return tuple(sorted([*artifact_changes(build, entry), *image]))


def _retired(builds: Sequence[Build], held: Holdings) -> list[PlannedBuild]:
    if not held.by_name:
        return []
    names = {build.name for build in builds}
    keys = {build.key for build in builds}
    wanted = {slot for build in builds for slot in slots(build)}
    return [
        PlannedBuild(
            name=name,
            action=Action.RETIRE,
            reasons=(Reason(why=Why.GONE),),
            key=entry.key,
            cells=tuple(cell for cell, _ in entry.cells),
            opaque=entry.opaque,
        )
        for name, entry in held.by_name.items()
        if name not in names and entry.key not in keys and wanted.isdisjoint(slots_held(name, entry))
    ]


def _too_large(build: Build, limits: Mapping[str, int]) -> list[Problem]:
    return [
        Problem(
            summary=f"{build.name} asks for {told_amount(pool, amount)} of {pool}, and the manifest's limit is {told_amount(pool, limits[pool])}",
            place=build.place,
            hint=f"lower resources.{pool} of {build.target}, or raise schedule.limits.{pool}",
            code="demand-too-large",
        )
        for pool, amount in build.resources.amounts
        if pool in limits and amount > limits[pool]
    ]
