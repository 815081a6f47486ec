"""Which builder does what many builds begin with: always the same one, and none has all of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.routes import routes


def test_what_is_alike_goes_to_one_builder_and_what_is_not_is_spread() -> None:
    groups = {"+base 22.04": 12, "+base 24.04": 12, "+base 15.6": 12, "+base 9": 12}
    assert sorted(routes(groups, 2).values()) == [0, 0, 1, 1]
    assert sorted(routes(groups, 4).values()) == [0, 1, 2, 3]
    assert routes({"+base": 12}, 1) == {"+base": 0}
    assert routes({}, 3) == {}


@given(st.dictionaries(st.text(max_size=5), st.integers(1, 50), max_size=12), st.integers(1, 5), st.randoms())
def test_no_builder_has_more_than_its_share_before_its_last_group(groups: dict[str, int], builders: int, random: st.randoms) -> None:  # type: ignore[valid-type]
    found = routes(groups, builders)
    assert found.keys() == groups.keys()
    for builder in range(builders):
        mine = sorted((groups[group] for group in found if found[group] == builder), reverse=True)
        assert sum(mine[:-1]) < sum(groups.values()) / builders or not mine
    shuffled = list(groups.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert routes(dict(shuffled), builders) == found


@given(st.dictionaries(st.text(max_size=5), st.integers(1, 50), min_size=1, max_size=12))
def test_as_many_groups_as_builders_are_one_each(groups: dict[str, int]) -> None:
    same = dict.fromkeys(groups, 3)
    assert sorted(routes(same, len(same)).values()) == list(range(len(same)))
