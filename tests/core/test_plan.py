"""Plans: what happens to each build, what is refused, and the laws that make a plan reviewable."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from matrixbuild.core.build import Build, builds
from matrixbuild.core.changes import Change, Reason, Why
from matrixbuild.core.demand import Demand
from matrixbuild.core.image_names import ImageAction
from matrixbuild.core.lock import Lock
from matrixbuild.core.lock_merge import merge
from matrixbuild.core.plan import Action, Plan, RegistryState, Rules, plan
from matrixbuild.core.problems import InvalidError, Problem, RefusedError
from tests.builders import arg, build, cell, demand, digest, lock_of, output, pins, place, read_by, reading
from tests.core.test_build import matrices
from tests.core.test_lock import _properties

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "plan.schema.json").read_text())
MUTABLE = Rules(mutable=True)


def made(*values: str, files: dict[str, str] | None = None) -> tuple[Build, ...]:
    """A provider for each value (of axis k8s, used), and one installer."""
    demands = [demand("provider", cell(k8s=value), args=[arg("K8S", value, "k8s")], image=f"localhost:5000/p:{value}") for value in values]
    demands += [demand("installer", cell(k8s=value), artifacts={"/a": "a.iso"}) for value in values]
    return builds(demands, read_by(demands, files=files or {}))


def planned(found: tuple[Build, ...], lock: Lock | None, **options: Any) -> Plan:
    return plan(found, lock, name="edge", engine="embedded/1", cells=2, demands=4, **options)


def actions(found: Plan) -> dict[str, tuple[Action, tuple[Reason, ...]]]:
    return {each.name: (each.action, each.reasons) for each in found.builds}


def test_without_a_lock_everything_is_new() -> None:
    found = planned(made("1"), None)
    assert actions(found) == {name: (Action.BUILD, (Reason(why=Why.NEW),)) for name in ("installer", "provider[k8s=1]")}
    assert found.to_build == frozenset({"installer", "provider[k8s=1]"})
    assert found.changes
    assert (found.counts.cells, found.counts.demands, found.counts.builds) == (2, 4, 2)


def test_with_its_own_lock_nothing_is_built() -> None:
    found = planned(made("1"), lock_of(made("1")))
    assert {action for action, _ in actions(found).values()} == {Action.REUSE}
    assert not found.changes
    assert found.to_build == frozenset()


def test_a_changed_file_is_named() -> None:
    found = planned(made("1", files={"a": "2", "b": "1"}), lock_of(made("1", files={"a": "1", "b": "1"})), rules=MUTABLE)
    reason = Reason(why=Why.CHANGED, changes=(Change(field="files", name="a"),))
    assert actions(found) == {"installer": (Action.REBUILD, (reason,)), "provider[k8s=1]": (Action.REBUILD, (reason,))}


def test_a_build_whose_cells_are_gone_is_retired() -> None:
    found = planned(made("1"), lock_of(made("1", "2")))
    assert actions(found)["provider[k8s=2]"] == (Action.RETIRE, (Reason(why=Why.GONE),))
    assert found.changes


def test_a_build_that_was_split_or_renamed_takes_the_place_of_the_old_entry() -> None:
    together = [demand("iso", cell(k8s=k8s)) for k8s in "12"]
    apart = [dataclasses.replace(each, args=(arg("K8S", each.cell["k8s"].text, "k8s"),)) for each in together]
    lock = lock_of(builds(together, read_by(together)))
    reason = Reason(why=Why.CHANGED, changes=(Change(field="args", name="K8S", how="added"),))
    assert actions(planned(builds(apart, read_by(apart)), lock)) == {f"iso[k8s={k8s}]": (Action.REBUILD, (reason,)) for k8s in "12"}
    renamed = tuple(dataclasses.replace(each, name=f"{each.name}[x=1]") for each in made("1"))
    assert {action for action, _ in actions(planned(renamed, lock_of(made("1")))).values()} == {Action.REUSE}


def test_a_selection_plans_only_what_it_selects_and_retires_nothing() -> None:
    found = planned(made("1", "3"), lock_of(made("1", "2")), selected=frozenset({"provider[k8s=3]"}))
    assert {name: action for name, (action, _) in actions(found).items()} == {"provider[k8s=3]": Action.BUILD}
    assert [image.ref for image in found.images] == ["localhost:5000/p:3"]


def test_what_the_registry_or_the_machine_lost_is_built_again() -> None:
    installer, provider = made("1")
    state = RegistryState(missing_images=frozenset({provider.key}), missing_artifacts=frozenset({installer.key}))
    found = planned((installer, provider), lock_of(made("1")), registry=state)
    assert actions(found) == {
        "installer": (Action.REBUILD, (Reason(why=Why.MISSING_ARTIFACT, changes=(Change(field="artifacts", name="a.iso", how="removed"),)),)),
        "provider[k8s=1]": (Action.REBUILD, (Reason(why=Why.MISSING),)),
    }


def test_what_the_registry_has_under_its_content_tag_is_not_built_and_yet_a_change_of_the_lock() -> None:
    installer, provider = made("1")
    state = RegistryState(adopted={provider.key: digest("adopted")}, tags={"localhost:5000/p:1": digest("adopted")})
    found = planned((installer, provider), lock_of([installer]), registry=state)
    assert actions(found)["provider[k8s=1]"] == (Action.REUSE, (Reason(why=Why.ADOPTED),))
    assert [(image.action, image.new) for image in found.images] == [(ImageAction.LEAVE, digest("adopted"))]
    assert found.to_build == frozenset()
    assert found.changes
    Draft202012Validator(SCHEMA).validate(found.to_dict())


def test_an_image_that_is_gone_is_taken_over_from_its_content_tag() -> None:
    installer, provider = made("1")
    state = RegistryState(missing_images=frozenset({provider.key}), adopted={provider.key: digest("adopted")})
    found = planned((installer, provider), lock_of(made("1")), registry=state)
    assert actions(found)["provider[k8s=1]"] == (Action.REUSE, (Reason(why=Why.ADOPTED),))


def test_forced_and_expired_builds_are_built_again() -> None:
    rules = Rules(forced=frozenset({"installer"}), expired=frozenset({"provider[k8s=1]"}))
    found = planned(made("1"), lock_of(made("1")), rules=rules)
    why = {"installer": Why.FORCED, "provider[k8s=1]": Why.EXPIRED}
    assert actions(found) == {name: (Action.REBUILD, (Reason(why=each),)) for name, each in why.items()}


def test_what_the_lock_lacks_for_a_key_it_holds_is_built() -> None:
    plain = [demand("iso", artifacts={"/a": "a.iso"})]
    more = [demand("iso", artifacts={"/a": "b.iso"}, image="localhost:5000/iso:1")]
    found = planned(builds(more, read_by(more)), lock_of(builds(plain, read_by(plain))))
    changes = (
        Change(field="artifacts", name="a.iso", how="removed"),
        Change(field="artifacts", name="b.iso", how="added"),
        Change(field="image", how="added"),
    )
    assert actions(found) == {"iso": (Action.REBUILD, (Reason(why=Why.CHANGED, changes=tuple(sorted(changes))),))}


def test_more_than_a_declared_limit_is_invalid_and_a_limit_not_declared_is_none() -> None:
    one = demand("iso", resources={"cpu": 4500, "memory": 3 * 2**30, "disk": 5, "push": 3}, line=4)
    found = builds([one], read_by([one]))
    assert planned(found, None, rules=Rules(limits={"cpu": 4500, "memory": 3 * 2**30})).to_build == frozenset({"iso"})
    with pytest.raises(InvalidError) as raised:
        planned(found, None, rules=Rules(limits={"cpu": 4000, "memory": 2**30, "push": 2}))
    assert raised.value.problems[0] == Problem(
        summary="iso asks for 4.5 of cpu, and the manifest's limit is 4",
        place=place(4),
        hint="lower resources.cpu of iso, or raise schedule.limits.cpu",
        code="demand-too-large",
    )
    assert [problem.summary for problem in raised.value.problems[1:]] == [
        "iso asks for 3Gi of memory, and the manifest's limit is 1Gi",
        "iso asks for 3 of push, and the manifest's limit is 2",
    ]


def test_an_immutable_name_refuses_the_plan() -> None:
    with pytest.raises(RefusedError) as raised:
        planned(made("1", files={"a": "2"}), lock_of(made("1", files={"a": "1"})))
    assert [problem.code for problem in raised.value.problems] == ["immutable-tag"]


def test_a_plan_as_data_follows_its_schema() -> None:
    lock = lock_of(made("1", "2", files={"a": "1"}))
    found = planned(made("1", "3", files={"a": "2"}), lock, rules=MUTABLE)
    document = found.to_dict()
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(document)
    assert (document["kind"], document["planVersion"], document["digest"]) == ("Plan", 1, found.digest)
    assert json.loads(json.dumps(document)) == document
    assert [path for path in _properties(SCHEMA) if not path[1]] == []
    kinds = SCHEMA["$defs"]["reason"]["properties"]["kind"]["enum"]
    assert sorted(kinds) == sorted(why.value for why in Why)


def test_the_digest_follows_what_would_be_done() -> None:
    one = planned(made("1"), None)
    assert one.digest == planned(made("1"), None).digest
    assert one.digest != planned(made("1", files={"a": "1"}), None).digest
    assert one.digest != planned(made("1"), lock_of(made("1"))).digest


@settings(deadline=None)
@given(matrices())
def test_the_plan_of_the_lock_just_written_reuses_everything(matrix: tuple[list[Demand], dict[str, str]]) -> None:
    demands, files = matrix
    found = builds(demands, read_by(demands, files=files))
    assert not planned(found, lock_of(found)).changes
    assert merge(lock_of(found), found, {}, name="edge", pins=pins()) == lock_of(found)
    assert planned(found, Lock.from_dict(lock_of(found).to_dict())).digest == planned(found, lock_of(found)).digest


@settings(deadline=None)
@given(matrices(), matrices())
def test_a_plan_builds_exactly_the_keys_that_the_lock_does_not_hold(
    before: tuple[list[Demand], dict[str, str]], after: tuple[list[Demand], dict[str, str]]
) -> None:
    lock = lock_of(builds(before[0], read_by(before[0], files=before[1])))
    found = builds(after[0], read_by(after[0], files=after[1]))
    result = planned(found, lock, rules=MUTABLE)
    keys = {entry.key for _, entry in lock.builds}
    assert result.to_build == {each.name for each in found if each.key not in keys}
    done = merge(lock, found, {each.key: output(each) for each in found if each.name in result.to_build}, name="edge", pins=pins())
    assert not planned(found, done).changes
    assert {entry.key for _, entry in done.builds} == {each.key for each in found}


@settings(deadline=None)
@given(matrices())
def test_the_order_of_demands_never_changes_a_plan_or_a_lock(matrix: tuple[list[Demand], dict[str, str]]) -> None:
    demands, files = matrix
    shuffled = random.Random(len(demands)).sample(demands, len(demands))
    one, other = builds(demands, read_by(demands, files=files)), builds(shuffled, read_by(shuffled, files=files))
    assert planned(one, None).to_dict() == planned(other, None).to_dict()
    assert lock_of(one) == lock_of(other)


def test_what_is_opaque_secret_and_privileged_is_told_of_each_build_that_has_it() -> None:
    one, other = demand("provider", cell(k8s="1")), demand("installer", cell(k8s="1"))
    opaque = reading(opaque=["inputs", "time"], secrets=["TOKEN"], privileged=True)
    found = planned(builds([one, other], {one.address: opaque, other.address: reading(commands="other")}), None).to_dict()
    Draft202012Validator(SCHEMA).validate(found)
    shown = found["builds"]
    assert isinstance(shown, list)
    told = {each["name"]: {field: each.get(field) for field in ("opaque", "secrets", "privileged")} for each in shown}
    assert told == {
        "provider": {"opaque": ["inputs", "time"], "secrets": ["TOKEN"], "privileged": True},
        "installer": {"opaque": None, "secrets": None, "privileged": None},
    }


def test_where_no_names_are_given_those_of_the_lock_are_left_and_none_is_refused() -> None:
    before, after = (build("one", image="localhost:5000/p:u", value=value) for value in ("1", "2"))
    gone, fresh = build("two", image="localhost:5000/p:v"), build("three", image="localhost:5000/p:w")
    lock = lock_of([before, gone])
    found = plan([after, fresh], lock, name="edge", engine="embedded/1", cells=2, demands=2, rules=Rules(tagged=False))
    assert [(image.ref, image.action, image.build, image.old) for image in found.images] == [
        ("localhost:5000/p:u", ImageAction.LEAVE, after.name, output(before).image.digest),  # type: ignore[union-attr]
        ("localhost:5000/p:v", ImageAction.LEAVE, "", output(gone).image.digest),  # type: ignore[union-attr]
    ]
    with pytest.raises(RefusedError):
        plan([after, fresh], lock, name="edge", engine="embedded/1", cells=2, demands=2)
