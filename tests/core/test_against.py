"""What a change brings, and what was pending before it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.against import Against, against
from matrixbuild.core.changes import Why
from matrixbuild.core.image_names import ImageAction
from matrixbuild.core.plan import Action, Plan, PlannedBuild
from tests.builders import digest
from tests.plans import UNCHANGED, plan_of, planned_build, planned_image


def names(found: Against) -> tuple[list[str], list[str], list[str], list[str]]:
    return (
        [build.name for build in found.change.builds],
        [image.ref for image in found.change.images],
        [build.name for build in found.pending.builds],
        [image.ref for image in found.pending.images],
    )


def test_the_same_build_under_the_same_key_was_pending() -> None:
    now = plan_of([planned_build("p")], [planned_image("r/p:1", "p")])
    assert names(against(now, now, revision="main")) == ([], [], ["p"], ["r/p:1"])


def test_another_key_or_another_action_is_the_changes() -> None:
    now = plan_of([planned_build("p"), planned_build("q", Action.REBUILD)], [planned_image("r/p:1", "p"), planned_image("r/q:1", "q")])
    before = plan_of([planned_build("p", key="other"), planned_build("q")], now.images)
    assert names(against(before, now, revision="main")) == (["p", "q"], ["r/p:1", "r/q:1"], [], [])


def test_a_name_whose_build_was_pending_may_be_the_changes_all_the_same() -> None:
    before = plan_of([planned_build("p")], [planned_image("r/p:1", "p")])
    now = plan_of([planned_build("p")], [planned_image("r/p:1", "p"), planned_image("r/p:2", "p")])
    assert names(against(before, now, revision="main")) == ([], ["r/p:2"], ["p"], ["r/p:1"])


def test_a_name_that_moves_elsewhere_is_the_changes() -> None:
    idle = planned_build("p", Action.REUSE, reasons=UNCHANGED)
    move = planned_image("r/p:1", "p", ImageAction.MOVE, why=Why.CHANGED, old=digest("a"), new=digest("b"))
    moved = planned_image("r/p:1", "p", ImageAction.MOVE, why=Why.CHANGED, old=digest("a"), new=digest("c"))
    assert names(against(plan_of([idle], [move]), plan_of([idle], [moved]), revision="main")) == ([], ["r/p:1"], [], [])
    assert names(against(plan_of([idle], [move]), plan_of([idle], [move]), revision="main")) == ([], [], [], ["r/p:1"])


def test_what_is_retired_by_the_change_is_the_changes() -> None:
    before = plan_of([planned_build("p", Action.REUSE, reasons=UNCHANGED)])
    now = plan_of([planned_build("p", Action.RETIRE)])
    assert names(against(before, now, revision="main"))[0] == ["p"]
    assert names(against(now, now, revision="main"))[2] == ["p"]


def test_what_was_pending_and_is_no_more_is_settled() -> None:
    before = plan_of([planned_build("p"), planned_build("gone")])
    now = plan_of([planned_build("p", Action.REUSE, reasons=UNCHANGED)])
    assert [build.name for build in against(before, now, revision="main").settled] == ["p"]


def test_without_a_plan_before_all_is_the_changes() -> None:
    now = plan_of([planned_build("p")], [planned_image("r/p:1", "p")])
    found = against(None, now, revision="main", notes=("it was not there yet",))
    assert names(found) == (["p"], ["r/p:1"], [], [])
    assert found.to_dict() == {
        "revision": "main",
        "byThisChange": {"builds": ["p"], "images": ["r/p:1"]},
        "alreadyPending": {"builds": [], "images": []},
        "settled": [],
        "notes": ["it was not there yet"],
    }


BUILDS = st.dictionaries(st.sampled_from("abcde"), st.tuples(st.sampled_from(list(Action)), st.sampled_from("12")))


def made(builds: dict[str, tuple[Action, str]]) -> Plan:
    return plan_of([planned_build(name, action, key=key) for name, (action, key) in builds.items()], [planned_image(f"r:{name}", name) for name in builds])


@given(BUILDS, BUILDS)
def test_everything_that_is_done_is_in_one_of_both_and_what_is_left_alone_in_none(old: dict[str, tuple[Action, str]], new: dict[str, tuple[Action, str]]) -> None:
    before, now = made(old), made(new)
    found = against(before, now, revision="main")
    doing: list[PlannedBuild] = [build for build in now.builds if build.action is not Action.REUSE]
    assert sorted([*found.change.builds, *found.pending.builds], key=lambda build: build.name) == doing
    assert sorted([*found.change.images, *found.pending.images], key=lambda image: image.ref) == list(now.images)
    assert all(build in before.builds for build in found.pending.builds)
