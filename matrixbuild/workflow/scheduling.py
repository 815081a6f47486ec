"""Builds that are to run, and how long they took before -> the schedule that runs them, and how long that takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from matrixbuild.adapters.machine import capacity as machine
from matrixbuild.core.build import Build
from matrixbuild.core.durations import Duration
from matrixbuild.core.forecast import Estimate, expected, prioritised, remaining
from matrixbuild.core.learning import History, Learned
from matrixbuild.core.manifest import Manifest
from matrixbuild.core.names import LAYOUT_PREFIX, ImageName
from matrixbuild.core.policy import Budget, FailurePolicy, failure_policy
from matrixbuild.core.problems import InvalidError, Problem, did_you_mean
from matrixbuild.core.schedule import Schedule, ScheduledBuild
from matrixbuild.workflow.common_work import NOTHING, Common, common_work
from matrixbuild.workflow.planning import Prepared

DEFAULT_CPU = ("cpu", 1000)
"""What a build holds that says nothing of cpu: one core, so that as many run at once as there are cores."""

@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A run that is about to begin: its builds with the ranks and amounts they run with, how long each takes and what they have in common, and what
    there is to hold."""

    builds: tuple[ScheduledBuild, ...]
    durations: Mapping[str, Duration]
    capacity: Mapping[str, int]
    most_failures: int | None = None
    common: Common = NOTHING

    def schedule(self, policy: FailurePolicy) -> Schedule:
        contexts = self.common.contexts
        return Schedule(self.builds, capacity=self.capacity, policy=policy, most_failures=self.most_failures, contexts=contexts)

    @property
    def estimate(self) -> Estimate:
        """How long all of it takes."""
        return expected(self.builds, self.durations, self.capacity)

    def remaining(self, *, ended: AbstractSet[str], running: Mapping[str, float]) -> Estimate:
        """How long it still takes, as core.forecast.remaining."""
        return remaining(self.builds, self.durations, self.capacity, ended=ended, running=running)


def outlook(
    running: Mapping[str, Build],
    prepared: Prepared,
    history: History,
    *,
    done: AbstractSet[str] = frozenset(),
    room: Mapping[str, int] | None = None,
) -> Outlook:
    """What a run of these builds is going to be on this machine, under the limits of the manifest; `done` are builds that are there already, `room`
    pools that are otherwise.

    Raises InvalidError for a pool of `room` that there is not.
    """
    common = common_work(prepared, running.keys(), done)
    learned = Learned(history, shared=common.targets)
    there = capacity_of(prepared)
    _check_room(room or {}, there)
    capacity = {**there, **(room or {})}
    durations = learned.durations.all(running) | common.durations(learned)
    builds = prioritised(scheduled(running, learned, capacity, common.stages), durations, capacity)
    most_failures = prepared.manifest.schedule.on_failure.limit
    return Outlook(builds=builds, durations=durations, capacity=capacity, most_failures=most_failures, common=common)


def _check_room(room: Mapping[str, int], there: Mapping[str, int]) -> None:
    if unknown := [pool for pool in room if pool not in there]:
        hint = did_you_mean(unknown[0], there) or f"there are {', '.join(sorted(there))}; schedule.limits declares others"
        raise InvalidError(Problem(summary=f"--what-if: there is no pool {unknown[0]!r}", hint=hint, code="pool"))


def scheduled(
    running: Mapping[str, Build], learned: Learned, capacity: Mapping[str, int], stages: Mapping[str, tuple[str, ...]]
) -> tuple[ScheduledBuild, ...]:
    """The builds as the scheduler sees them, without ranks; `stages` are those of builds that have any."""
    return tuple(
        ScheduledBuild(
            name=build.name,
            needs=tuple(name for name, _ in build.needs if name in running),
            amounts=learned.amounts(build.name, tuple((dict([DEFAULT_CPU]) | dict(build.resources.amounts)).items()), capacity),
            key=build.key,
            hosts=frozenset(_hosts(build)),
            stages=stages.get(build.name, ()),
        )
        for build in running.values()
    )


def capacity_of(prepared: Prepared) -> dict[str, int]:
    """What the manifest declares, and this machine's where it says nothing."""
    return machine(prepared.project.root) | {amount.pool: amount.amount for amount in prepared.manifest.limits}


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


def policy_of(manifest: Manifest) -> FailurePolicy:
    """What the manifest says of failures."""
    retry = manifest.schedule.retry
    budget = None if retry.budget is None else Budget(share=0.0, more=retry.budget)
    return failure_policy(
        attempts=retry.attempts, initial=retry.initial, maximum=retry.maximum, on=retry.on, budget=budget, pause_after=retry.pause_after
    )
