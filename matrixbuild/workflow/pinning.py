"""A manifest -> its lock with other pins, and what that moves and rebuilds: the story of `lock update`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from matrixbuild.adapters.lock_file import write_lock
from matrixbuild.adapters.state import held_state
from matrixbuild.core.image_names import ImageAction
from matrixbuild.core.lock import Lock, Pins
from matrixbuild.core.pin_moves import LockUpdate, Upstream, engine_move, moves, version_moves
from matrixbuild.core.pins import NOTHING, Parts, without
from matrixbuild.core.plan import Action
from matrixbuild.core.problems import MatrixbuildError, Problem
from matrixbuild.workflow.keeping import forget
from matrixbuild.workflow.options import Options
from matrixbuild.workflow.planning import Planned, Prepared, planned, prepare, tagged
from matrixbuild.workflow.projects import project_of
from matrixbuild.workflow.reading import known_pins, read_name
from matrixbuild.workflow.upstream import upstream_between


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """What an update moved; the warnings of the manifest under its new pins; where the lock is."""

    update: LockUpdate
    warnings: tuple[Problem, ...]
    lock: Path


def update_lock(path: Path, parts: Parts, options: Options, *, rebuild: str = "", dry_run: bool = False) -> Updated:
    """Resolve these parts of the pins anew, draw a generation for the builds that `rebuild` selects, and write the lock: its pins, and nothing of
    its builds. A dry run writes nothing.

    Raises as an apply does that cannot be prepared under the new pins: then nothing is written either.
    """
    name, project = read_name(path), project_of(path)
    with nullcontext() if dry_run else held_state(project.root, name, path):
        held = known_pins(path) or NOTHING
        prepared = prepare(path, resolve=True, options=options, rebuild=rebuild, pins=without(held, parts))
        update = _compared(path, prepared, options)
        if not dry_run:
            update = replace(update, written=_write(prepared))
            forget(project, name)
        return Updated(update=update, warnings=prepared.warnings, lock=project.lock)


def _compared(path: Path, prepared: Prepared, options: Options) -> LockUpdate:
    before, after = prepared.lock.pins if prepared.lock else None, prepared.pins
    known, notes = _keys_before(path, prepared.lock, options)
    found = planned(prepared, overwrite=_all_refs(prepared), refresh=False)
    others = frozenset(build.name for build in prepared.builds if known is not None and known.get(build.name) != build.key)
    return LockUpdate(
        name=prepared.manifest.name,
        upstream=_upstream(before, prepared),
        engine=engine_move(before, after),
        versions=version_moves(before, after),
        images=moves((before or NOTHING).images, after.images),
        generations=moves((before or NOTHING).generations, after.generations),
        builds=tuple(
            build
            for build in found.plan.builds
            if (build.name in others & found.plan.to_build) or (build.action is Action.RETIRE and known is not None and build.name in known)
        ),
        pending=len(found.plan.to_build - others),
        held=_held(found, others),
        notes=notes,
    )


def _keys_before(path: Path, lock: Lock | None, options: Options) -> tuple[Mapping[str, str] | None, tuple[str, ...]]:
    """Build keys by name under the lock's pins; None where there is no lock, or (and then why) they are not known any more."""
    if lock is None:
        return None, ()
    try:
        return {build.name: build.key for build in prepare(path, resolve=False, options=options, pins=lock.pins).builds}, ()
    except MatrixbuildError as error:
        # A manifest that fits the new pins need not fit the old ones: often that is why they are moved.
        told = (f"what this rebuilds is not told: under the pins of before, {problem.summary}" for problem in error.problems)
        return None, tuple(dict.fromkeys(told))


def _all_refs(prepared: Prepared) -> frozenset[str]:
    """Every name may move here: whether it may in an apply is told, and kept to, there."""
    return frozenset(str(ref) for build in prepared.selected for ref in build.refs) if tagged(prepared.manifest) else frozenset()


def _held(found: Planned, others: frozenset[str]) -> tuple[str, ...]:
    if found.prepared.manifest.publish.mutable:
        return ()
    return tuple(image.ref for image in found.plan.images if image.action is ImageAction.MOVE and image.build in others)


def _upstream(before: Pins | None, prepared: Prepared) -> Upstream | None:
    """None where the source is a directory, or its commit has not moved."""
    old, new = dict((before or NOTHING).source), dict(prepared.pins.source)
    if not new.get("commit") or old == new:
        return None
    return upstream_between(old.get("commit", "") if old.get("git") == new["git"] else "", prepared)


def _write(prepared: Prepared) -> bool:
    lock = prepared.lock
    updated = replace(lock, name=prepared.manifest.name, pins=prepared.pins) if lock else Lock(name=prepared.manifest.name, pins=prepared.pins)
    return write_lock(prepared.project.lock, updated)
