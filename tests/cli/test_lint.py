from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from matrixbuild.adapters.schema_check import schema_text
from matrixbuild.cli import lint
from matrixbuild.cli.show_lint import lint_text
from matrixbuild.core.earthfile.linting import RULES
from matrixbuild.core.earthfile.linting_findings import Kind
from matrixbuild.core.problems import InvalidError, UsageError
from matrixbuild.workflow.linting import lint_paths
from tests.checkout import ROOT
from tests.cli.verbs import run_verb

WRONG = "VERSION 0.8\nmain:\n  FROM --platform=linux/arm64 alpine:$TAG\n  ARG TAG\n  SAVE IMAGE --push r.example.com/main:$TAG\n"
BROKEN = "VERSION 0.8\nmain:\n  IF true\n"
EARLY = "TAG is empty here, whatever it is given: its ARG comes later, in line 4"
LISTED = "--platform makes the image of +main a manifest list, even of one platform"
LISTED_HINT = "that is right for several platforms; for one, write SAVE IMAGE --no-manifest-list (VERSION 0.7)"
SCHEMA = json.loads(schema_text("lint"))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory to stand in, so that messages name files as a person does."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Earthfile").write_text(WRONG)
    return tmp_path


def test_each_finding_with_its_line_and_what_to_do(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_verb(lint, "Earthfile") == 0
    assert capsys.readouterr() == (
        (
            f"Earthfile:3:3: warning: {EARLY}\n"
            "  3 |   FROM --platform=linux/arm64 alpine:$TAG\n"
            "    |   ^^^^\n"
            "    = hint: move ARG TAG above its first use\n"
            f"Earthfile:3:3: remark: {LISTED}\n"
            "  3 |   FROM --platform=linux/arm64 alpine:$TAG\n"
            "    |   ^^^^\n"
            f"    = hint: {LISTED_HINT}\n"
            "Earthfile: 1 warning, 1 remark\n"
        ),
        "",
    )


def test_an_earthfile_without_a_fault(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "Earthfile").write_text("VERSION 0.8\nmain:\n  FROM alpine\n")
    assert run_verb(lint, "Earthfile", "--detailed-exitcode") == 0
    assert capsys.readouterr() == ("Earthfile: nothing to tell\n", "")


def test_warnings_end_with_2_only_where_one_asks_for_it(project: Path) -> None:
    assert run_verb(lint, "Earthfile", "--detailed-exitcode") == 2
    assert run_verb(lint, "Earthfile", "--detailed-exitcode", "--ignore", "early-use") == 0


def test_an_earthfile_that_cannot_be_read(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "lib").mkdir()
    (project / "lib" / "Earthfile").write_text(BROKEN)
    assert run_verb(lint, ".", "--ignore", "manifest-list", "--detailed-exitcode") == 3
    out, err = capsys.readouterr()
    assert err.startswith("lib/Earthfile:4:1: error: ")
    assert out.endswith("Earthfile: 1 warning\n")


def test_as_json_it_is_what_the_schema_says(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "build.earth").write_text(BROKEN)
    assert run_verb(lint, "Earthfile", "build.earth", "--format", "json") == 3
    found = json.loads(capsys.readouterr().out)
    Draft202012Validator(SCHEMA).validate(found)
    place = {"file": "Earthfile", "line": 3, "column": 3, "width": 4}
    assert found["earthfiles"] == [
        {"file": "Earthfile", "valid": True, "warnings": 1, "remarks": 1},
        {"file": "build.earth", "valid": False, "warnings": 0, "remarks": 0},
    ]
    assert found["findings"][0] == {
        "rule": "early-use",
        "kind": "trap",
        "severity": "warning",
        "summary": EARLY,
        "hint": "move ARG TAG above its first use",
        "place": place,
        "runs": None,
        "targets": [],
    }
    assert [(problem["severity"], problem["code"]) for problem in found["problems"]] == [("error", "syntax")]


def test_github_and_sarif_call_a_remark_a_note(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_verb(lint, "Earthfile", "--format", "github") == 0
    assert capsys.readouterr().out == (
        "::warning file=Earthfile,line=3,endLine=3,col=3,endColumn=7,title=matrixbuild%3A early-use::"
        f"{EARLY}%0Ahint: move ARG TAG above its first use\n"
        f"::notice file=Earthfile,line=3,endLine=3,col=3,endColumn=7,title=matrixbuild%3A manifest-list::{LISTED}%0Ahint: {LISTED_HINT}\n"
    )
    assert run_verb(lint, "Earthfile", "--format", "sarif") == 0
    results = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    assert [(result["ruleId"], result["level"]) for result in results] == [("early-use", "warning"), ("manifest-list", "note")]


def test_colour_tells_a_remark_from_a_warning(project: Path) -> None:
    shown = lint_text(lint_paths([Path("Earthfile")]), colour=True)
    assert "\x1b[33mwarning:\x1b[0m" in shown
    assert "\x1b[34mremark:\x1b[0m" in shown


def test_the_page_tells_of_each_rule(project: Path) -> None:
    told = re.findall(r"^\| `([a-z-]+)` \|", (ROOT / "docs" / "lint.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert told == [rule.name for kind in Kind for rule in RULES if rule.kind is kind]


def test_what_is_not_there(project: Path) -> None:
    (project / "empty").mkdir()
    with pytest.raises(InvalidError, match=r"^there is no file Earthfil$"):
        run_verb(lint, "Earthfil")
    with pytest.raises(InvalidError, match=r"^there is no Earthfile in empty$"):
        run_verb(lint, "empty")
    with pytest.raises(UsageError, match=r"^lint has no rule 'early-uses'$") as raised:
        run_verb(lint, "Earthfile", "--ignore", "early-uses")
    assert raised.value.problems[0].hint == "did you mean 'early-use'?"
