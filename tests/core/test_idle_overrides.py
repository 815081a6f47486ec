from __future__ import annotations

import pytest

from matrixbuild.core.facts import Facts
from tests.manifest_texts import told
from tests.profile_cases import on_profile
from tests.profile_texts import profile

AXES = '  axes:\n    os: [{distribution: ubuntu, version: "22.04"}]\n    fips: [false, true]'

RULES = """  rules:
    - {name: excludes, when: {fips: true}, exclude: {os.distribution: rhel}, reason: why}
    - {name: requires, when: {os.version: "22.04"}, require: {fips: [false, true]}, reason: why}
    - {name: unasked, when: {os.distribution: rhel}, require: {fips: [false, true]}, reason: why}
    - {name: split, until: v4.4, deny: {fips: false}, reason: was}
    - {name: split, since: v4.5, deny: {os.distribution: sles}, reason: is}
    - {name: given, when: {fips: true}, warn: {args.BASE: "x*"}, reason: why}
    - {name: base, when: {fips: true}, require: {args.BASE: "x*"}, reason: why}
    - {name: rhel-base, when: {os.distribution: rhel}, require: {args.BASE: "x*"}, reason: why}
    - {name: listed, by: catalog, deny: {}, reason: why}"""

IDLE = "m.yaml:11:36: the profile's rule '{}' matches no cell: to override it changes nothing [{}] (remove it)"


def said(override: str, **parts: str) -> list[str]:
    facts = Facts(profile=profile(rules=RULES), line="v4.5.0")
    manifest = {"axes": AXES, "profile": f"  profile: {{name: edge, override: {{{override}}}}}", "args": "  args: {BASE: x1}", **parts}
    return [each for each in told(on_profile(facts, **manifest).problems) if "no target declares" not in each]


@pytest.mark.parametrize("effect", ["drop", "deny", "warn", '"off"'])
@pytest.mark.parametrize("name", ["excludes", "unasked", "split", "rhel-base"])
def test_an_override_that_matches_no_cell_is_an_error_whatever_it_does(name: str, effect: str) -> None:
    assert said(f"{name}: {effect}") == [IDLE.format(name, name)]


@pytest.mark.parametrize("name", ["requires", "given", "base", "listed", "R04"])
def test_one_that_is_about_a_cell_is_none_though_the_cell_is_as_it_should_be(name: str) -> None:
    assert said(f'{name}: "off"') == []


def test_an_arg_that_is_not_given_is_no_match() -> None:
    assert said('given: deny, base: "off"', args="  args: {BASE: y}") == [IDLE.format("given", "given")]


def test_a_cell_that_another_rule_drops_is_a_match() -> None:
    axes = AXES.replace("}]", "}, {distribution: rhel, version: '9.4'}]")
    assert said("excludes: warn", axes=axes, rules="  rules: [{name: mine, exclude: {fips: true}, reason: r}]") == []


def test_a_cell_of_include_is_a_match() -> None:
    axes = AXES.replace(", true", "") + '\n  include: [{os: {distribution: rhel, version: "9.4"}, fips: true}]'
    assert said('excludes: "off"', axes=axes) == []


def test_each_is_told() -> None:
    assert [each.partition(" rule ")[2].partition(" ")[0] for each in said("unasked: warn, given: warn, excludes: warn")] == ["'unasked'", "'excludes'"]
