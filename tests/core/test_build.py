"""Demands become builds: what is in a key and what is not, what is one build, and that order never counts."""

from __future__ import annotations

import dataclasses
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrixbuild.core.build import Build, build_key, builds, needed_keys, with_needs
from matrixbuild.core.cells import Cell
from matrixbuild.core.demand import Demand
from matrixbuild.core.inputs import Inputs
from matrixbuild.core.names import ImageName, sha256
from matrixbuild.core.problems import InvalidError
from tests.builders import arg, build, cell, demand, digest, need, read_by, reading


def made(*demands: Demand, files: dict[str, str] | None = None) -> dict[str, Build]:
    return {each.name: each for each in builds(demands, read_by(demands, files=files or {}))}


def test_a_key_is_the_digest_of_sorted_compact_json() -> None:
    material = {
        "args": {"A": "ü"},
        "artifacts": ["/out/a"],
        "bases": ["ubuntu:22.04"],
        "commands": digest("c"),
        "engine": "embedded/1",
        "files": sha256(json.dumps([["a", digest("x")], ["b", digest("y")]], separators=(",", ":")).encode()),
        "keyVersion": 1,
        "needs": [digest("n")],
    }
    expected = sha256(json.dumps(material, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
    files = (("b", digest("y")), ("a", digest("x")))
    assert expected == build_key(
        engine="embedded/1",
        commands=digest("c"),
        args=(("A", "ü"),),
        files=files,
        bases=("ubuntu:22.04",),
        needs=(digest("n"),),
        artifacts=("/out/a",),
    )


@pytest.mark.parametrize(
    "other",
    [
        {"engine": "embedded/2"},
        {"commands": digest("other")},
        {"args": (("A", "2"),)},
        {"args": (("B", "1"),)},
        {"files": (("a", digest("other")),)},
        {"files": (("b", digest("x")),)},
        {"bases": ("ubuntu:24.04",)},
        {"needs": (digest("other"),)},
        {"artifacts": ("/out/b",)},
        {"generation": "7f3a"},
        {"secrets": ("TOKEN",)},
    ],
)
def test_everything_that_can_change_bytes_is_in_the_key(other: dict[str, Any]) -> None:
    same: dict[str, Any] = {
        "engine": "embedded/1",
        "commands": digest("c"),
        "args": (("A", "1"),),
        "files": (("a", digest("x")),),
        "bases": ("ubuntu:22.04",),
        "needs": (digest("n"),),
        "artifacts": ("/out/a",),
    }
    assert build_key(**same) != build_key(**(same | other))


def test_a_build_carries_what_an_engine_and_the_lock_need() -> None:
    at = cell(fips=True, os=("ubuntu", "22.04"))
    one = demand(
        "provider",
        at,
        args=[arg("OS", "22.04", "os"), arg("UNUSED", "x", "fips")],
        image="registry.example.com/edge/ubuntu:k3s",
        artifacts={"/out/b": "b.iso", "/out/a": "a.iso"},
        resources={"cpu": 2000},
        line=7,
    )
    read = reading("OS", files={"overlay/motd": "hello"}, bases=("ubuntu:22.04", f"alpine:3.20@{digest('alpine')}"))
    (only,) = builds([one], {one.address: read})
    assert only == Build(
        name="provider[os=ubuntu-22.04]",
        key=only.key,
        target="provider",
        earthly="+provider",
        engine="embedded/1",
        args=(("OS", "22.04"),),
        name_only=(),
        needs=(),
        cells=((at, (ImageName.parse("registry.example.com/edge/ubuntu:k3s"),)),),
        image=ImageName(registry="registry.example.com", repository="edge/ubuntu"),
        artifacts=(("/out/a", "a.iso"), ("/out/b", "b.iso")),
        resources=one.asked.resources,
        inputs=Inputs(
            target=digest("FROM scratch"),
            args=(("OS", "22.04"),),
            files=(("overlay/motd", digest("hello")),),
            bases=(("alpine:3.20", digest("alpine")), ("ubuntu:22.04", "")),
        ),
        place=one.place,
        targets=("provider",),
        answers=(("provider", at),),
        uncovered=("os",),
    )
    assert only.content_tag == f"mb-{only.key[7:27]}"
    assert str(only.content_image) == f"registry.example.com/edge/ubuntu:mb-{only.key[7:27]}"


def test_cells_that_differ_in_nothing_used_are_one_build_with_all_their_names() -> None:
    demands = [
        demand("iso", cell(k8s=k8s, os="u"), args=[arg("OS", "u", "os")], image=f"localhost:5000/iso:{k8s}") for k8s in ("1.34", "1.33")
    ]
    (only,) = made(*demands).values()
    assert only.name == "iso[os=u]"
    assert [(str(at), [str(ref) for ref in refs]) for at, refs in only.cells] == [
        ("k8s=1.33,os=u", ["localhost:5000/iso:1.33"]),
        ("k8s=1.34,os=u", ["localhost:5000/iso:1.34"]),
    ]
    assert [str(ref) for ref in only.refs] == ["localhost:5000/iso:1.33", "localhost:5000/iso:1.34"]


def test_names_addresses_resources_and_places_are_not_in_the_key() -> None:
    same = reading("VALUE")
    left = demand("provider", cell(os="u"), args=[arg("VALUE", "1")], image="localhost:5000/a:1", resources={"cpu": 1, "disk": 5})
    right = demand("base", cell(fips=True), args=[arg("VALUE", "1", "fips")], image="localhost:5000/b:2", resources={"cpu": 2}, line=99)
    (merged,) = builds([left, right], {left.address: same, right.address: same})
    assert merged.target == "base"
    assert merged.resources.amounts == (("cpu", 2), ("disk", 5))
    assert [str(ref) for ref in merged.refs] == ["localhost:5000/a:1", "localhost:5000/b:2"]


def test_an_arg_that_only_names_an_image_is_passed_and_in_no_key() -> None:
    demands = [
        demand("p", cell(k8s=k8s), args=[arg("IMAGE", f"localhost:5000/p:{k8s}", "k8s"), arg("OTHER", k8s, "k8s")], image=f"localhost:5000/p:{k8s}")
        for k8s in ("2", "1")
    ]
    (only,) = builds(demands, {each.address: reading(named=["IMAGE"]) for each in demands})
    assert (only.name, only.args, only.passed) == ("p", (), (("IMAGE", "localhost:5000/p:1"),))
    assert only.key == builds(demands[:1], {demands[0].address: reading()})[0].key


def test_the_file_name_of_an_artifact_is_not_in_the_key() -> None:
    assert build(artifacts={"/out": "a"}).key == build(artifacts={"/out": "b"}).key != build(artifacts={"/other": "a"}).key


def test_a_need_counts_as_its_key_and_its_token_waits_for_the_run() -> None:
    base, at = cell(os="u"), cell(k8s="1", os="u")
    demands = [
        demand("base", base, args=[arg("OS", "u", "os")], image="localhost:5000/base:u"),
        demand("provider", at, args=[arg("BASE_IMAGE", need("base", base), "os"), arg("K8S", "1", "k8s")], needs=[("base", base)]),
    ]
    found = made(*demands)
    below, above = found["base[os=u]"], found["provider[k8s=1,os=u]"]
    assert above.needs == (("base[os=u]", below.key),)
    assert above.inputs.needs == above.needs
    assert dict(above.args)["BASE_IMAGE"] == f"need.matrixbuild.invalid/base@{below.key}"
    assert needed_keys(dict(above.args)["BASE_IMAGE"]) == (below.key,)
    assert with_needs(dict(above.args)["BASE_IMAGE"], {below.key: "localhost:5000/base@sha256:1"}) == "localhost:5000/base@sha256:1"
    with pytest.raises(KeyError):
        with_needs(dict(above.args)["BASE_IMAGE"], {})


def test_a_need_that_is_called_otherwise_leaves_the_keys_above_it_alone() -> None:
    def above(target: str) -> str:
        base = demand(target, cell(os="u"))
        provider = demand("provider", cell(os="u"), args=[arg("BASE", need(target, cell(os="u")))], needs=[base.address])
        readings = {base.address: reading(), provider.address: reading("BASE")}
        return next(each.key for each in builds([base, provider], readings) if each.target == "provider")

    assert above("base") == above("fips-base")


def test_a_chain_of_three_thousand_needs_has_keys() -> None:
    demands = [demand(f"t{nth:04}", needs=[(f"t{nth - 1:04}", cell())] if nth else []) for nth in range(3000)]
    found = builds(demands, read_by(demands))
    assert len(found) == 3000
    assert found[2999].needs == (("t2998", found[2998].key),)


def test_two_keys_never_share_a_name() -> None:
    plain = [demand("p", cell(k8s=k8s, os="u"), args=[arg("OS", "u", "os")]) for k8s in ("1", "2")]
    readings = {each.address: reading("OS", files={"f": str(nth)}) for nth, each in enumerate(plain)}
    assert [each.name for each in builds(plain, readings)] == ["p[k8s=1,os=u]", "p[k8s=2,os=u]"]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    clash = [demand("p", cell(os=os), args=[arg("OS", os, "os")], image="localhost:5000/p:1", line=3) for os in ("u", "v")]
    names = [demand("iso", cell(os=os), artifacts={"/a": f"{os}.iso"}, line=9) for os in ("u", "v")]
    with pytest.raises(InvalidError) as raised:
        made(*clash, *names)
    assert [problem.code for problem in raised.value.problems] == ["varying-artifact", "shared-ref"]


@st.composite
def matrices(draw: st.DrawFn) -> tuple[list[Demand], dict[str, str]]:
    """Bases and providers over three axes, where some args depend on some axes."""
    oses = draw(st.lists(st.sampled_from(["u", "v", "w"]), min_size=1, unique=True))
    versions = draw(st.lists(st.sampled_from(["1", "2", "3"]), min_size=1, unique=True))
    depends = draw(st.sets(st.sampled_from(["os", "k8s", "fips"])))
    demands = [demand("base", cell(os=os), args=[arg("OS", os, "os")]) for os in oses]
    for os in oses:
        for k8s in versions:
            for fips in (False, True):
                at = cell(fips=fips, k8s=k8s, os=os)
                values = {"os": os, "k8s": k8s, "fips": str(fips)}
                args = [arg(axis.upper(), values[axis], axis) for axis in sorted(depends)]
                base = arg("BASE", need("base", cell(os=os)), "os")
                demands.append(demand("provider", at, args=[*args, base], image=f"localhost:5000/p:{os}-{k8s}-{fips}", needs=[("base", cell(os=os))]))
    return demands, draw(st.dictionaries(st.sampled_from(["a", "b/c"]), st.text(max_size=3)))


@settings(deadline=None)
@given(matrices(), st.randoms(use_true_random=False))
def test_the_order_of_demands_never_counts(matrix: tuple[list[Demand], dict[str, str]], order: random.Random) -> None:
    demands, files = matrix
    shuffled = list(demands)
    order.shuffle(shuffled)
    shuffled = [dataclasses.replace(each, args=tuple(order.sample(each.args, len(each.args)))) for each in shuffled]
    assert builds(shuffled, read_by(shuffled, files=files)) == builds(demands, read_by(demands, files=files))


@settings(deadline=None)
@given(matrices())
def test_every_demand_is_in_exactly_one_build_and_names_and_slugs_are_unique(matrix: tuple[list[Demand], dict[str, str]]) -> None:
    demands, files = matrix
    found = builds(demands, read_by(demands, files=files))
    assert sorted((each.target, str(at)) for each in found for at, _ in each.cells) == sorted((each.target, str(each.cell)) for each in demands)
    assert len({each.name for each in found}) == len({each.key for each in found}) == len({each.slug.casefold() for each in found}) == len(found)


@settings(deadline=None)
@given(matrices(), st.data())
def test_a_changed_value_changes_exactly_the_builds_that_use_it_and_what_needs_them(
    matrix: tuple[list[Demand], dict[str, str]], data: st.DataObject
) -> None:
    demands, files = matrix
    changed = data.draw(st.sampled_from([each for each in demands if each.args]))
    name = data.draw(st.sampled_from([each.name for each in changed.args if each.name != "BASE"] or [""]))
    others = [_with(each, name, "changed") if each is changed else each for each in demands]
    before, after = _keys(demands, files), _keys(others, files)
    expected = {changed.address} if name else set()
    expected |= {each.address for each in demands if expected & set(each.needs)}
    assert {address for address, key in after.items() if key != before[address]} == expected


@settings(deadline=None)
@given(matrices())
def test_a_value_that_is_not_used_changes_nothing(matrix: tuple[list[Demand], dict[str, str]]) -> None:
    demands, files = matrix
    readings = read_by(demands, files=files)
    others = [dataclasses.replace(each, args=(*each.args, arg("UNUSED", str(each.cell), "os"))) for each in demands]
    assert builds(others, readings) == builds(demands, readings)


def _with(one: Demand, name: str, value: str) -> Demand:
    return dataclasses.replace(one, args=tuple(dataclasses.replace(each, value=value) if each.name == name else each for each in one.args))


def _keys(demands: list[Demand], files: dict[str, str]) -> dict[tuple[str, Cell], str]:
    return {(each.target, at): each.key for each in builds(demands, read_by(demands, files=files)) for at, _ in each.cells}


def test_the_names_of_secrets_are_in_the_key_where_there_are_any_and_what_is_opaque_is_not() -> None:
    one = demand("provider", cell(os="u"))
    keys = {}
    for name, found in {
        "plain": reading(),
        "opaque": reading(opaque=["time"], privileged=True),
        "secret": reading(secrets=["TOKEN"]),
        "other": reading(secrets=["TOKEN", "OTHER"]),
    }.items():
        (made,) = builds([one], {one.address: found})
        keys[name] = made.key
        assert (made.opaque, made.secrets, made.privileged) == (found.opaque, found.secrets, found.privileged)
    assert keys["plain"] == keys["opaque"]
    assert len({keys["plain"], keys["secret"], keys["other"]}) == 3


def test_the_version_of_a_secret_is_in_the_key_and_in_the_lock_where_the_build_asks_for_it() -> None:
    def versioned(version: str, *secrets: str) -> Build:
        one = dataclasses.replace(demand("base", image="localhost:5000/p:1"), secret_versions=(("token", version),))
        (found,) = builds([one], {one.address: reading(secrets=secrets)})
        return found

    assert versioned("1", "token").key != versioned("2", "token").key
    assert versioned("1", "token").inputs.secrets == (("token", "1"),)
    assert versioned("1").key == versioned("2").key
    assert versioned("1").inputs.secrets == ()
    assert versioned("1", "token").key == build_key(engine="embedded/1", commands=digest("FROM scratch"), secrets=["token"], versions=(("token", "1"),))
