"""Names tell builds apart, and slugs are safe in paths."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from matrixbuild.core.cells import Cell
from matrixbuild.core.naming import Nameless, names, slug
from tests.builders import cell, digest


def nameless(key: str, *cells: Cell, axes: str = "", target: str = "p") -> Nameless:
    return Nameless(key=key, target=target, axes=frozenset(axes.split()), cells=cells)


def test_a_name_has_the_axes_of_the_used_args_where_all_cells_agree() -> None:
    one = nameless("k", cell(fips=False, k8s="1", os="u"), cell(fips=True, k8s="1", os="u"), axes="os fips")
    assert names([one]) == {"k": "p[os=u]"}


def test_a_name_without_axes_is_the_target() -> None:
    assert names([nameless("k", cell(os="u"))]) == {"k": "p"}


def test_an_axis_that_a_cell_lacks_is_no_agreement() -> None:
    assert names([nameless("k", cell(k8s="1", os="u"), cell(os="u"), axes="os k8s")]) == {"k": "p[os=u]"}


def test_builds_of_one_name_get_the_axes_by_which_they_differ() -> None:
    found = names([nameless("k", cell(fips=False, k8s="1", os="u"), axes="os"), nameless("l", cell(fips=False, k8s="2", os="u"), axes="os")])
    assert found == {"k": "p[k8s=1,os=u]", "l": "p[k8s=2,os=u]"}


def test_builds_that_no_axis_tells_apart_get_the_beginning_of_their_keys() -> None:
    one, other = digest("1"), digest("2")
    found = names([nameless(one, cell(os="u"), cell(os="v")), nameless(other, cell(os="u"), cell(os="v"))])
    assert found == {one: f"p@{one[7:15]}", other: f"p@{other[7:15]}"}


def test_a_longer_name_that_is_taken_already_is_told_apart_too() -> None:
    one, other, third = digest("1"), digest("2"), digest("3")
    found = names(
        [
            nameless(one, cell(fips=True, os="u"), axes="os"),
            nameless(other, cell(fips=False, os="u"), axes="os"),
            nameless(third, cell(fips=True, os="u"), axes="os fips"),
        ]
    )
    assert found == {one: f"p[fips=true,os=u]@{one[7:15]}", other: "p[fips=false,os=u]", third: f"p[fips=true,os=u]@{third[7:15]}"}


def test_a_slug_is_readable_and_keeps_what_it_replaces_apart() -> None:
    assert slug("iso[k8s=1.34,os=ubuntu-22.04]").startswith("iso-k8s-1.34-os-ubuntu-22.04-")
    assert slug("p[a=b]") != slug("p[a-b]")
    assert slug("p[a=B]").casefold() != slug("p[a=b]").casefold()


@settings(deadline=None)
@given(st.text(min_size=1))
def test_a_slug_is_always_safe_and_short(name: str) -> None:
    assert re.fullmatch(r"(?![.])[A-Za-z0-9._-]{0,80}-[0-9a-f]{8}", slug(name))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("pq"), st.sampled_from("uv"), st.sampled_from("12"), st.sets(st.sampled_from(["os", "k8s"]))), max_size=12))
def test_names_are_unique_and_the_same_in_any_order(rows: list[tuple[str, str, str, set[str]]]) -> None:
    nameless_builds = [
        nameless(digest(str(nth)), cell(k8s=k8s, os=os), axes=" ".join(axes), target=target) for nth, (target, os, k8s, axes) in enumerate(rows)
    ]
    found = names(nameless_builds)
    assert len(set(found.values())) == len(rows)
    assert names(list(reversed(nameless_builds))) == found
