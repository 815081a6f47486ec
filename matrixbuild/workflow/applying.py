"""A manifest -> built images under content tags, then final tags, artifacts and a lock: the main story."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matrixbuild.adapters.engines.base import Engine, Order
from matrixbuild.adapters.executors.interrupts import Interrupts
from matrixbuild.adapters.executors.local import LocalExecutor
from matrixbuild.adapters.image_facts import locked_image
from matrixbuild.adapters.image_moves import holds_image
from matrixbuild.adapters.lock_file import write_lock
from matrixbuild.adapters.machine import capacity
from matrixbuild.adapters.registries import Registries
from matrixbuild.adapters.state import held_state
from matrixbuild.core.build import Build, with_needs
from matrixbuild.core.events import Report, Run, State
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.graph import build_graph, ranks
from matrixbuild.core.image_names import ImageAction
from matrixbuild.core.lock import LockedArtifact, LockedImage
from matrixbuild.core.lock_merge import Holdings, Output, merge
from matrixbuild.core.manifest import Manifest
from matrixbuild.core.plan import Plan
from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.publish import PutTag
from matrixbuild.core.retry import RetryPolicy
from matrixbuild.core.schedule import Schedule, ScheduledBuild
from matrixbuild.workflow.planning import Planned, Prepared, check_engine, engine_of, planned, prepare, project_of
from matrixbuild.workflow.publishing import publish
from matrixbuild.workflow.reading import read_manifest
from matrixbuild.workflow.running import Outcome, run_schedule

DEFAULT_CPU = ("cpu", 1000)
"""What a build holds that says nothing of cpu: one core, so that as many run at once as there are cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """How an apply went: its plan, how each build ended that ran, digests by build key, the tags that were put (none unless everything
    succeeded and no signal came), and the first signal that came."""

    planned: Planned
    outcomes: Mapping[str, Outcome[Output]]
    digests: Mapping[str, str]
    puts: tuple[PutTag, ...] = ()
    lock_changed: bool = False
    signal: signal.Signals | None = None

    @property
    def succeeded(self) -> bool:
        return all(outcome.state is State.BUILT for outcome in self.outcomes.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Whom an apply tells how it goes: what the manifest's rules remark, the plan when it is made, then every build that starts, rests or ends."""

    on_plan: Callable[[Plan], None]
    on_report: Callable[[Report, Output | None], None]
    on_warnings: Callable[[Sequence[Problem]], None] = lambda _: None


def apply_manifest(
    path: Path, listener: Listener, *, overwrite: frozenset[str] = frozenset(), engine: Callable[[Prepared], Engine] = engine_of
) -> Applied:
    """Build what the plan asks for, publish it when everything has succeeded, and write the lock.

    `engine` makes the engine of a manifest. Builds that fail are no exception: see `Applied.succeeded`. Raises MatrixbuildError for
    what keeps the run from starting, and for tags that must not move.
    """
    manifest = read_manifest(path)
    check_engine(manifest)
    with held_state(project_of(path).root, manifest.name, path):
        prepared = prepare(path, resolve=True)
        listener.on_warnings(prepared.expansion.warnings)
        found = planned(prepared, overwrite=overwrite, refresh=True)
        listener.on_plan(found.plan)
        outcomes, interrupted = _run(found, engine(prepared), listener)
        applied = Applied(planned=found, outcomes=outcomes, digests=_digests(found, outcomes), signal=interrupted)
        # A person who stopped the run wanted nothing more of it: what is built is under its content tag, and the next apply publishes it.
        return _published(applied, overwrite) if applied.succeeded and not interrupted else applied


def _run(found: Planned, engine: Engine, listener: Listener) -> tuple[dict[str, Outcome[Output]], signal.Signals | None]:
    prepared = found.prepared
    running = {build.name: build for build in prepared.builds if build.name in found.plan.to_build}
    if not running:
        return {}, None
    schedule = Schedule(_scheduled(running), capacity=_capacity(prepared), retry=_retry(prepared.manifest))
    known = _digests(found, {})

    def orders(run: Run, made: Mapping[str, Output]) -> Order:
        digests = known | {running[name].key: output.image.digest for name, output in made.items() if output.image}
        return _order(running[run.build], digests, prepared)

    def perform(order: Order) -> Output:
        return _performed(engine, order, prepared.project.registries)

    with LocalExecutor(perform) as executor, Interrupts(executor.interrupt) as interrupts:
        return run_schedule(schedule, executor, orders, listener.on_report), interrupts.signal


def _scheduled(running: Mapping[str, Build]) -> list[ScheduledBuild]:
    rank = ranks(build_graph(running.values()), {})
    return [
        ScheduledBuild(
            name=build.name,
            needs=tuple(name for name, _ in build.needs if name in running),
            amounts=tuple(sorted((dict([DEFAULT_CPU]) | dict(build.resources.amounts)).items())),
            rank=rank[build.name],
            key=build.key,
        )
        for build in running.values()
    ]


def _capacity(prepared: Prepared) -> dict[str, int]:
    return capacity(prepared.project.root) | {amount.pool: amount.amount for amount in prepared.manifest.limits}


def _retry(manifest: Manifest) -> RetryPolicy:
    return RetryPolicy(attempts=manifest.retry.attempts, initial=manifest.retry.initial, maximum=manifest.retry.maximum)


def _order(build: Build, digests: Mapping[str, str], prepared: Prepared) -> Order:
    images = {other.key: str(other.image.with_digest(digests[other.key])) for other in prepared.builds if other.image and other.key in digests}
    return Order(
        earthly=build.earthly,
        args=tuple((name, with_needs(value, images)) for name, value in build.passed),
        key=build.key,
        push=build.content_image,
        artifacts=build.artifacts,
        output=prepared.project.output / build.slug,
    )


def _performed(engine: Engine, order: Order, registries: Registries) -> Output:
    made = engine.build(order)
    artifacts = {name: LockedArtifact(sha256=digest.removeprefix("sha256:"), size=size) for name, digest, size in made.artifacts}
    return Output(image=_read_back(order, registries), artifacts=tuple(sorted(artifacts.items())))


def _read_back(order: Order, registries: Registries) -> LockedImage | None:
    """What the registry has under the content tag: it alone says whether a push happened, and with which digest (design.md 9)."""
    if order.push is None:
        return None
    registry, repository = registries.of(order.push), order.push.repository
    try:
        manifest = registry.manifest(repository, order.push.tag)
        if manifest and holds_image(registry, repository, manifest.digest):
            return locked_image(registry, repository, manifest)
    except UnusableError as error:
        problem = error.problems[0]
        raise BuildFailed(Failure(kind=FailureKind.REGISTRY, summary=problem.summary, hint=problem.hint)) from error
    # Seen with docker-registry: what its cache still promises is not written again, though the file is gone or cut off.
    summary = f"the push ended well, and yet {order.push.registry} does not have the {'whole ' if manifest else ''}image"
    hint = "look at the registry's storage; one that lost files takes them again after a restart, or once the broken ones are removed"
    raise BuildFailed(Failure(kind=FailureKind.PUSH, summary=summary, hint=hint))


def _digests(found: Planned, outcomes: Mapping[str, Outcome[Output]]) -> dict[str, str]:
    """The image digest of every build that has one by now, by key: made in this run, found in the registry, or from the lock."""
    held = Holdings(found.prepared.lock)
    digests = {build.key: entry.image.digest for build in found.prepared.builds if (entry := held.same(build)) and entry.image}
    digests |= {key: image.digest for key, image in found.adopted.items()}
    for build in found.prepared.builds:
        outcome = outcomes.get(build.name)
        if outcome and outcome.made and outcome.made.image:
            digests[build.key] = outcome.made.image.digest
    return digests


def _published(applied: Applied, overwrite: frozenset[str]) -> Applied:
    found, prepared = applied.planned, applied.planned.prepared
    moves = frozenset(image.ref for image in found.plan.images if image.action is ImageAction.MOVE)
    mutable = prepared.manifest.mutable_tags
    puts = publish(prepared.builds, applied.digests, prepared.project.registries, mutable=mutable, moves=moves, overwrite=overwrite)
    outputs = {key: Output(image=image) for key, image in found.adopted.items()}
    outputs |= {build.key: outcome.made for build in prepared.builds if (outcome := applied.outcomes.get(build.name)) and outcome.made}
    lock = merge(prepared.lock, prepared.builds, outputs, name=prepared.manifest.name, pins=prepared.pins)
    changed = write_lock(prepared.project.lock, lock)
    return Applied(planned=found, outcomes=applied.outcomes, digests=applied.digests, puts=puts, lock_changed=changed)
