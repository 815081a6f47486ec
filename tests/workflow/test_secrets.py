"""Before anything starts every secret of the builds is there, or all that are missing are told at once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from matrixbuild.core.build import Build, builds
from matrixbuild.core.exit_codes import ExitCode
from matrixbuild.core.expand import Expansion
from matrixbuild.core.problems import UnusableError
from matrixbuild.workflow.secrets import secrets_of
from tests.builders import reading
from tests.manifest_texts import expanded, told

TARGETS = """  targets:
    provider:
      earthly: +provider
      args: {OS: "{{ os }}", FIPS: "{{ fips }}"}
      image: {repository: "{{ registry }}/provider", tag: "{{ os }}-{{ fips }}"}"""
VALUE = "hunter2-Zk9"


def built(secrets: str, *asked: str, **parts: str) -> tuple[Expansion, tuple[Build, ...]]:
    found = expanded(**{"targets": TARGETS, "secrets": f"  secrets: {secrets}", **parts})
    assert found.problems == ()
    return found, builds(found.demands, {demand.address: reading("OS", "FIPS", secrets=asked) for demand in found.demands})


def test_each_build_has_its_values(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file\n")
    file, env = "{name: key, file: key, when: {fips: true}}", "{name: key, env: KEY, when: {fips: false}}"
    found, made = built(f"[{file}, {env}, {{name: token, env: TOKEN}}]", "key", "token")
    secrets = secrets_of(found, made, tmp_path, {"KEY": "from outside", "TOKEN": VALUE})
    assert {build.name: secrets.of(build.key) for build in made} == {
        build.name: (("key", "from a file\n" if "fips=true" in build.name else "from outside"), ("token", VALUE)) for build in made
    }
    assert VALUE not in f"{secrets!r} {secrets!s} {vars(secrets)!r}"


def test_a_command_runs_once_for_all_builds(tmp_path: Path) -> None:
    program = "open('runs', 'a').write('x'); print('printed')"
    found, made = built(f'[{{name: token, command: ["{sys.executable}", -c, "{program}"]}}]', "token")
    secrets = secrets_of(found, made, tmp_path, {})
    assert {secrets.of(build.key) for build in made} == {(("token", "printed\n"),)}
    assert (tmp_path / "runs").read_text() == "x"


def test_what_no_build_of_these_needs_is_not_looked_for(tmp_path: Path) -> None:
    found, made = built("[{name: token, env: TOKEN}, {name: other, file: nowhere}]", "token")
    assert secrets_of(found, made, tmp_path, {"TOKEN": VALUE}).of(made[0].key) == (("token", VALUE),)
    assert secrets_of(found, (), tmp_path, {}).of(made[0].key) == ()


def test_all_that_are_missing_are_told_with_the_builds_that_need_them(tmp_path: Path) -> None:
    file, env = "{name: key, file: k/key, when: {fips: true}}", "{name: key, env: KEY, when: {fips: false}}"
    found, made = built(f"[{file}, {env}, {{name: ok, env: OK}}]", "key", "ok")
    with pytest.raises(UnusableError) as caught:
        secrets_of(found, made, tmp_path, {"OK": VALUE})
    names = {fips: ", ".join(build.name for build in made if f"fips={fips}" in build.name) for fips in ("true", "false")}
    unreadable = "cannot read k/key: No such file or directory [key] (the path of a secret is relative to the manifest that names it)"
    unset = "KEY is not in the environment [key] (export KEY before the run)"
    assert sorted(told(caught.value.problems)) == [
        f"m.yaml:17:20: the secret 'key', which {names['true']} need, cannot be had: {unreadable}",
        f"m.yaml:17:66: the secret 'key', which {names['false']} need, cannot be had: {unset}",
    ]
    assert names["true"] == "provider[fips=true,os=leap-15.6], provider[fips=true,os=ubuntu-22.04], provider[fips=true,os=ubuntu-24.04]"
    assert caught.value.exit_code is ExitCode.UNUSABLE
    assert VALUE not in f"{caught.value!r} {caught.value}"


def test_one_build_needs_it(tmp_path: Path) -> None:
    found, made = built("[{name: token, env: TOKEN}]", "token")
    with pytest.raises(UnusableError) as caught:
        secrets_of(found, made[:1], tmp_path, {})
    assert caught.value.problems[0].summary == (
        "the secret 'token', which provider[fips=false,os=leap-15.6] needs, cannot be had: TOKEN is not in the environment"
    )


def test_of_very_many_builds_some_are_named(tmp_path: Path) -> None:
    versions = ", ".join(f'"{number}.04"' for number in range(10, 16))
    axes = f"  axes:\n    os: [{{distribution: ubuntu, versions: [{versions}]}}]\n    fips: [false, true]"
    found, made = built("[{name: token, env: TOKEN}]", "token", axes=axes)
    with pytest.raises(UnusableError) as caught:
        secrets_of(found, made, tmp_path, {})
    named = ", ".join(build.name for build in made[:10])
    assert caught.value.problems[0].summary == f"the secret 'token', which {named} and 2 more need, cannot be had: TOKEN is not in the environment"


@pytest.mark.parametrize(("value", "has"), [("", "is empty"), ("abc", "has 3 characters"), (" a \n", "has 1 character")])
def test_one_that_could_not_be_masked_is_refused(tmp_path: Path, value: str, has: str) -> None:
    found, made = built("[{name: token, env: TOKEN}]", "token")
    with pytest.raises(UnusableError, match=f"^the secret 'token' {has}, so it cannot be masked where it is printed$"):
        secrets_of(found, made, tmp_path, {"TOKEN": value})
