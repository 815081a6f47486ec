"""What an evaluation asks of overrides, and what others answer."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.earthfile.conditions import NeedsShell, ShellSyntax, UnknownVariable, condition
from matrixbuild.core.earthfile.decisions import Decisions, Equal, Held, Imaged, Overrides, UnsaidError, Valued, Verdict, judged, names_image
from matrixbuild.core.earthfile.expansion import Lookup
from matrixbuild.core.earthfile.values import Given, Value

A = Value(text="1", taint=frozenset({"A"}), parts=(Given("A"),))
OPAQUE = Value(text="x", taint=frozenset({"B"}))


def overrides(**args: str) -> Overrides:
    return Overrides.of(args.items())


def test_a_template_is_rendered_with_plain_values_alone() -> None:
    assert overrides(A="22").rendered(("os-", Given("A"), ".04")) == "os-22.04"
    for lacking in (overrides(), overrides(A=""), overrides(A="a b"), overrides(A=r"a\b"), overrides(A="$B"), overrides(A="+x")):
        with pytest.raises(UnsaidError):
            lacking.rendered(("os-", Given("A")))


def test_what_counts_by_its_value_is_asked_for_it() -> None:
    decisions = Decisions(given={"A": "1"})
    decisions.exactly(frozenset({"A", "not-given"}))
    assert decisions.answers == {Valued("A"): "1"}
    assert decisions.names == {"A", "not-given"}
    assert Valued("A").answer(overrides(A="")) == ""


def held(text: str, **variables: Value | None) -> Decisions:
    decisions = Decisions(given={"A": "1", "B": "x"})
    decisions.held(text, variables, judged(text, variables.get))
    return decisions


def test_a_condition_is_asked_again_with_other_values() -> None:
    (question,), (answer,) = zip(*held('[ "$V" = "1" ]', V=A).answers.items(), strict=True)
    assert isinstance(question, Held)
    assert answer == question.answer(overrides(A="1")) == Verdict(True, frozenset({"A"}))
    assert question.answer(overrides(A="2")) == question.answer(overrides(A="3")) == Verdict(False, frozenset({"A"}))


def test_a_condition_that_would_ask_for_other_variables_is_not_answered() -> None:
    (question,) = held('[ "$V" = "1" ] || [ "$W" = "2" ]', V=A).answers
    with pytest.raises(UnsaidError):
        question.answer(overrides(A="2"))
    (question,) = held('[ "$V" = "2" ] || [ "$W" = "2" ]', V=A, W=None).answers
    with pytest.raises(UnsaidError):
        question.answer(overrides(A="2"))


def test_a_condition_over_what_is_made_nobody_knows_how_counts_by_the_overrides_behind_it() -> None:
    assert held('[ "$V" = "1" ]', V=OPAQUE).answers == {Valued("B"): "x"}
    assert list(held('[ "$V$W" = "1" ]', V=OPAQUE, W=A).answers)[:1] == [Valued("B")]
    assert not held('[ "$V" = "1" ]', V=Value(text="1"), W=None).answers


def test_two_texts_are_asked_whether_they_are_one() -> None:
    decisions = Decisions(given={"A": "1", "B": "x"})
    assert decisions.same(A, Value(text="1"), frozenset({"A"}))
    assert decisions.answers == {Equal((Given("A"),), ("1",)): True}
    assert decisions.same(A, A, frozenset({"A"}))
    assert len(decisions.answers) == 1
    assert not decisions.same(OPAQUE, A, frozenset({"A", "B"}))
    assert {Valued("A"), Valued("B")} <= decisions.answers.keys()


@pytest.mark.parametrize("text", ["alpine", "r.io/x:1", "localhost:5000/a/b:c"])
def test_names_of_images(text: str) -> None:
    assert names_image(text, frozenset())
    assert not names_image(text, frozenset({text}))


@pytest.mark.parametrize("text", ["+base", "r.io/x:1+2", "scratch", "3", "", "a b", "Stage"])
def test_what_is_or_may_be_no_name_of_an_image(text: str) -> None:
    assert not names_image(text, frozenset({"stage"}))


def test_the_name_of_an_image_is_kept_as_what_it_is_made_of() -> None:
    decisions = Decisions(given={"A": "1", "B": "x"})
    name = Value(text="r.io/x:1", taint=frozenset({"A"}), parts=("r.io/x:", Given("A")))
    assert decisions.image(name) == ("r.io/x:", Given("A"))
    assert decisions.answers == {Imaged(("r.io/x:", Given("A")), frozenset()): True}
    assert decisions.image(OPAQUE) == ("x",)
    assert Valued("B") in decisions.answers


def test_what_is_only_looked_at_counts_where_it_decides() -> None:
    decisions = Decisions(given={"A": "1", "B": "x"}, verbatim={"A", "B"}, names={"B"})
    decisions.finish()
    assert decisions.answers == {Valued("B"): "x"}


_TEXTS = ('[ "$A" = "1" ]', '[ "$A" = "1" ] && [ "$B" = "" ]', '[ "$A" = "1" ] || [[ "$B" == x* ]]', '[ -z "$B" ] && [ "$B" = "$A" ]', "[ -f $A ]", "[ $B")
_VALUES = st.none() | st.builds(
    Value,
    text=st.sampled_from(("", "1", "x", "x y")),
    taint=st.sets(st.sampled_from("AB")).map(frozenset),
    unknown=st.sampled_from(("", "", "", "A")),
    parts=st.none() | st.just((Given("A"),)),
)


def _noting(names: list[str], values: Mapping[str, Value | None]) -> Lookup:
    def lookup(name: str) -> Value | None:
        names.append(name)
        return values[name]

    return lookup


@given(st.sampled_from(_TEXTS), st.lists(st.tuples(_VALUES, _VALUES), min_size=1, max_size=4))
def test_a_condition_asks_for_what_it_reads_and_is_what_its_values_make_it(text: str, rounds: list[tuple[Value | None, Value | None]]) -> None:
    for one, other in rounds:
        values, asked, read = {"A": one, "B": other}, list[str](), list[str]()
        verdict = judged(text, _noting(asked, values))
        try:
            answer = condition(text, _noting(read, values))
            bare = condition(text, values.__getitem__, bare=True)
            certain = answer.status != 0 or not answer.shells or bare.status == 0
            assert verdict == Verdict(answer.status == 0 if certain and not answer.unmatched else None, answer.taint)
        except (NeedsShell, UnknownVariable, ShellSyntax):
            assert verdict == Verdict(None)
        assert asked[: len(set(read))] == list(dict.fromkeys(read))
