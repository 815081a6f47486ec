"""Whether a failed build is worth another attempt, and on what terms: a failure in, Again or the reason to give up out (design.md 8)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from matrixbuild.core.failure import Failure, FailureKind
from matrixbuild.core.retry import Remedy, Treatment

REMEDIES: Mapping[FailureKind, Remedy] = {FailureKind.OOM: Remedy.MEMORY, FailureKind.DISK: Remedy.SPACE}
"""What has to change before another attempt can go better."""

OUTSIDE = frozenset({FailureKind.NETWORK, FailureKind.REGISTRY, FailureKind.BUILDER, FailureKind.PUSH})
"""Causes that lie outside the builds: one after another would meet them."""

WORTH_RETRYING = OUTSIDE | REMEDIES.keys() | {FailureKind.TIMEOUT}
"""What may go well the next time. A time-out is among them because a stalled pull never ends by itself (facts/earthly.md 9.6). The others
would fail the same way again."""


def worth_retrying(failure: Failure) -> bool:
    """Whether another attempt may go better, where no manifest says otherwise."""
    return failure.kind in WORTH_RETRYING if failure.again is None else failure.again


class GivenUp(StrEnum):
    """Why a failed build is not tried again."""

    KIND = "kind"
    """It would fail the same way again."""
    ATTEMPTS = "attempts"
    """It had all its attempts."""
    WAIT = "wait"
    """The registry asks for a longer wait than the policy allows."""
    MEMORY = "memory"
    """It had all the memory there is."""
    BUDGET = "budget"
    """The run has used up its retries."""
    STOPPED = "stopped"
    """The run is being stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Another attempt after `wait` seconds, with so many bytes of `memory` kept for it (None: as before), and after `space` was made on the disk."""

    wait: float
    memory: int | None = None
    space: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How many retries a run has: a `share` of its builds and `more` of them. What fails everywhere must not be tried everywhere again."""

    share: float = 0.1
    more: int = 10

    def of(self, builds: int) -> int:
        return math.ceil(self.share * builds) + self.more


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a build held, and all there is to hold, in bytes; no limit where `limit` is None: then nothing says what more would be."""

    held: int = 0
    limit: int | None = None

    @property
    def larger(self) -> int | None:
        """Twice as much, at most all; half of all for a build that held none. None where it had everything."""
        if self.limit is None or self.held >= self.limit:
            return None
        return min(2 * self.held or math.ceil(self.limit / 2), self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailurePolicy:
    """What is done about each kind of failure (nothing, for one without a treatment), how many retries a run has, and after how many builds in a
    row with one and the same cause the others wait until one of them has shown that it is gone. `passing` is for a failure that may pass although
    its kind does not, and whose kind is none that someone wants `never` tried again."""

    treatments: Mapping[FailureKind, Treatment] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    pause_after: int = 5
    passing: Treatment = field(default_factory=Treatment)
    never: frozenset[FailureKind] = frozenset()

    def treatment(self, kind: FailureKind) -> Treatment:
        return self.treatments.get(kind, _FINAL)

    def treatment_of(self, failure: Failure) -> Treatment:
        """That of its kind, unless the failure itself says whether it may pass."""
        treatment = self.treatment(failure.kind)
        if failure.again is False:
            return replace(treatment, attempts=1)
        return self.passing if failure.again and treatment.attempts == 1 and failure.kind not in self.never else treatment

    def answer(self, failure: Failure, *, attempt: int, key: str = "", memory: Memory | None = None) -> Again | GivenUp:
        """What follows `failure` of `attempt` (1, 2, ...) of the build with this key, which had this memory."""
        treatment = self.treatment_of(failure)
        if treatment.attempts == 1:
            return GivenUp.KIND
        if attempt >= treatment.attempts:
            return GivenUp.ATTEMPTS
        wait = treatment.wait_before(attempt + 1, asked=failure.retry_after or 0.0, key=key)
        if wait is None:
            return GivenUp.WAIT
        if treatment.remedy is not Remedy.MEMORY:
            return Again(wait=wait, space=treatment.remedy is Remedy.SPACE)
        larger = (memory or Memory()).larger
        return GivenUp.MEMORY if larger is None else Again(wait=wait, memory=larger)


_FINAL = Treatment()
_PASSING_ATTEMPTS = 2
"""A step that met a network failure is tried once more: it may also be what it always says."""


def failure_policy(
    *,
    attempts: int = 3,
    initial: float = 5.0,
    maximum: float = 300.0,
    on: Iterable[tuple[str, bool]] = (),
    budget: Budget | None = None,
    pause_after: int = 5,
) -> FailurePolicy:
    """The policy of `schedule.retry`: `on` says of some kinds whether they are tried again, where that is otherwise than WORTH_RETRYING.

    Raises ValueError as core.retry.Treatment does.
    """
    said = {FailureKind(kind): again for kind, again in on}
    treatments = {
        kind: Treatment(attempts=attempts, initial=initial, maximum=maximum, remedy=REMEDIES.get(kind, Remedy.NOTHING), outside=kind in OUTSIDE)
        for kind in FailureKind
        if said.get(kind, kind in WORTH_RETRYING)
    }
    passing = Treatment(attempts=min(attempts, _PASSING_ATTEMPTS), initial=initial, maximum=maximum)
    never = frozenset(kind for kind, again in said.items() if not again)
    return FailurePolicy(treatments=treatments, budget=budget or Budget(), pause_after=pause_after, passing=passing, never=never)
