"""Long lists of files are folded directory by directory, and lists folded differently can still be compared."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from matrixbuild.core.compact import digest_of
from matrixbuild.core.inputs import FILES_BY_NAME, Pairs, comparable, folded
from tests.builders import digest


def files(directory: str, count: int) -> Pairs:
    return tuple((f"{directory}/{nth:03}", digest(f"{nth}")) for nth in range(count))


def test_few_files_are_told_by_name() -> None:
    few = (*files("a/b", FILES_BY_NAME - 1), ("top", digest()))
    assert folded(tuple(reversed(few))) == few


def test_a_crowded_directory_is_one_entry_beside_the_files_of_others() -> None:
    crowd, few = files("a/crowd", FILES_BY_NAME + 1), files("a/few", 2)
    assert folded((*crowd, *few)) == (("a/crowd/**", digest_of(list(crowd))), *few)


def test_a_directory_of_crowded_directories_keeps_them_apart() -> None:
    crowds = [files(f"a/{nth}", FILES_BY_NAME + 1) for nth in range(3)]
    assert [path for path, _ in folded(tuple(entry for crowd in crowds for entry in crowd))] == ["a/0/**", "a/1/**", "a/2/**"]


def test_many_small_directories_are_folded_into_the_one_above_them() -> None:
    small = tuple(entry for nth in range(40) for entry in files(f"a/{nth:02}", 2))
    assert folded((*small, ("b/x", digest()))) == (("a/**", digest_of(list(small))), ("b/x", digest()))


def test_the_root_is_never_folded() -> None:
    flat = tuple((f"{nth:03}", digest()) for nth in range(100))
    assert folded(flat) == flat


def test_a_list_is_compared_in_the_terms_of_the_coarser_one() -> None:
    crowd = files("a", FILES_BY_NAME + 1)
    other = crowd[1:]
    old, new = comparable(folded((*crowd, ("b/x", "1"))), folded((*other, ("b/x", "1"))))
    assert sorted(old) == sorted(new) == ["a/**", "b/x"]
    assert old["a/**"] != new["a/**"]


def test_a_fold_with_nothing_below_it_on_the_other_side_is_removed() -> None:
    old, new = comparable(folded((*files("a", FILES_BY_NAME + 1), ("b/x", "1"))), (("b/x", "1"),))
    assert sorted(old) == ["a/**", "b/x"]
    assert sorted(new) == ["b/x"]


TREES = st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from("abc"), st.integers(0, 60)), st.sampled_from("xy"), max_size=150)


@settings(deadline=None)
@given(TREES, st.randoms(use_true_random=False))
def test_folding_is_the_same_in_any_order_and_short(tree: dict[tuple[str, str, int], str], order: random.Random) -> None:
    pairs = [(f"{one}/{two}/{nth}", content) for (one, two, nth), content in tree.items()]
    result = folded(tuple(pairs))
    order.shuffle(pairs)
    assert folded(tuple(pairs)) == result
    assert len(result) <= 3 * FILES_BY_NAME


@settings(deadline=None)
@given(TREES, TREES)
def test_different_files_never_compare_equal(one: dict[tuple[str, str, int], str], other: dict[tuple[str, str, int], str]) -> None:
    left, right = (tuple(sorted((f"{a}/{b}/{nth}", content) for (a, b, nth), content in tree.items())) for tree in (one, other))
    old, new = comparable(folded(left), folded(right))
    assert (old == new) == (left == right)
