"""Every secret that a build asks for is given to its cells, and every one that is given is asked for."""

from __future__ import annotations

import pytest

from matrixbuild.core.build import Build, builds
from matrixbuild.core.expand import Expansion
from matrixbuild.core.problems import InvalidError, Problem
from matrixbuild.core.secrets import check_secrets, given
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


def test_two_of_one_name_for_one_cell_are_a_mistake() -> None:
    secrets = "[{name: token, env: T, when: {os: leap-15.6}}, {name: token, file: f, when: {fips: true}}]"
    assert told(expanded(targets=TARGETS, secrets=f"  secrets: {secrets}").problems) == [
        (
            "m.yaml:17:66: two secrets are called 'token', and both are for fips=true,os=leap-15.6 [token]"
            " (the other is at m.yaml:17:20: give them `when` that no cell matches both)"
        )
    ]


def test_two_of_one_name_for_cells_of_their_own_are_none() -> None:
    secrets = "[{name: token, env: T, when: {fips: true}}, {name: token, file: f, when: {fips: false}}, {name: other, env: O}]"
    assert expanded(targets=TARGETS, secrets=f"  secrets: {secrets}").problems == ()


DOCKER = """  targets:
    base: {engine: docker, axes: [os], docker: {context: ".", secrets: [token, other]}, image: {repository: "{{ registry }}/base", tag: "{{ os }}"}}"""


def of_dockerfiles(*mounted: str, only: str = "") -> list[str]:
    """Where the Dockerfile (of one os `only`) mounts these."""
    found = expanded(targets=DOCKER, secrets="  secrets: [{name: token, env: T}, {name: other, env: O}]", axes="  axes:\n    os: [jammy, noble]")
    assert found.problems == ()
    readings = {demand.address: reading(secrets=mounted if only in str(demand.cell) else ()) for demand in found.demands}
    out: list[Problem] = []
    check_secrets(found, readings, out)
    return told(tuple(out))


def test_a_secret_that_no_dockerfile_of_a_target_mounts_is_a_mistake() -> None:
    assert of_dockerfiles("token", "other") == of_dockerfiles("token", "other", only="noble") == []
    assert of_dockerfiles("token") == [
        "m.yaml:10:80: no Dockerfile of base mounts the secret 'other' [other] (its RUN has to ask for it: --mount=type=secret,id=other; else remove it here)",
        "m.yaml:11:43: no build asks for the secret 'other' [other] (remove it)",
    ]


# What each build is given ------------------------------------------------------


def built(secrets: str, *, used: tuple[str, ...] = ("OS", "FIPS"), **parts: str) -> tuple[Expansion, tuple[Build, ...]]:
    """Builds that all ask for the token."""
    found = expanded(targets=TARGETS, secrets=f"  secrets: {secrets}", **parts)
    assert found.problems == ()
    return found, builds(found.demands, {demand.address: reading(*used, secrets=["token"]) for demand in found.demands})


def origins(found: Expansion, made: tuple[Build, ...]) -> dict[str, list[str]]:
    """By build name, the variables that the secrets come from."""
    by_key = given(found, made)
    return {build.name: [secret.env.value for secret in by_key[build.key] if secret.env] for build in made}


def test_each_build_is_given_that_of_its_cells() -> None:
    found, made = built("[{name: token, env: A, when: {fips: true}}, {name: token, env: B, when: {fips: false}}]")
    assert origins(found, made) == {build.name: ["A" if "fips=true" in build.name else "B"] for build in made}
    assert len(made) == 6


OS_ALONE = TARGETS.replace('args: {OS: "{{ os }}", FIPS: "{{ fips }}"}', 'axes: [os]\n      args: {OS: "{{ os }}"}').replace("-{{ fips }}", "")


def of_the_os(secrets: str) -> tuple[Expansion, tuple[Build, ...]]:
    """Each build is for the cells with and without fips."""
    found = expanded(targets=OS_ALONE, secrets=f"  secrets: {secrets}")
    assert found.problems == ()
    return found, builds(found.demands, {demand.address: reading("OS", secrets=["token"]) for demand in found.demands})


def test_a_target_need_not_have_the_axis_that_a_secret_is_for() -> None:
    found, made = of_the_os("[{name: token, env: A, when: {fips: true}}, {name: token, env: A, when: {fips: false}}]")
    assert origins(found, made) == {build.name: ["A"] for build in made}
    assert len(made) == 3


def test_one_build_that_would_be_given_two_secrets_of_one_name() -> None:
    found, made = of_the_os("[{name: token, env: A, when: {fips: true}}, {name: token, env: B, when: {fips: false}}]")
    with pytest.raises(InvalidError) as caught:
        given(found, made)
    (*_, first) = told(caught.value.problems)
    assert first == (
        "m.yaml:18:20: provider[os=ubuntu-24.04] is one build for several cells, and they give it different secrets called 'token' [token] "
        "(the other is in line 18: give them different versions, and there will be a build for each)"
    )


def test_builds_that_ask_for_none_are_given_none() -> None:
    found = expanded(targets=TARGETS)
    assert given(found, builds(found.demands, {demand.address: reading("OS", "FIPS") for demand in found.demands})) == {}
