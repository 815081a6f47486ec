"""Builds that are to run, and how long they took before -> the schedule that runs them, and how long that takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from matrixbuild.adapters.machine import capacity
from matrixbuild.core.build import Build
from matrixbuild.core.durations import Durations
from matrixbuild.core.forecast import prioritised
from matrixbuild.core.manifest import Manifest
from matrixbuild.core.names import LAYOUT_PREFIX, ImageName
from matrixbuild.core.policy import FailurePolicy, failure_policy
from matrixbuild.core.schedule import Schedule, ScheduledBuild
from matrixbuild.workflow.planning import Prepared

DEFAULT_CPU = ("cpu", 1000)
"""What a build holds that says nothing of cpu: one core, so that as many run at once as there are cores."""

History = Mapping[str, Sequence[float]]
"""Seconds of earlier attempts that built, by build name, the newest last (adapters.journal.Journal.durations)."""


def schedule_of(running: Mapping[str, Build], prepared: Prepared, history: History) -> Schedule:
    """The state machine of a run of these builds, on this machine, under the limits of the manifest."""
    room = capacity_of(prepared)
    builds = prioritised(scheduled(running), Durations(history).all(running), room)
    return Schedule(builds, capacity=room, policy=_policy(prepared.manifest), most_failures=prepared.manifest.schedule.on_failure.limit)


def scheduled(running: Mapping[str, Build]) -> tuple[ScheduledBuild, ...]:
    """The builds as the scheduler sees them, without ranks: what core.forecast.what_if and core.forecast.prioritised ask for."""
    return tuple(
        ScheduledBuild(
            name=build.name,
            needs=tuple(name for name, _ in build.needs if name in running),
            amounts=tuple(sorted((dict([DEFAULT_CPU]) | dict(build.resources.amounts)).items())),
            key=build.key,
            hosts=frozenset(_hosts(build)),
        )
        for build in running.values()
    )


def capacity_of(prepared: Prepared) -> dict[str, int]:
    """What the manifest declares, and this machine's where it says nothing."""
    return capacity(prepared.project.root) | {amount.pool: amount.amount for amount in prepared.manifest.limits}


def _hosts(build: Build) -> Iterable[str]:
    """The registries it pushes to and starts from."""
    images = [build.image, *(_image(ref) for ref, _ in build.inputs.bases)]
    return (image.registry for image in images if image and not image.registry.startswith(LAYOUT_PREFIX))


def _image(ref: str) -> ImageName | None:
    try:
        return ImageName.parse(ref)
    except ValueError:
        # An image of the manifest's own layout: there is no host to wait for.
        return None


def _policy(manifest: Manifest) -> FailurePolicy:
    retry = manifest.schedule.retry
    return failure_policy(attempts=retry.attempts, initial=retry.initial, maximum=retry.maximum, on=retry.on)
