"""Named capacities: what running builds hold of them, and which of the ready builds goes next."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping

Amounts = tuple[tuple[str, int], ...]
"""What a build takes: (pool, amount) sorted by pool, as in demand.Resources."""

PATIENCE = 8
"""How many builds of lower priority may go past one that does not fit yet."""

_PLACES = ""
"""A pool of our own, which no manifest can name: a build takes one place; one that must be alone takes them all."""
_ALL_PLACES = 2**62


class Pools:
    """Capacities and what is left of them, in the units of demand.Resources."""

    def __init__(self, capacity: Mapping[str, int]) -> None:
        if bad := [name for name, amount in sorted(capacity.items()) if amount < 1 or name == _PLACES]:
            raise ValueError(f"a pool has a name and a capacity of at least 1; not so: {bad}")
        self._capacity = {**capacity, _PLACES: _ALL_PLACES}
        self._free = dict(self._capacity)

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
        return frozenset(name for name, amount in demand if amount > self._free[name])

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


class Queue:
    """Ready builds, highest rank first, then in the order of the plan.

    Builds with equal demands stand in one line, and only the heads of lines are looked at: a scan of all builds at every event would be
    quadratic, and there are as many demands as targets, not as builds.
    """

    def __init__(self) -> None:
        self._lines: defaultdict[Amounts, list[tuple[float, int]]] = defaultdict(list)
        self._overtaken: defaultdict[int, int] = defaultdict(int)

    def add(self, number: int, *, rank: float, demand: Amounts) -> None:
        heapq.heappush(self._lines[demand], (-rank, number))

    def next(self, pools: Pools) -> int | None:
        """Take out the first build that fits, or None.

        A build that does not fit lets others go past; after PATIENCE of them that took of what it lacks, no more do, until it has run.
        """
        passed: list[tuple[int, frozenset[str]]] = []
        kept: set[str] = set()
        for (_, number), demand in sorted((line[0], demand) for demand, line in self._lines.items()):
            short = pools.short_of(demand)
            if not short and kept.isdisjoint(name for name, _ in demand):
                self._note_overtaking(passed, demand)
                return self._pop(demand)
            passed.append((number, short))
            if self._overtaken[number] >= PATIENCE:
                kept |= short
        return None

    def _note_overtaking(self, passed: list[tuple[int, frozenset[str]]], demand: Amounts) -> None:
        for number, short in passed:
            if not short.isdisjoint(name for name, _ in demand):
                self._overtaken[number] += 1

    def _pop(self, demand: Amounts) -> int:
        _, number = heapq.heappop(self._lines[demand])
        if not self._lines[demand]:
            del self._lines[demand]
        self._overtaken.pop(number, None)
        return number
