from __future__ import annotations

import pytest

from matrixbuild.core.facts import Facts
from matrixbuild.core.problems import Problem
from tests.manifest_texts import expanded, told
from tests.profile_cases import on_profile
from tests.profile_texts import profile

AXES = '  axes:\n    os: [{distribution: ubuntu, version: "22.04"}]\n    site: [SITE]'
TARGETS = '  targets:\n    provider: {earthly: +p, EXTRA image: {repository: "{{ registry }}/p", tag: "{{ os }}TAG"}}'


def remarks(warnings: tuple[Problem, ...]) -> list[str]:
    return [each for each in told(warnings) if "makes no difference" in each]


def of(site: str = "a", *, extra: str = "", tag: str = "", **parts: str) -> list[str]:
    """What is said of the axis `site`, which has one value."""
    found = expanded(axes=AXES.replace("SITE", site), targets=TARGETS.replace("EXTRA", extra).replace("TAG", tag), **parts)
    assert told(found.problems) == []
    return remarks(found.warnings)


def test_an_axis_that_nothing_names_is_told() -> None:
    assert of() == [
        "m.yaml:9:5: the axis 'site' makes no difference: no template, arg or condition names it [site] (read it as {{ site }}, or remove it)"
    ]


@pytest.mark.parametrize(
    "parts",
    [
        {"tag": "-{{ site }}"},
        {"extra": 'args: {SITE: "{{ site }}"},'},
        {"extra": "when: {site: a},"},
        {"extra": "axes: [os, site],"},
        {"site": "{value: a, args: {SITE: x}}"},
        {"args": '  args: {SITE: "{{ site }}"}'},
        {"rules": "  rules: [{name: r, when: {site: a}, warn: {os.version: '22.04'}, reason: why}]"},
        {"rules": "  rules: [{name: r, require: {site: a}, reason: why}]"},
        {"source": "  source: {path: edge, files: [{from: x, when: {site: a}}]}"},
        {"secrets": "  secrets: [{name: s, env: S, when: {site: a}}]"},
    ],
)
def test_whoever_names_it_has_it_make_a_difference(parts: dict[str, str]) -> None:
    assert of(**parts) == []


def test_those_of_a_profile_do_what_it_says_and_are_what_was_probably_meant() -> None:
    known = Facts(profile=profile(axes="  axes:\n    os: {description: the system}\n    fips: {description: validated, default: false}"))
    axes = '  axes:\n    os: [{distribution: ubuntu, version: "22.04"}]'
    assert remarks(on_profile(known, axes=f"{axes}\n    fips: [true]").warnings) == []
    assert remarks(on_profile(known, axes=f"{axes}\n    fipz: [true]").warnings) == [
        "m.yaml:9:5: the axis 'fipz' makes no difference: no template, arg or condition names it [fipz] (did you mean 'fips'?)"
    ]
