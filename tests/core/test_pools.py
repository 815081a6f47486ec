from __future__ import annotations

import pytest

from matrixbuild.core.pools import PATIENCE, Amounts, Pools, Queue

ONE: Amounts = (("cpu", 1),)
TWO: Amounts = (("cpu", 2),)


def test_what_is_taken_is_missing_until_it_is_given_back() -> None:
    pools = Pools({"cpu": 2, "disk": 9})
    demand = pools.demand(TWO)
    pools.take(demand)
    assert pools.held == {"cpu": 2, "disk": 0}
    assert pools.short_of(pools.demand(ONE)) == {"cpu"}
    pools.give_back(demand)
    assert pools.held == {"cpu": 0, "disk": 0}
    assert not pools.short_of(demand)


def test_a_demand_larger_than_the_whole_takes_everything() -> None:
    pools = Pools({"cpu": 2, "disk": 9})
    pools.take(pools.demand((("cpu", 3),)))
    assert pools.held == {"cpu": 2, "disk": 9}
    assert pools.short_of(pools.demand(()))


def test_it_waits_until_even_a_build_that_holds_nothing_has_ended() -> None:
    pools = Pools({"cpu": 2})
    nothing = pools.demand(())
    pools.take(nothing)
    assert pools.short_of(pools.demand((("cpu", 3),)))
    pools.give_back(nothing)
    assert not pools.short_of(pools.demand((("cpu", 3),)))


def test_a_pool_without_a_capacity_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^a build asks for 'gpu', and no capacity is known for that pool$"):
        Pools({"cpu": 2}).demand((("gpu", 1),))


@pytest.mark.parametrize("capacity", [{"cpu": 0}, {"": 3}])
def test_a_capacity_is_named_and_not_empty(capacity: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"^a pool has a name and a capacity of at least 1; not so: "):
        Pools(capacity)


def test_the_highest_rank_goes_first_then_the_order_of_the_plan() -> None:
    pools, queue = Pools({"cpu": 2}), Queue()
    for number, rank in enumerate([1.0, 7.0, 7.0, 3.0]):
        queue.add(number, rank=rank, demand=pools.demand(ONE if number % 2 else TWO))
    assert [queue.next(pools) for _ in range(5)] == [1, 2, 3, 0, None]


def test_what_does_not_fit_lets_others_go_past_but_not_for_ever() -> None:
    pools, queue = Pools({"cpu": 2}), Queue()
    pools.take(pools.demand(ONE))
    queue.add(0, rank=9, demand=pools.demand(TWO))
    for number in range(1, 3 * PATIENCE):
        queue.add(number, rank=1, demand=pools.demand(ONE))
    assert [queue.next(pools) for _ in range(PATIENCE + 1)] == [*range(1, PATIENCE + 1), None]
    pools.give_back(pools.demand(ONE))
    assert queue.next(pools) == 0


def test_builds_that_take_nothing_of_what_it_lacks_still_go_past() -> None:
    pools, queue = Pools({"cpu": 2, "licence": 1}), Queue()
    pools.take(pools.demand((("licence", 1),)))
    queue.add(0, rank=9, demand=pools.demand((("cpu", 1), ("licence", 1))))
    for number in range(1, 3 * PATIENCE):
        queue.add(number, rank=1, demand=pools.demand(ONE))
    assert [queue.next(pools) for _ in range(19)] == list(range(1, 20))


def test_when_patience_is_out_only_what_it_lacks_is_kept_for_it() -> None:
    pools, queue = Pools({"cpu": 2, "licence": 2}), Queue()
    licence = pools.demand((("licence", 1),))
    pools.take(licence)
    queue.add(0, rank=9, demand=pools.demand((("licence", 2),)))
    for number in range(1, PATIENCE + 3):
        queue.add(number, rank=5, demand=licence)
    for number in range(100, 103):
        queue.add(number, rank=1, demand=pools.demand(ONE))
    assert [queue.next(pools) for _ in range(PATIENCE + 4)] == [*range(1, PATIENCE + 1), 100, 101, 102, None]


def test_builds_behind_a_gate_that_is_shut_are_not_there() -> None:
    pools, queue, gate = Pools({"cpu": 2}), Queue(), ("asked", "r.example")
    queue.add(0, rank=9, demand=pools.demand(ONE), gates=frozenset({gate}))
    queue.add(1, rank=1, demand=pools.demand(ONE))
    assert [queue.next(pools, {gate}), queue.next(pools, {gate}), queue.next(pools)] == [1, None, 0]


def test_what_the_disk_does_not_have_is_missing_though_the_pool_has_it() -> None:
    pools = Pools({"disk": 100})
    demand = pools.demand((("disk", 30),))
    pools.see_disk(50)
    assert not pools.short_of(demand)
    pools.take(demand)
    assert pools.disk_left == 20
    assert pools.short_of(demand) == {"disk"}
    assert pools.short_of_disk(demand) == 30
    pools.see_disk(None)
    assert not pools.short_of(demand)


def test_a_build_larger_than_the_disk_ever_was_is_not_held_back() -> None:
    pools = Pools({"disk": 100})
    pools.see_disk(1)
    assert not pools.short_of(pools.demand((("disk", 101),)))
