"""Plans that were saved: read back, checked, and refused once they are stale."""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from matrixbuild.core.against import against
from matrixbuild.core.changes import Change, Reason, Why
from matrixbuild.core.documents import DocumentError
from matrixbuild.core.image_names import ImageAction
from matrixbuild.core.plan import Action, Corrected, Dropped, Plan
from matrixbuild.core.saved_plan import NewerPlanError, is_plan, saved_plan, stale, unforeseen
from tests.builders import digest
from tests.plans import basis, large_plan, plan_of, planned_build, planned_image

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "plan.schema.json").read_text())


def whole() -> Plan:
    """A plan with everything that one can hold."""
    reasons = (
        Reason(why=Why.CHANGED, changes=(Change(field="args", name="A", how="added"),)),
        Reason(why=Why.NEED_CHANGED, build="base"),
        Reason(why=Why.BASE_MOVED, ref="ubuntu:24.04", old=digest("1"), new=digest("2")),
    )
    builds = [
        dataclasses.replace(planned_build("p", Action.REBUILD, reasons=reasons), opaque=("time",), secrets=("TOKEN",), privileged=True),
        planned_build("q", Action.RETIRE, reasons=(Reason(why=Why.GONE),)),
    ]
    images = [planned_image("r/p:1", "p", ImageAction.MOVE, why=Why.CHANGED, old=digest("1"), new=digest("2")), planned_image("r/p:2", "")]
    made_from = basis(lock=digest("lock"), sets=(("tag", "x"),), selector="os=a", overwrite=("r/p:1",))
    made = plan_of(builds, images, dropped=[Dropped(rule="R01", reason="no", cells=3)], to_pin=["ubuntu:24.04"], made_from=made_from)
    return dataclasses.replace(made, uses=(Corrected(target="iso", effect="ignore", arg="K8S", where="m.yaml:7"),))


@pytest.mark.parametrize("plan", [whole(), large_plan(60)], ids=["whole", "large"])
def test_it_reads_what_was_written(plan: Plan) -> None:
    document = json.loads(json.dumps(plan.to_dict()))
    assert is_plan(document)
    assert saved_plan(document) == plan
    Draft202012Validator(SCHEMA).validate(document)


def test_what_it_was_compared_with_is_no_part_of_it() -> None:
    plan = whole()
    document = plan.to_dict() | {"against": against(None, plan, revision="main").to_dict()}
    Draft202012Validator(SCHEMA).validate(document)
    assert saved_plan(document) == plan


def broken(**fields: object) -> str:
    with pytest.raises(DocumentError) as caught:
        saved_plan(json.loads(json.dumps(whole().to_dict() | fields)))
    return str(caught.value)


def test_a_plan_that_was_changed_by_hand_is_none() -> None:
    assert broken(name="another") == "Unexpected value: it is not the digest of this plan, which was changed after it was saved in 'digest'"


def test_a_newer_one() -> None:
    with pytest.raises(NewerPlanError) as caught:
        saved_plan(whole().to_dict() | {"planVersion": 2, "more": 1})
    assert caught.value.summary == "planVersion 2 is of a newer matrixbuild than this one, which knows 1"
    assert broken(planVersion=0) == "Unexpected value 0 (expected 1) in 'planVersion'"


def test_a_plan_that_was_made_from_no_file_cannot_be_carried_out() -> None:
    with pytest.raises(DocumentError) as caught:
        saved_plan(dataclasses.replace(whole(), basis=None).to_dict())
    assert str(caught.value) == "Missing required field in 'basis'"


def test_words_that_it_does_not_know() -> None:
    build = {"name": "p", "action": "burn", "reasons": [], "key": digest("p"), "cells": []}
    assert broken(builds=[build]) == "Unexpected value 'burn' (expected one of build, rebuild, reuse, retire) in 'builds[0].action'"
    assert broken(engin="x") == "Unknown field (did you mean 'engine'?) in 'engin'"


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_part_of_it_is_another_thing_it_is_told_and_nothing_else_is_raised(data: st.DataObject) -> None:
    document: Any = copy.deepcopy(json.loads(json.dumps(whole().to_dict())))
    place, key = data.draw(st.sampled_from(list(_places(document))))
    before = place[key]
    place[key] = data.draw(st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.just([]), st.just({}), st.just([[]])))
    if place[key] == before and type(place[key]) is type(before):
        return
    try:
        found = saved_plan(document)
    except DocumentError:
        return
    # What is no part of the digest may be another: it changes nothing that is done.
    assert found.digest == whole().digest


def _places(value: Any) -> Any:
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


def test_what_is_as_it_was_is_not_stale() -> None:
    assert stale(whole(), whole()) == ()


def test_each_thing_that_has_moved_is_a_problem() -> None:
    plan = whole()
    now = dataclasses.replace(plan, basis=basis(content=digest("other"), source=digest("other")))
    assert [(problem.summary, problem.hint, problem.code) for problem in stale(plan, now)] == [
        (
            f"the saved plan is stale: {what}",
            "look at what it comes to now, and save that: matrixbuild plan manifests/edge.yaml -o FILE",
            "stale-plan",
        )
        for what in (
            "the manifest manifests/edge.yaml comes to something else now",
            "files of the source that builds read are others now",
            "the lock is gone",
        )
    ]


def test_a_program_that_plans_the_same_files_otherwise_is_told() -> None:
    plan = whole()
    now = dataclasses.replace(plan, builds=(planned_build("p", key="another"),))
    (problem,) = stale(plan, now)
    assert problem.summary == "the saved plan is stale: another matrixbuild made it: this one plans the same files otherwise"


def test_a_new_pin_gives_builds_other_keys_and_is_no_move() -> None:
    plan = whole()
    assert plan.basis
    pins = dataclasses.replace(plan.basis.pins, images=(("ubuntu:24.04", digest("u")),))
    now = dataclasses.replace(plan, basis=dataclasses.replace(plan.basis, pins=pins), builds=(planned_build("p", key="another"),))
    assert stale(plan, now) == ()


def test_an_image_name_that_moves_only_now_or_from_another_digest_is_unforeseen() -> None:
    foreseen = planned_image("r/p:3", "p", ImageAction.MOVE, old=digest("b"))
    then = plan_of([], [planned_image("r/p:1", "p"), planned_image("r/p:2", "p", ImageAction.MOVE, old=digest("a")), foreseen])
    now = plan_of([], [planned_image(f"r/p:{tag}", "p", ImageAction.MOVE, old=digest("b")) for tag in "123"])
    assert [(problem.summary, problem.hint) for problem in unforeseen(then, now)] == [
        (
            f"the saved plan is stale: r/p:{tag} holds {digest('b')} now, which it does not say",
            "find out who moved it; `matrixbuild plan --refresh` shows what holds it",
        )
        for tag in "12"
    ]
    assert unforeseen(then, then) == ()


def test_where_the_manifest_corrects_what_counts_is_no_part_of_the_identity() -> None:
    assert dataclasses.replace(whole(), uses=()).digest == whole().digest
