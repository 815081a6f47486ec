"""Which builds changed files affect: at most so from one side, exactly from two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matrixbuild.core.build import builds, keys
from matrixbuild.core.demand import Demand
from matrixbuild.core.earthfile.recipe import FromContext
from matrixbuild.core.footprint import Footprint
from matrixbuild.core.impact import Affected, Effect, Impact, Reached, Side, certain, differing, possible, reached_files
from matrixbuild.core.listing import Entry, Kind, Listing
from matrixbuild.core.reading import Reading
from tests.builders import arg, cell, demand, reading

OLD, NEW = cell(os="old"), cell(os="new")
BASES = [demand("base", at, args=[arg("OS", at["os"].text, "os")]) for at in (OLD, NEW)]
ISOS = [demand("iso", at, args=[arg("OS", at["os"].text, "os")], needs=[("base", at)]) for at in (OLD, NEW)]
DEMANDS = [*BASES, *ISOS]


def side(read: Mapping[str, Reading], *, demands: Sequence[Demand] = DEMANDS) -> Side:
    """`read` is by target what its demands read, `OS.conf` standing for the one of their own system."""
    readings = {each.address: _own(read[each.target], each) for each in demands}
    files = {path for found in readings.values() for path, _ in found.files}
    return Side(
        listing=Listing(entries=dict.fromkeys(files, Entry(kind=Kind.FILE))),
        builds=builds(demands, readings),
        keys=keys(demands, readings),
        readings=readings,
        footprints={address: _footprint(address[0], found) for address, found in readings.items()},
    )


def _own(found: Reading, one: Demand) -> Reading:
    files = {path.replace("OS", one.cell["os"].text): content for path, content in found.files}
    return reading(*found.used, commands=found.commands, files=files, bases=found.bases)


def _footprint(target: str, found: Reading) -> Footprint:
    sources = tuple((f"+{target}", FromContext(directory="", pattern=path, ignored=())) for path, _ in found.files)
    return Footprint(target=f"+{target}", targets=("+base", f"+{target}"), texts=(("Earthfile", ""),), sources=sources)


READ = {"base": reading("OS", files={"common": "1", "OS.conf": "1"}), "iso": reading("OS", commands="iso", files={"menu": "1"})}


def shown(found: Sequence[Affected]) -> dict[str, tuple[str, list[str], tuple[str, ...]]]:
    return {each.build: (each.effect.value, [path for path, _ in each.files], each.through) for each in found}


def test_a_file_affects_who_reads_it_and_who_needs_that() -> None:
    assert shown(possible(side(READ), ["old.conf", "menu", "README"])) == {
        "base[os=old]": ("may-change", ["old.conf"], ()),
        "iso[os=new]": ("may-change", ["menu"], ()),
        "iso[os=old]": ("may-change", ["menu"], ("base[os=old]",)),
    }


def test_an_earthfile_affects_all_that_goes_through_it() -> None:
    found = possible(side(READ), ["Earthfile"])
    assert {each.build for each in found} == {"base[os=new]", "base[os=old]", "iso[os=new]", "iso[os=old]"}
    assert {each.files for each in found} == {(("Earthfile", ("+base",)),), (("Earthfile", ("+iso",)),)}


def test_nothing_changed() -> None:
    assert possible(side(READ), []) == ()
    assert certain(side(READ), side(READ), ["README"]) == ()


def test_between_two_sides_the_keys_decide() -> None:
    after = {**READ, "base": reading("OS", files={"common": "2", "OS.conf": "1"})}
    found = certain(side(READ), side(after), ["Earthfile", "README", "common", "menu"])
    assert shown(found) == {
        "base[os=new]": ("changed", ["common"], ()),
        "base[os=old]": ("changed", ["common"], ()),
        "iso[os=new]": ("changed", [], ("base[os=new]",)),
        "iso[os=old]": ("changed", [], ("base[os=old]",)),
    }
    assert {each.build: each.inputs for each in found if each.build.endswith("old]")} == {"base[os=old]": ("files",), "iso[os=old]": ()}
    assert found[0].cells == ("os=new",)


def test_other_commands_come_from_a_text() -> None:
    after = {**READ, "iso": reading("OS", commands="other", files={"menu": "1"})}
    found = certain(side(READ), side(after), ["Earthfile", "common", "menu"])
    assert {(each.build, each.files, each.inputs) for each in found} == {
        (f"iso[os={system}]", (("Earthfile", ("+iso",)),), ("commands",)) for system in ("new", "old")
    }


def test_a_file_that_is_read_no_more_is_to_blame() -> None:
    after = {**READ, "iso": reading("OS", commands="iso")}
    found = certain(side(READ), side(after), ["Earthfile", "menu"])
    assert {each.files for each in found} == {(("menu", ("+iso",)),)}


def test_a_file_that_is_read_without_having_changed_comes_from_a_text() -> None:
    """An ignore file lets it in, for one."""
    after = {**READ, "iso": reading("OS", commands="iso", files={"menu": "1", "more": "1"})}
    found = certain(side(READ), side(after), ["Earthfile"])
    assert {each.files for each in found} == {(("Earthfile", ("+iso",)),)}


def test_an_arg_that_a_changed_file_names_comes_from_that_file() -> None:
    after = {**READ, "iso": reading(commands="iso", files={"menu": "2"})}
    found = certain(side(READ), side(after), ["Earthfile", "menu"])
    assert {(each.files, each.inputs) for each in found} == {((("menu", ("+iso",)),), ("args", "files"))}


def test_one_build_becomes_two_and_two_become_one() -> None:
    """What no longer depends on an axis is one build for all its values."""
    read = {"iso": reading(commands="iso"), "base": READ["base"]}
    lone = [demand("iso", at, args=[arg("OS", at["os"].text, "os")]) for at in (OLD, NEW)]
    one, two = side(read, demands=lone), side({**READ, "iso": reading("OS", commands="iso")}, demands=lone)
    split = certain(one, two, ["Earthfile"])
    assert shown(split) == {"iso[os=new]": ("new", ["Earthfile"], ()), "iso[os=old]": ("new", ["Earthfile"], ()), "iso": ("gone", ["Earthfile"], ())}
    joined = certain(two, one, ["Earthfile"])
    assert [(each.build, each.effect) for each in joined] == [("iso", Effect.NEW), ("iso[os=new]", Effect.GONE), ("iso[os=old]", Effect.GONE)]
    assert joined[0].cells == ("os=new", "os=old")


def test_what_one_side_does_not_have_is_new_or_gone() -> None:
    part = side(READ, demands=BASES)
    assert {each.effect for each in certain(part, side(READ), ["Earthfile"])} == {Effect.NEW}
    gone = certain(side(READ), part, ["Earthfile"])
    assert {(each.build, each.effect, each.files) for each in gone} == {
        (f"iso[os={system}]", Effect.GONE, (("Earthfile", ("+iso",)),)) for system in ("new", "old")
    }


def test_a_build_of_another_name_and_the_same_key_is_no_other_build() -> None:
    alone = [BASES[0]]
    before, after = side(READ, demands=alone), side(READ, demands=BASES)
    assert [each.build for each in certain(before, after, ["Earthfile"])] == ["base[os=new]"]


def test_what_differs_between_two_readings() -> None:
    one = reading("A", files={"f": "1"}, bases=["b"], secrets=["s"])
    assert differing(one, one) == ()
    assert differing(one, reading()) == ("args", "bases", "files", "secrets")
    assert differing(one, reading("A", commands="other", files={"f": "1"}, bases=["b"], secrets=["s"])) == ("commands",)


def test_the_files_see_the_same() -> None:
    found = possible(side(READ), ["old.conf", "common"])
    assert reached_files(found, ["old.conf", "README", "common"]) == (
        Reached(path="old.conf", targets=("+base",), builds=("base[os=old]",)),
        Reached(path="README"),
        Reached(path="common", targets=("+base",), builds=("base[os=new]", "base[os=old]")),
    )


def test_an_impact_counts_each_cell_once() -> None:
    found = possible(side(READ), ["common", "menu"])
    told = Impact(name="edge", exact=False, files=(), builds=found, total=9).to_dict()
    assert told["counts"] == {"builds": 9, "affected": 4, "cells": 2}
