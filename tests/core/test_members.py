"""A demand with what it reads becomes a member of a build."""

from __future__ import annotations

from matrixbuild.core.build_key import build_key
from matrixbuild.core.demand import need_token
from matrixbuild.core.members import members
from tests.builders import arg, cell, demand, digest, need, reading


def test_the_args_in_use_are_told_from_those_that_only_name_an_image() -> None:
    one = demand("image", cell(os="a"), args=(arg("B", "2", "os"), arg("A", "1"), arg("TAG", "t"), arg("NOT", "x")))
    found = members([one], {one.address: reading("A", "B", named=("TAG",))})[one.address]
    assert (found.counted.args, found.name_only, found.counted.axes) == ((("A", "1"), ("B", "2")), (("TAG", "t"),), frozenset({"os"}))


def test_equal_args_are_one_value() -> None:
    demands = [demand("image", cell(os=os), args=(arg("A", "1"), arg("B", os, "os"))) for os in ("a", "b")]
    read = reading("A")
    found = members(demands, {each.address: read for each in demands})
    one, other = (found[each.address] for each in demands)
    assert one.counted.args is other.counted.args
    assert one.counted.key == other.counted.key


def test_a_need_counts_with_the_key_of_its_build() -> None:
    base = demand("base", cell(os="a"))
    image = demand("image", cell(os="a"), args=(arg("FROM", need("base", cell(os="a"))),), needs=(base.address,))
    found = members([image, base], {base.address: reading(), image.address: reading("FROM")})
    key = found[base.address].counted.key
    assert found[image.address].counted.needs == (key,)
    assert found[image.address].counted.args == (("FROM", need_token("base", key)),)
    assert found[image.address].counted.key == build_key(
        engine=reading().engine, commands=reading().commands, args=(("FROM", need_token("base", key)),), needs=(key,)
    )
    assert digest("x") != key
