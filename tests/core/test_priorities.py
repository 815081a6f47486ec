from __future__ import annotations

from matrixbuild.core.priorities import Bounds, bounds, paths, ranked
from tests.builders_schedule import build

DIAMOND = [build("a"), build("b", "a"), build("c", "a", "a"), build("d"), build("e", "b", "c")]
SECONDS = {"a": 10.0, "b": 5.0, "c": 7.0, "e": 2.0}


def test_a_path_is_the_longest_that_remains() -> None:
    assert paths(DIAMOND, SECONDS) == {"a": 19.0, "b": 7.0, "c": 9.0, "d": 1.0, "e": 2.0}


def test_a_rank_counts_half_of_the_builds_own_length() -> None:
    assert {made.name: made.rank for made in ranked(DIAMOND, SECONDS)} == {"a": 14.0, "b": 4.5, "c": 5.5, "d": 0.5, "e": 1.0}


def test_paths_of_a_long_chain_do_not_recurse() -> None:
    chain = [build("0"), *(build(str(number), str(number - 1)) for number in range(1, 3000))]
    assert paths(chain, {})["0"] == 3000


def test_no_run_is_shorter_than_its_longest_path_and_its_fullest_pool() -> None:
    builds = [build("a", cpu=2), build("b", "a", cpu=1), build("c", cpu=9, memory=4)]
    found = bounds(builds, {"a": 10.0, "b": 5.0, "c": 7.0}, {"cpu": 2, "memory": 8})
    assert found == Bounds(path=15.0, work=10.0 + 2.5 + 7.0)
    assert found.least == 19.5
    assert bounds([], {}, {"cpu": 2}) == Bounds(path=0.0, work=0.0)
