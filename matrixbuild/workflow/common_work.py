"""The builds that are to run, and those that are there already -> what they have in common, who it is that does it first, and how long it takes."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from matrixbuild.core.durations import Duration
from matrixbuild.core.learning import History, Learned
from matrixbuild.core.makings import Together
from matrixbuild.core.plan import Action, Plan
from matrixbuild.core.shared_work import SharedWork
from matrixbuild.workflow.beginnings import Beginnings
from matrixbuild.workflow.planning import Planned, Prepared

Sent = tuple[tuple[str, int, str], ...]
"""Earthfile and line of a COPY, and a pattern of what it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """`targets` are the Earthly targets that are made once for several builds of the manifest; `makings` those that are still to be made in a run.
    By build: `stages` are the names of its makings, `sent` is what these take of the source (adapters.engines.base.Order), and `contexts` say what
    that is and where it goes, the same for builds that send the same."""

    targets: frozenset[str] = frozenset()
    makings: tuple[Together, ...] = ()
    stages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sent: Mapping[str, Sent] = field(default_factory=dict)
    contexts: Mapping[str, str] = field(default_factory=dict)

    def durations(self, learned: Learned) -> dict[str, Duration]:
        """Of each making of which something is known."""
        found = ((making.name, learned.making(making.target, making.builds)) for making in self.makings)
        return {name: duration for name, duration in found if duration}


NOTHING = Common()


def common_work(prepared: Prepared, running: AbstractSet[str], done: AbstractSet[str]) -> Common:
    """What builds share as they are built: nothing where they are built as their author wrote it. What a build of `done`, which is there already, has
    gone through, nobody has to make again."""
    if prepared.sharing is None or not prepared.narrowed.texts:
        return NOTHING
    everything = frozenset(build.name for build in prepared.builds)
    several = [making for making in prepared.sharing.makings(everything) if len(making.builds) > 1]
    makings = tuple(making for making in several if done.isdisjoint(making.builds) and not running.isdisjoint(making.builds))
    stages: defaultdict[str, list[str]] = defaultdict(list)
    for making in makings:
        for build in making.builds:
            stages[build].append(making.name)
    found = {build: tuple(names) for build, names in stages.items() if build in running}
    targets = _made_together(makings, running)
    sent = {build.name: prepared.sharing.sent(build, targets[build.name]) for build in prepared.builds if build.name in targets}
    sent = {build: files for build, files in sent.items() if files}
    return Common(
        targets=frozenset(making.target for making in several),
        makings=makings,
        stages=found,
        sent=sent,
        contexts=_contexts(prepared, sent),
    )


def _made_together(makings: Iterable[Together], running: AbstractSet[str]) -> Mapping[str, AbstractSet[str]]:
    """By build, the Earthly targets that it makes for other builds of the run as well: one that makes it alone holds up nobody."""
    targets: defaultdict[str, set[str]] = defaultdict(set)
    for making in makings:
        theirs = [build for build in making.builds if build in running]
        for build in theirs if len(theirs) > 1 else ():
            targets[build].add(making.target)
    return targets


def _contexts(prepared: Prepared, sent: Mapping[str, Sent]) -> dict[str, str]:
    beginnings = Beginnings(prepared)
    named = {build.name: f"{beginnings.builder(build)} {build.variant} {build.inputs.generation}" for build in prepared.builds if build.name in sent}
    several = Counter(named.values())
    return {build: context for build, context in named.items() if several[context] > 1}


def built_already(plan: Plan) -> frozenset[str]:
    """The builds that a plan takes as they are."""
    return frozenset(build.name for build in plan.builds if build.action is Action.REUSE)


def with_savings(found: Planned, history: History) -> tuple[SharedWork, ...]:
    """What the builds of a plan share, with the seconds that nobody has to spend, as far as somebody has spent them here before."""
    sharing, shared = found.prepared.sharing, found.plan.shared
    if sharing is None or not shared or not history:
        return shared
    learned = Learned(history, shared=frozenset(each.target for each in shared))
    spared: defaultdict[str, list[float]] = defaultdict(list)
    for making in sharing.makings(found.plan.to_build):
        if making.spared and (duration := learned.making(making.target, making.builds)):
            spared[making.target].append(making.spared * duration.median)
    return tuple(replace(each, seconds=math.fsum(spared[each.target]) if each.target in spared else None) for each in shared)
