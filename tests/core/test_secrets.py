"""Every secret that a build asks for is given to its cells, and every one that is given is asked for."""

from __future__ import annotations

import pytest

from matrixbuild.core.problems import Problem
from matrixbuild.core.secrets import check_secrets
from tests.builders import reading
from tests.manifest_texts import expanded, told

TARGETS = """  targets:
    provider:
      earthly: +provider
      args: {OS: "{{ os }}", FIPS: "{{ fips }}"}
      image: {repository: "{{ registry }}/provider", tag: "{{ os }}-{{ fips }}"}"""


def problems(secrets: str, *asked: str, fips_only: bool = False) -> list[str]:
    """Where every build (or only those for fips) asks for these secrets."""
    found = expanded(targets=TARGETS, **({"secrets": f"  secrets: {secrets}"} if secrets else {}))
    assert found.problems == ()
    readings = {demand.address: reading(secrets=asked if not fips_only or "fips=true" in str(demand.cell) else ()) for demand in found.demands}
    out: list[Problem] = []
    check_secrets(found, readings, out)
    return told(tuple(out))


@pytest.mark.parametrize(
    "secrets",
    [
        "[{name: token, env: T}]",
        "[{name: token, env: T, when: {fips: true}}, {name: token, file: f, when: {fips: false}}]",
    ],
)
def test_what_is_asked_for_and_given(secrets: str) -> None:
    assert problems(secrets, "token") == []


def test_nothing_asked_and_nothing_given() -> None:
    assert problems("") == []


def test_one_for_the_cells_that_ask() -> None:
    assert problems("[{name: token, env: T, when: {fips: true}}]", "token", fips_only=True) == []


def test_one_that_nobody_gives_is_told_once() -> None:
    where = "m.yaml:13:5: provider (fips=false,os=leap-15.6) asks for the secret 'token', which spec.secrets does not give it [provider]"
    assert problems("", "token") == [f"{where} (declare it: secrets: [{{name: ..., env: ...}}])"]


def test_one_that_is_misspelt() -> None:
    asked, given = problems("[{name: tokn, env: T}]", "token")
    assert asked.endswith("asks for the secret 'token', which spec.secrets does not give it [provider] (did you mean 'tokn'?)")
    assert given == "m.yaml:17:20: no build asks for the secret 'tokn' [tokn] (did you mean 'token'?)"


def test_one_that_some_cells_are_not_given() -> None:
    hint = "(its `when` leaves the cell out: widen it, or declare another for these cells)"
    where = "m.yaml:13:5: provider (fips=false,os=leap-15.6) asks for the secret 'token', which spec.secrets does not give it [provider]"
    assert problems("[{name: token, env: T, when: {fips: true}}]", "token") == [f"{where} {hint}"]


def test_one_that_nobody_asks_for() -> None:
    assert problems("[{name: token, env: T}]") == ["m.yaml:17:20: no build asks for the secret 'token' [token] (remove it)"]


def test_one_of_two_that_no_build_of_its_cells_asks_for() -> None:
    given = "[{name: token, env: T, when: {fips: true}}, {name: token, file: f, when: {fips: false}}]"
    assert problems(given, "token", fips_only=True) == [
        "m.yaml:17:63: no build of its cells asks for the secret 'token' [token] (its `when` matches other cells alone: mend or remove it)"
    ]
