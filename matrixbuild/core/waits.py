"""What each of many builds waits for -> what most of them wait for, in a few words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from matrixbuild.core.scheduled import Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How many builds wait for each build that they need, for room in each pool (or several), for each registry that wants to be left alone, for one
    that shows whether a cause is gone, and for their turn alone. A build that waits for several things counts for each."""

    needs: tuple[tuple[str, int], ...] = ()
    pools: tuple[tuple[str, int], ...] = ()
    hosts: tuple[tuple[str, int], ...] = ()
    proof: int = 0
    turn: int = 0


def waits(waiting: Iterable[Waiting]) -> Waits:
    """What most wait for comes first. One that waits for nothing (it runs, or has ended) may not be among them."""
    needs, pools, hosts = Counter[str](), Counter[str](), Counter[str]()
    proof = turn = 0
    for one in waiting:
        needs.update(one.builds)
        hosts.update(one.hosts)
        proof += one.proof
        if one.pools:
            pools[", ".join(one.pools)] += 1
        turn += one == _NOTHING
    return Waits(needs=_most(needs), pools=_most(pools), hosts=_most(hosts), proof=proof, turn=turn)


_NOTHING = Waiting()


def _most(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda each: (-each[1], each[0])))
