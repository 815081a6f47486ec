"""The graph of demands: unmet needs and cycles by name and place, steps from the leaves up."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrixbuild.core.build import builds
from matrixbuild.core.graph import demand_graph, generations, show
from matrixbuild.core.problems import InvalidError, Problem
from tests.builders import cell, demand, place, read_by


def test_an_address_is_shown_with_its_axes() -> None:
    assert show(("iso", cell(fips=True, os=("ubuntu", "22.04")))) == "iso[fips=true,os=ubuntu-22.04]"
    assert show(("keys", cell())) == "keys"


def test_steps_go_from_the_leaves_up() -> None:
    demands = [demand("c", needs=[("b", cell()), ("a", cell())]), demand("a"), demand("b", needs=[("a", cell())])]
    assert generations(demands) == ((("a", cell()),), (("b", cell()),), (("c", cell()),))


def test_without_needs_there_is_one_step() -> None:
    assert generations([demand("b"), demand("a")]) == ((("b", cell()), ("a", cell())),)


def test_a_need_that_nothing_meets_is_told_with_its_place() -> None:
    with pytest.raises(InvalidError) as raised:
        demand_graph([demand("provider", cell(os="u"), needs=[("base", cell(os="u"))], line=12)])
    assert raised.value.problems == (
        Problem(
            summary="provider[os=u] needs base[os=u], and nothing makes it",
            place=place(12),
            hint="check `needs` of provider, and the axes and `when` of base",
            code="unmet-need",
        ),
    )


def test_a_cycle_is_told_by_name_and_with_all_places() -> None:
    demands = [
        demand("b", needs=[("a", cell())], line=20),
        demand("a", needs=[("c", cell())], line=10),
        demand("c", needs=[("b", cell())], line=30),
        demand("d", needs=[("a", cell())], line=40),
    ]
    with pytest.raises(InvalidError) as raised:
        builds(demands, read_by(demands))
    assert raised.value.problems == (
        Problem(
            summary="targets need each other in a circle: a -> c -> b -> a",
            place=place(10),
            hint="take one of these needs away: a at manifests/edge.yaml:10:1, c at manifests/edge.yaml:30:1, b at manifests/edge.yaml:20:1",
            code="cycle",
        ),
    )


def test_a_target_that_needs_itself_is_a_cycle() -> None:
    with pytest.raises(InvalidError, match="targets need each other in a circle: a -> a"):
        generations([demand("a", needs=[("a", cell())])])


def test_cells_that_repeat_a_cycle_are_told_once() -> None:
    demands = [demand(one, cell(os=os), needs=[(other, cell(os=os))]) for os in ("u", "v") for one, other in (("a", "b"), ("b", "a"))]
    with pytest.raises(InvalidError) as raised:
        generations(demands)
    assert [problem.summary for problem in raised.value.problems] == ["targets need each other in a circle: a[os=u] -> b[os=u] -> a[os=u]"]


def test_two_knots_are_two_problems() -> None:
    demands = [demand(one, needs=[(other, cell())]) for one, other in (("a", "b"), ("b", "a"), ("x", "y"), ("y", "x"))]
    with pytest.raises(InvalidError) as raised:
        generations(demands)
    assert len(raised.value.problems) == 2


@settings(deadline=None)
@given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=16))
def test_either_every_need_comes_in_an_earlier_step_or_a_true_cycle_is_named(edges: set[tuple[int, int]]) -> None:
    demands = [demand(f"t{nth}", needs=[(f"t{need}", cell()) for one, need in sorted(edges) if one == nth]) for nth in range(8)]
    try:
        steps = generations(demands)
    except InvalidError as error:
        for problem in error.problems:
            names = problem.summary.partition(": ")[2].split(" -> ")
            assert all((int(one[1:]), int(other[1:])) in edges for one, other in itertools.pairwise(names))
            assert names[0] == names[-1]
        return
    step_of = {address: nth for nth, step in enumerate(steps) for address in step}
    assert len(step_of) == 8
    assert all(step_of[need] < step_of[each.address] for each in demands for need in each.needs)
