"""Which builds go through the same, and how often that is spared."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.makings import together
from matrixbuild.core.shared_work import Stage, shared_work
from tests.core.test_shared_work import BASE, IMAGE, VALUES, going


def test_a_making_and_the_builds_that_it_serves() -> None:
    builds = [going(os, k8s, BASE, IMAGE) for os in ("22.04", "24.04") for k8s in ("1.33", "1.34")]
    first, second, *others = together(builds)
    assert [(each.target, each.spared, len(each.builds)) for each in (first, second)] == [("+base-image", 1, 2)] * 2
    assert (first.builds, second.builds) == (tuple(sorted(each.name for each in builds[:2])), tuple(sorted(each.name for each in builds[2:])))
    assert [(each.target, each.spared, len(each.builds)) for each in others] == [("+image", 0, 1)] * 4
    assert together(reversed(builds)) == together(builds)
    assert together([going("22.04", "1.33", Stage(target="+files", turn=0, narrow=frozenset(), wide=frozenset(), commands=0))]) == ()


@given(builds=st.lists(st.tuples(VALUES, VALUES, st.sampled_from(["", "token"])), unique=True))
def test_makings_are_those_that_shared_work_counts(builds: list[tuple[str, str, str]]) -> None:
    made = [going(os, k8s, BASE, IMAGE, apart=apart) for os, k8s, apart in builds]
    makings = together(made)
    assert len({each.name for each in makings}) == len(makings)
    for work in shared_work(made):
        mine = [each for each in makings if each.target == work.target]
        assert (len(mine), sum(each.spared for each in mine)) == (work.times, work.unshared - work.times)
        assert sorted(name for each in mine for name in each.builds) == sorted(each.name for each in made)
