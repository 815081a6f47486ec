"""What a range of versions was pinned to goes before the catalog, as far as it is still in the range."""

from __future__ import annotations

import pytest

from matrixbuild.core.catalogs import Catalog
from matrixbuild.core.declared import DeclaredValue, Newest, Text, Version
from matrixbuild.core.picks import Picker, Pinned
from matrixbuild.core.problems import Problem, Severity
from matrixbuild.core.versions import Scheme
from tests.builders import place

CATALOG = Catalog(file="versions.json", plain={"k3s": ("1.29.1", "1.30.1", "1.30.2", "1.31.1")})


def values(
    pick: Version, pinned: Pinned, *, effects: dict[str, str] | None = None, distribution: str = "k3s", catalog: Catalog = CATALOG
) -> tuple[list[str], Picker, list[Problem]]:
    declared = DeclaredValue(place=place(), fields=(("distribution", Text(value=distribution, place=place())),), versions=(pick,), version_at=1)
    picker, problems = Picker(axis="kubernetes", catalog=catalog, pinned=pinned, effects=effects or {}), list[Problem]()
    found = [value.text for value, _ in picker.values("kubernetes", Scheme.SEMVER, declared, problems)]
    return found, picker, problems


def written(text: str) -> Text:
    return Text(value=text, place=place())


@pytest.mark.parametrize(
    ("pick", "pinned", "found"),
    [
        (written("1.30.x"), {}, ["k3s-1.30.1", "k3s-1.30.2"]),
        (written("1.30.x"), {"k3s 1.30.x": ("1.30.1",)}, ["k3s-1.30.1"]),
        (written("1.30.x"), {"k3s 1.31.x": ("1.31.1",)}, ["k3s-1.30.1", "k3s-1.30.2"]),
        (written("1.30.x"), {"k3s 1.30.x": ("1.29.1",)}, ["k3s-1.30.1", "k3s-1.30.2"]),
        (written("1.30.x"), {"k3s 1.30.x": ("1.29.1", "1.30.1")}, ["k3s-1.30.1"]),
        (written("1.30.x"), {"k3s 1.30.x": ()}, ["k3s-1.30.1", "k3s-1.30.2"]),
        (Newest(count=1, of=None, place=place()), {"k3s latest 1": ("1.30.2",)}, ["k3s-1.30.2"]),
        (Newest(count=1, of=None, place=place()), {}, ["k3s-1.31.1"]),
    ],
)
def test_a_pin_that_answers_stays_though_the_catalog_has_more(pick: Version, pinned: Pinned, found: list[str]) -> None:
    texts, picker, problems = values(pick, pinned)
    assert (texts, problems) == (found, [])
    assert list(picker.resolved.values()) == [tuple(text.removeprefix("k3s-") for text in found)]


@pytest.mark.parametrize(
    ("of", "pinned", "found", "told"),
    [
        (None, {}, ["1.29.1", "1.30.2", "1.31.1"], "k3s latest 4 comes to 3 versions, not 4"),
        ("1.30.x", {}, ["1.30.2"], "k3s latest 4 of 1.30.x comes to 1 version, not 4"),
        (None, {"k3s latest 4": ("1.30.1", "1.31.1")}, ["1.30.1", "1.31.1"], "k3s latest 4 is pinned to 2 versions, not 4"),
    ],
)
def test_fewer_minors_than_were_asked_for_are_a_warning(of: str | None, pinned: Pinned, found: list[str], told: str) -> None:
    texts, _, (problem,) = values(Newest(count=4, of=written(of) if of else None, place=place()), pinned)
    assert texts == [f"k3s-{version}" for version in found]
    hint = f"that is {', '.join(found)}"
    summary = f"kubernetes: {told}"
    assert problem == Problem(summary=summary, place=place(), hint=hint, code="version-range", severity=Severity.WARNING)


def test_what_is_pinned_and_no_longer_listed_is_told() -> None:
    _, _, problems = values(written("1.30.x"), {"k3s 1.30.x": ("1.30.1", "1.30.9")})
    (problem,) = problems
    assert str(problem) == "manifests/edge.yaml:1:1: versions.json lists no k3s 1.30.9"
    anew = "it is pinned for `k3s 1.30.x`: `matrixbuild lock update --versions` resolves that anew"
    assert problem.hint == f"{anew}; `override: {{R04: warn}}` of the profile lets it pass"


def test_a_profile_may_be_told_to_let_it_pass_or_to_drop_it_and_the_pin_stays() -> None:
    pinned = {"k3s 1.30.x": ("1.30.1", "1.30.9")}
    texts, picker, problems = values(written("1.30.x"), pinned, effects={"R04": "warn"})
    assert (texts, [problem.severity for problem in problems]) == (["k3s-1.30.1", "k3s-1.30.9"], [Severity.WARNING])
    assert picker.resolved == pinned
    texts, picker, problems = values(written("1.30.x"), pinned, effects={"R04": "drop"})
    assert (texts, problems, picker.resolved) == (["k3s-1.30.1"], [], pinned)


@pytest.mark.parametrize(
    ("version", "hint"),
    [
        ("1.30", "write 1.30.x for 1.30.1, 1.30.2"),
        ("1", "write 1.x for 1.29.1, 1.30.1, 1.30.2, 1.31.1"),
        ("v1.30.1", "did you mean '1.30.1'?"),
        ("1.30.1 ", "did you mean '1.30.1'?"),
        ("1.30.9", "of 1.30 there are 1.30.1, 1.30.2"),
        ("1.99.1", "there are 1.29.1, 1.30.1, 1.30.2, 1.31.1"),
        ("latest", "write versions: {latest: 1}"),
        ("all", "write versions: all"),
    ],
)
def test_a_version_that_is_not_listed_comes_with_what_was_probably_meant(version: str, hint: str) -> None:
    _, _, problems = values(written(version), {})
    assert [problem.hint for problem in problems] == [f"{hint}; `override: {{R04: warn}}` of the profile lets it pass"]


def test_a_range_in_the_place_of_one_version() -> None:
    declared = DeclaredValue(place=place(), fields=(("distribution", written("k3s")), ("version", written("1.30.x"))))
    problems: list[Problem] = []
    list(Picker(axis="kubernetes", catalog=CATALOG).values("kubernetes", Scheme.SEMVER, declared, problems))
    assert [problem.hint for problem in problems] == [
        'a range stands in the list of an axis value: versions: ["1.30.x"]; `override: {R04: warn}` of the profile lets it pass'
    ]


@pytest.mark.parametrize(
    "fields",
    [
        (("distribution", "k3s"), ("version", "1.30.1")),
        (("version", "1.30.1"), ("distribution", "k3s")),
        (("channel", "edge"), ("version", "1.30.1"), ("distribution", "k3s")),
        (("version", "1.30.1"), ("flavour", "k3s")),
    ],
)
def test_the_order_of_the_fields_makes_no_difference(fields: tuple[tuple[str, str], ...]) -> None:
    declared = DeclaredValue(place=place(), fields=tuple((name, written(text)) for name, text in fields))
    problems: list[Problem] = []
    found = [value.text for value, _ in Picker(axis="kubernetes", catalog=CATALOG).values("kubernetes", Scheme.SEMVER, declared, problems)]
    assert (found, problems) == (["-".join(text for _, text in fields)], [])


def test_of_very_many_that_begin_with_it_the_number_is_told() -> None:
    many = Catalog(file="versions.json", plain={"k3s": tuple(f"1.30.{patch}" for patch in range(9))})
    _, _, [problem] = values(written("1.30"), {}, catalog=many)
    assert problem.hint.startswith("write 1.30.x for all 9 that begin with it; ")


@pytest.mark.parametrize(("name", "hint"), [("K3S", "did you mean 'k3s'?"), ("k3", "did you mean 'k3s'?"), ("eksd-hybrid", "it lists k3s")])
def test_a_distribution_that_is_not_listed(name: str, hint: str) -> None:
    _, _, [problem] = values(written("1.30.1"), {}, distribution=name)
    assert problem.summary == f"versions.json lists no kubernetes {name!r}"
    assert problem.hint.startswith(f"{hint}; ")
