"""`explain --failure`: a recorded attempt, classified, as a person and as a program see it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from matrixbuild.cli import explain
from matrixbuild.core.problems import InvalidError, UsageError
from tests import transcripts
from tests.cli.verbs import run_verb
from tests.projects import small_project

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "explain.schema.json").read_text(encoding="utf-8"))

MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: small}
spec:
  source: {path: src}
  registry: registry.example.com/edge
  axes: {os: [jammy]}
  targets: {image: {earthly: +image, image: {repository: "{{ registry }}/{{ os }}", tag: "1"}}}
  schedule: {retry: {patterns: [{match: 'not supported with FIPS', class: auth, hint: 'ask for a licence'}]}}
"""


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return transcripts.unpacked(tmp_path_factory.mktemp("transcripts"))


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run_verb(explain, *words) == 0
    return capsys.readouterr().out


def subject(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    found = json.loads(shown(capsys, *words, "--format", "json"))
    Draft202012Validator(SCHEMA).validate(found)
    [one] = found["subjects"]
    assert isinstance(one, dict)
    return {"name": found["name"], **one}


GUARD = """\
guard, not tried again
Earthfile:6:5: +app: RUN echo "ERROR: arm64 is not supported with FIPS"; exit 1 ended with exit code 1, as it refuses what it was given
  | ERROR: arm64 is not supported with FIPS
"""


def test_a_person(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "--failure", str(recorded / "earthly/guard")) == GUARD
    assert shown(capsys, "--failure", str(recorded / "earthbuild/guard")) == GUARD
    assert shown(capsys, "--failure", str(recorded / "earthly/success-push")) == "success\n"
    assert shown(capsys, "--failure", str(recorded / "earthly/missing-secret")) == (
        'auth, not tried again\nEarthfile:4:3: +app: unable to lookup secret "TOKEN": not found\n'
        "  hint: declare the secret in spec.secrets, or give it its value\n"
    )


def test_a_program(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = str(recorded / "earthly/push-429-forever")
    found = subject(capsys, "--failure", case)
    assert (found["name"], found["attempt"], found["class"], found["retry"], found["host"]) == ("", case, "registry", True, "127.0.0.1:5098")
    fine = subject(capsys, "--failure", str(recorded / "earthly/success-push"))
    assert (fine["class"], fine["retry"], fine["summary"], fine["decisive"]) == ("success", False, "", [])


def test_the_patterns_of_a_manifest(recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = str(small_project(tmp_path, manifest=MANIFEST, files={}).manifest)
    found = subject(capsys, "--failure", str(recorded / "earthly/guard"), manifest)
    assert (found["name"], found["class"], found["retry"], found["hint"]) == ("small", "auth", False, "ask for a licence")


def test_a_manifest_may_have_tried_again_what_is_not_by_itself(recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = small_project(tmp_path, manifest=MANIFEST.replace("retry: {", "retry: {on: {auth: true}, "), files={}).manifest
    assert subject(capsys, "--failure", str(recorded / "earthly/guard"), str(manifest))["retry"] is True


def test_what_is_no_attempt(tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match="is not the directory of an attempt: there is no file exit"):
        run_verb(explain, "--failure", str(tmp_path))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "explain needs a manifest"),
        (("--failure", "x", "m.yaml", "os=jammy"), "--failure is about an attempt, which has no subject and no --arg"),
        (("--failure", "x", "--arg", "A=b"), "--failure is about an attempt, which has no subject and no --arg"),
    ],
)
def test_words_that_do_not_go_together(words: tuple[str, ...], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        run_verb(explain, *words)
    assert [problem.summary for problem in caught.value.problems] == [told]
