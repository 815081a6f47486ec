"""Values: what a text is made of, and which overrides had a part in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.earthfile.values import EMPTY, Given, Value, alike, joined, plain_value, unknown_value

A = Value(text="1.30", taint=frozenset({"A"}), parts=(Given("A"),))
B = Value(text="", taint=frozenset({"B"}))
"""Influenced nobody knows how: an empty override is no part of a text."""


def test_parts_that_are_known_are_kept_in_order() -> None:
    value = joined((plain_value("k3s-"), A, plain_value("-"), A, plain_value("x")))

    assert (value.text, value.taint) == ("k3s-1.30-1.30x", frozenset({"A"}))
    assert value.template == ("k3s-", Given("A"), "-", Given("A"), "x")
    assert value.symbolic


def test_one_part_that_nobody_knows_makes_the_whole_unknown() -> None:
    value = joined((A, B))

    assert (value.text, value.taint, value.template, value.symbolic) == ("1.30", frozenset({"A", "B"}), None, False)


def test_a_text_that_nothing_influenced_is_its_own_template() -> None:
    assert plain_value("x").template == ("x",)
    assert not plain_value("x").symbolic


def test_the_text_behind_a_name_keeps_its_parts() -> None:
    assert joined((plain_value("--V="), A)).behind(4).template == ("", Given("A"))
    assert A.behind(1).template is None


def test_an_influence_that_is_there_already_changes_nothing() -> None:
    assert A.influenced(frozenset({"A"})) is A
    assert A.influenced(frozenset({"C"})) == Value(text="1.30", taint=frozenset({"A", "C"}))
    assert A.influenced(frozenset({"C"})).template == (Given("A"),)
    assert A.obscured(frozenset({"C"})).template is None


def test_two_values_are_alike_that_are_made_in_the_same_way() -> None:
    assert alike(A, Value(text="1.30", taint=frozenset({"A"}), parts=(Given("A"),)))
    assert not alike(A, Value(text="1.30", taint=frozenset({"A"})))
    assert not alike(A, None)


def test_an_unknown_variable_makes_all_unknown_that_it_is_in() -> None:
    assert joined((A, unknown_value("X"))).unknown == "X"


@pytest.mark.parametrize(("text", "taken"), [("1.30.2+rke2r1", True), ("registry.example.com/a:b@c", True), ("", False), ("a b", False), ('"a"', False)])
def test_what_stays_as_it_is_wherever_it_stands(text: str, taken: bool) -> None:
    assert Given.takes(text) is taken


@given(st.lists(st.sampled_from([plain_value("x"), plain_value("-"), A, EMPTY])))
def test_a_template_makes_the_text_again(parts: list[Value]) -> None:
    value = joined(parts)

    assert value.template is not None
    assert "".join(part if isinstance(part, str) else "1.30" for part in value.template) == value.text
