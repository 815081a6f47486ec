"""What builds took before -> what each is going to take: seconds, its own and those of work that it shares, and of the machine memory and cores."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from matrixbuild.core.durations import Basis, Duration, Durations
from matrixbuild.core.pools import Amounts
from matrixbuild.core.usage import Making, Sample

History = Mapping[str, Sequence[Sample]]
"""Earlier attempts that built, by build name, the newest last (adapters.journal.Journal.samples)."""

CPU, MEMORY = "cpu", "memory"
_MARGIN = 1.1
"""So many times its 90th percentile of memory is kept for a build: running out of it costs a whole attempt."""

_WHOLE = 1000


class Learned:
    """`durations` are how long builds take, without the Earthly targets of `shared`, which they have in common with others. Memory and cores are
    estimated in the same way, from a build's own past or that of builds like it."""

    def __init__(self, history: History, *, shared: AbstractSet[str] = frozenset()) -> None:
        self.durations = Durations({name: [_own(sample, shared) for sample in samples] for name, samples in history.items()})
        self._makings = _makings(history, shared)
        self._memory = Durations(_measured(history, _memory))
        self._cpu = Durations(_measured(history, _cores))

    def making(self, target: str, builds: Sequence[str]) -> Duration | None:
        """How long an Earthly target of `shared` takes that is made once for these builds: as one of them took to make it, or several together that
        began at once, or one like them. None where nobody has made it here as a whole."""
        known = self._makings.get(target, {})
        theirs = [making for build in builds for making in known.get(build, ())]
        if whole := [making.seconds for making in theirs if making.whole]:
            return Durations({target: whole}).of(target)
        if (parts := sum(making.part for making in theirs)) >= 1.0:
            return Durations({target: [sum(making.seconds for making in theirs) / parts]}).of(target)
        found = Durations({build: [making.seconds for making in its if making.whole] for build, its in known.items()}).of(builds[0])
        return None if found.basis is Basis.DEFAULT else found

    def amounts(self, name: str, declared: Amounts, capacity: Mapping[str, int]) -> Amounts:
        """What a build holds while it runs: what its target declares, where that says nothing of memory what it took before, and of cores at least
        what it took before; of what is learned never more than there is."""
        held = dict(declared)
        learned = {MEMORY: None if MEMORY in held else self._memory_of(name), CPU: self._cpu_of(name)}
        for pool, amount in learned.items():
            if amount is not None and pool in capacity:
                held[pool] = max(held.get(pool, 1), math.ceil(min(amount, capacity[pool])))
        return tuple(sorted(held.items()))

    def _memory_of(self, name: str) -> float | None:
        found = self._memory.of(name)
        return None if found.basis is Basis.DEFAULT else found.late * _MARGIN

    def _cpu_of(self, name: str) -> float | None:
        found = self._cpu.of(name)
        return None if found.basis is Basis.DEFAULT else found.median * _WHOLE


def _measured(history: History, of: Callable[[Sample], float | None]) -> dict[str, list[float]]:
    """By build, what is known of its attempts; builds of which nothing is known are left out."""
    found = {name: [value for sample in samples if (value := of(sample)) is not None] for name, samples in history.items()}
    return {name: values for name, values in found.items() if values}


def _own(sample: Sample, shared: AbstractSet[str]) -> float:
    """Seconds without those of what is shared, whichever build it was that made it."""
    return max(0.0, sample.seconds - sum(making.seconds for making in sample.usage.made if making.target in shared))


def _makings(history: History, shared: AbstractSet[str]) -> dict[str, dict[str, list[Making]]]:
    """By Earthly target and build."""
    found: defaultdict[str, defaultdict[str, list[Making]]] = defaultdict(lambda: defaultdict(list))
    for name, samples in history.items():
        for sample in samples:
            pace = _pace(sample, shared)
            for making in sample.usage.made:
                if making.target in shared:
                    found[making.target][name].append(replace(making, seconds=making.seconds * pace))
    return {target: dict(builds) for target, builds in found.items()}


def _pace(sample: Sample, shared: AbstractSet[str]) -> float:
    """Less than 1 where targets were made side by side: together they do not take longer than the attempt did."""
    together = sum(making.seconds for making in sample.usage.made if making.target in shared)
    return min(1.0, sample.seconds / together) if together > 0 else 1.0


def _memory(sample: Sample) -> float | None:
    return None if sample.usage.memory is None else float(sample.usage.memory)


def _cores(sample: Sample) -> float | None:
    """How many cores it kept busy on average."""
    return None if sample.usage.cpu is None or sample.seconds <= 0 else sample.usage.cpu / sample.seconds
