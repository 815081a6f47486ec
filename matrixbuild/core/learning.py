"""What builds took before -> what each is going to take: seconds, and of the machine the memory and the cores that are to be kept for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from matrixbuild.core.durations import Basis, Durations
from matrixbuild.core.pools import Amounts
from matrixbuild.core.usage import Sample

History = Mapping[str, Sequence[Sample]]
"""Earlier attempts that built, by build name, the newest last (adapters.journal.Journal.samples)."""

CPU, MEMORY = "cpu", "memory"
_MARGIN = 1.1
"""So many times its 90th percentile of memory is kept for a build: running out of it costs a whole attempt."""

_WHOLE = 1000


class Learned:
    """`durations` are how long builds take. Memory and cores are estimated in the same way, from a build's own past or that of builds like it."""

    def __init__(self, history: History) -> None:
        self.durations = Durations({name: [sample.seconds for sample in samples] for name, samples in history.items()})
        self._memory = Durations(_measured(history, _memory))
        self._cpu = Durations(_measured(history, _cores))

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


def _memory(sample: Sample) -> float | None:
    return None if sample.usage.memory is None else float(sample.usage.memory)


def _cores(sample: Sample) -> float | None:
    """How many cores it kept busy on average."""
    return None if sample.usage.cpu is None or sample.seconds <= 0 else sample.usage.cpu / sample.seconds
