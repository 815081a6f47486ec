from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.axes import Axes, KnownAxis, product
from matrixbuild.core.cells import Cell
from matrixbuild.core.declared import Effect, Rule
from matrixbuild.core.rules import Bench, Deed, Matcher, Ruling
from tests.builders import cell, place
from tests.manifest_texts import expanded, told

LEAP_FIPS = "fips=true,os=leap-15.6"


def rules(*lines: str) -> str:
    return "\n".join(["  rules:", *(f"    - {line}" for line in lines)])


def kept(*lines: str) -> list[str]:
    expansion = expanded(rules=rules(*lines))
    assert told(expansion.problems) == []
    return [str(cell) for cell in expansion.cells]


def problems(*lines: str) -> list[str]:
    return told(expanded(rules=rules(*lines)).problems)


class TestEffects:
    def test_require_drops_what_does_not_match(self) -> None:
        assert kept('{name: a, when: {fips: true}, require: {os.distribution: ubuntu, os.version: ["22.04"]}, reason: r}') == [
            "fips=false,os=ubuntu-22.04",
            "fips=false,os=ubuntu-24.04",
            "fips=false,os=leap-15.6",
            "fips=true,os=ubuntu-22.04",
        ]

    def test_exclude_drops_what_matches(self) -> None:
        assert kept("{name: a, exclude: {fips: true, os: [leap-15.6, ubuntu-22.04]}, reason: r}") == [
            "fips=false,os=ubuntu-22.04",
            "fips=false,os=ubuntu-24.04",
            "fips=false,os=leap-15.6",
            "fips=true,os=ubuntu-24.04",
        ]

    def test_deny_is_an_error_with_the_cells(self) -> None:
        assert problems("{name: no-leap, when: {fips: true}, deny: {os.distribution: [leap, ubuntu]}, reason: not yet}") == [
            "m.yaml:18:14: the rule 'no-leap' refuses 3 cells: not yet [no-leap] (fips=true,os=ubuntu-22.04, and 2 more)"
        ]

    def test_deny_is_about_the_cells_that_are_left(self) -> None:
        drop = "{name: drop, exclude: {fips: true, os: leap-15.6}, reason: r}"
        deny = "{name: deny, deny: {fips: true, os: leap-15.6}, reason: r}"
        assert len(kept(drop, deny)) == len(kept(deny, drop)) == 5

    def test_warn_remarks(self) -> None:
        expansion = expanded(rules=rules('{name: old, warn: {os.version: "22.04", fips: true}, reason: ends in 2027}'))
        assert told(expansion.problems) == []
        assert len(expansion.cells) == 6
        assert told(expansion.warnings) == ["m.yaml:18:14: the rule 'old' remarks on 1 cell: ends in 2027 [old] (fips=true,os=ubuntu-22.04)"]

    def test_a_dropped_cell_knows_every_rule_that_drops_it(self) -> None:
        expansion = expanded(
            rules=rules(
                "{name: a, exclude: {fips: true, os: leap-15.6}, reason: x}", "{name: b, when: {os: leap-15.6}, require: {fips: false}, reason: y}"
            )
        )
        [dropped] = expansion.dropped
        assert (str(dropped.cell), [(rule.name, rule.effect) for rule in dropped.rules]) == (
            LEAP_FIPS,
            [("a", Effect.EXCLUDE), ("b", Effect.REQUIRE)],
        )


class TestMistakes:
    @pytest.mark.parametrize(
        ("matcher", "message"),
        [
            ("{fpis: true}", "m.yaml:18:27: there is no axis 'fpis' [fpis] (did you mean 'fips'?)"),
            ("{arch: amd64}", "m.yaml:18:27: there is no axis 'arch' [arch] (the axes are fips, os)"),
            ('{os.versoin: "22.04"}', "m.yaml:18:27: the axis 'os' has no field 'versoin' [os.versoin] (did you mean 'version'?)"),
            ("{fips.on: true}", "m.yaml:18:27: the axis 'fips' has no field 'on' [fips.on] (its values are no mappings: match fips itself)"),
            ('{os.version: "20.04"}', "m.yaml:18:39: os.version is never '20.04' [\"20.04\"] (it is 22.04, 24.04, 15.6)"),
            ("{os: rhel}", "m.yaml:18:31: os is never 'rhel' [rhel] (it is ubuntu-22.04, ubuntu-24.04, leap-15.6)"),
            ('{fips: "true"}', "m.yaml:18:33: fips is never 'true' [\"true\"] (write true without quotes)"),
            ("{os.distribution: true}", "m.yaml:18:44: os.distribution is never true [true] (it is ubuntu, leap)"),
            ('{os.version: ["22.04", "9"]}', "m.yaml:18:49: os.version is never '9' [\"9\"] (it is 22.04, 24.04, 15.6)"),
        ],
    )
    @pytest.mark.parametrize("effect", ["require", "exclude"])
    def test_matchers_name_what_there_is(self, effect: str, matcher: str, message: str) -> None:
        found = problems(f"{{name: a, {effect}: {matcher}, reason: r}}")
        assert found[0] == message

    def test_a_rule_that_matches_nothing(self) -> None:
        assert problems('{name: odd, exclude: {os.distribution: leap, os.version: "22.04"}, reason: r}') == [
            "m.yaml:18:14: the rule 'odd' matches no cell [odd] (its conditions exclude each other: remove the rule, or mend them)"
        ]

    def test_a_rule_whose_when_matches_nothing(self) -> None:
        assert problems('{name: odd, when: {os: leap-15.6, os.version: "22.04"}, require: {fips: true}, reason: r}') == [
            "m.yaml:18:14: the rule 'odd' matches no cell [odd] (its conditions exclude each other: remove the rule, or mend them)"
        ]

    def test_a_rule_may_match_only_cells_that_others_drop(self) -> None:
        lines = ("{name: a, exclude: {fips: true}, reason: x}", "{name: b, exclude: {fips: true, os: leap-15.6}, reason: y}")
        assert len(kept(*lines)) == 3

    def test_no_cell_left(self) -> None:
        assert problems("{name: all, exclude: {fips: [true, false]}, reason: why not}") == [
            "m.yaml:4:1: no cell is left to build [spec] (dropped by 'all' (why not))"
        ]

    def test_a_value_that_survives_nowhere(self) -> None:
        expansion = expanded(rules=rules("{name: no-leap, exclude: {os.distribution: leap}, reason: not yet}"))
        assert told(expansion.problems) == []
        assert told(expansion.warnings) == ["m.yaml:10:10: no cell is left with os leap-15.6 [distribution] (dropped by 'no-leap' (not yet))"]


VALUES = "xyz"
AXES = Axes({name: KnownAxis(name=name, place=place(), values={text: cell(a=text)["a"] for text in VALUES}) for name in "abc"})
MATCHERS = st.builds(
    Matcher,
    accepts=st.lists(st.tuples(st.integers(0, 2), st.frozensets(st.sampled_from(VALUES))), max_size=3).map(tuple),
    never=st.sampled_from([False, False, False, True]),
)


def ruling(number: int, effect: Effect, deed: Deed, when: Matcher, conditions: Matcher) -> Ruling:
    rule = Rule(name=f"rule-{number}", reason="r", effect=effect, when=(), conditions=(), place=place())
    return Ruling(rule=rule, deed=deed, when=when, conditions=conditions)


def judged(judges: list[Ruling], at: Cell) -> tuple[set[int], tuple[Rule, ...], set[int]]:
    """What the rules say of a cell, one after the other."""
    matching = {number: judge for number, judge in enumerate(judges) if judge.when.matches(at)}
    concerned = {number for number, judge in matching.items() if judge.rule.effect is Effect.REQUIRE or judge.conditions.matches(at)}
    dropping = tuple(judge.rule for judge in judges if judge.deed is Deed.DROP and judge.faults(at))
    return concerned, dropping, {number for number, judge in enumerate(judges) if judge.deed is not Deed.DROP and judge.faults(at)}


def numbers(bits: int) -> set[int]:
    return {number for number in range(bits.bit_length()) if bits >> number & 1}


@given(st.lists(st.tuples(st.sampled_from(Effect), st.sampled_from(Deed), MATCHERS, MATCHERS), max_size=5))
def test_rules_say_the_same_together_as_one_by_one(drawn: list[tuple[Effect, Deed, Matcher, Matcher]]) -> None:
    judges = [ruling(number, *each) for number, each in enumerate(drawn)]
    bench = Bench(judges, AXES)
    for at in product(AXES):
        concerned, dropping, faults = bench.judged(at)
        assert (numbers(concerned), dropping, numbers(faults)) == judged(judges, at)
