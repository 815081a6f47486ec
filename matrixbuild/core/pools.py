"""Named capacities: what running builds hold of them, and which of the ready builds goes next."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from matrixbuild.core.pauses import Gate

Amounts = tuple[tuple[str, int], ...]
"""What a build takes: (pool, amount) sorted by pool, as in demand.Resources."""

_Line = tuple[Amounts, frozenset[Gate]]

PATIENCE = 32
"""How many builds of lower priority may go past one that does not fit yet. Runs of PSPLIB J120 are 0.7 % longer with 8, and no longer with 32."""

_PLACES = ""
"""A pool of our own, which no manifest can name: a build takes one place; one that must be alone takes them all."""
_ALL_PLACES = 2**62
_DISK = "disk"


class Pools:
    """Capacities and what is left of them, in the units of demand.Resources."""

    def __init__(self, capacity: Mapping[str, int]) -> None:
        if bad := [name for name, amount in sorted(capacity.items()) if amount < 1 or name == _PLACES]:
            raise ValueError(f"a pool has a name and a capacity of at least 1; not so: {bad}")
        self._capacity = {**capacity, _PLACES: _ALL_PLACES}
        self._free = dict(self._capacity)
        self._disk: int | None = None

    @property
    def whole(self) -> Mapping[str, int]:
        """All capacities, that for places included."""
        return self._capacity

    def see_disk(self, free: int | None) -> None:
        """So many bytes are free on the disk now (None: nobody knows): no build is fitted in without its disk.

        What running builds still will write is not known, so all they asked for is taken off. A build that runs alone since it asks for more than
        there ever was is not held back: what it asks for is an estimate.
        """
        self._disk = free

    @property
    def disk_left(self) -> int | None:
        """Bytes of disk for builds that start now; None where only the pool says."""
        return None if self._disk is None else self._disk - self._capacity.get(_DISK, 0) + self._free.get(_DISK, 0)

    def demand(self, amounts: Amounts) -> Amounts:
        """What a build that asks for `amounts` takes: everything of every pool where it asks for more than there is of one, so that it
        runs alone. (More than a limit that the manifest declares is refused in the plan.) Raises ValueError for a pool without capacity.
        """
        if unknown := [name for name, _ in amounts if name not in self._capacity]:
            raise ValueError(f"a build asks for {unknown[0]!r}, and no capacity is known for that pool")
        if any(amount > self._capacity[name] for name, amount in amounts):
            return tuple(sorted(self._capacity.items()))
        return ((_PLACES, 1), *amounts)

    def short_of(self, demand: Amounts) -> frozenset[str]:
        """The pools that do not have enough left for it now."""
        short = [name for name, amount in demand if amount > self._free[name]]
        if self._disk is not None and self.short_of_disk(demand):
            short.append(_DISK)
        return frozenset(short)

    def short_of_disk(self, demand: Amounts) -> int | None:
        """The bytes it asks for, where the disk does not have them."""
        left = self.disk_left
        if left is None or alone(demand):
            return None
        return next((amount for name, amount in demand if name == _DISK and amount > left), None)

    def take(self, demand: Amounts) -> None:
        for name, amount in demand:
            self._free[name] -= amount

    def give_back(self, demand: Amounts) -> None:
        for name, amount in demand:
            self._free[name] += amount

    @property
    def held(self) -> dict[str, int]:
        """What running builds hold, pool by pool."""
        return {name: self._capacity[name] - free for name, free in self._free.items() if name != _PLACES}


def alone(demand: Amounts) -> bool:
    """Whether nothing else can run beside it."""
    return (_PLACES, _ALL_PLACES) in demand


class Queue:
    """Ready builds, highest rank first, then in the order of the plan.

    Builds with equal demands and gates stand in one line, and only the heads of lines are looked at: a scan of all builds at every event would be
    quadratic, and there are as many demands as targets, not as builds.
    """

    def __init__(self) -> None:
        self._lines: defaultdict[_Line, list[tuple[float, int]]] = defaultdict(list)
        self._overtaken: defaultdict[int, int] = defaultdict(int)

    def add(self, number: int, *, rank: float, demand: Amounts, gates: frozenset[Gate] = frozenset()) -> None:
        """`gates` are those it has to go through: none of them may be shut when it is taken out."""
        heapq.heappush(self._lines[demand, gates], (-rank, number))

    def next(self, pools: Pools, shut: AbstractSet[Gate] = frozenset()) -> int | None:
        """Take out the first build that fits, or None.

        A build that does not fit lets others go past; after PATIENCE of them that took of what it lacks, no more do, until it has run.
        """
        passed: list[tuple[int, frozenset[str]]] = []
        kept: set[str] = set()
        for (_, number), line in self._heads(shut):
            demand = line[0]
            short = pools.short_of(demand)
            if not short and kept.isdisjoint(name for name, _ in demand):
                self._note_overtaking(passed, demand)
                return self._pop(line)
            passed.append((number, short))
            if self._overtaken[number] >= PATIENCE:
                kept |= short
        return None

    def _note_overtaking(self, passed: list[tuple[int, frozenset[str]]], demand: Amounts) -> None:
        for number, short in passed:
            if not short.isdisjoint(name for name, _ in demand):
                self._overtaken[number] += 1

    def short_of_disk(self, pools: Pools, shut: AbstractSet[Gate]) -> int | None:
        """The first build that only waits for more disk to be free than the pool knows of; it stays where it is."""
        return next((number for (_, number), (demand, _) in self._heads(shut) if pools.short_of_disk(demand) is not None), None)

    def take(self, number: int, *, demand: Amounts, gates: frozenset[Gate]) -> None:
        """Take out this build, the head of its line."""
        if self._lines[demand, gates][0][1] != number:
            raise ValueError(f"{number} is not the first of its line")
        self._pop((demand, gates))

    def _heads(self, shut: AbstractSet[Gate]) -> list[tuple[tuple[float, int], _Line]]:
        return sorted((entries[0], line) for line, entries in self._lines.items() if not shut or shut.isdisjoint(line[1]))

    def _pop(self, line: _Line) -> int:
        _, number = heapq.heappop(self._lines[line])
        if not self._lines[line]:
            del self._lines[line]
        self._overtaken.pop(number, None)
        return number
