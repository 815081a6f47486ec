from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from matrixbuild import __version__
from matrixbuild.adapters.schema_check import schema_text
from matrixbuild.cli.show_problems import MOST_SHOWN, problem_text, problems_text, show_problems, shown, wants_colour
from matrixbuild.core.problems import Place, Problem, Severity

LINE = "  axes: [os, oss]"
PROBLEM = Problem(
    summary="there is no axis 'oss'",
    place=Place(file="m.yaml", line=12, column=14, text=LINE, width=3),
    hint="did you mean 'os'?",
    code="unknown-axis",
)


class TestText:
    def test_place_line_caret_and_hint(self) -> None:
        assert problem_text(PROBLEM) == (
            "m.yaml:12:14: error: there is no axis 'oss'\n  12 |   axes: [os, oss]\n     |              ^^^\n     = hint: did you mean 'os'?\n"
        )

    def test_without_a_place(self) -> None:
        assert problem_text(Problem(summary="there is no file x", hint="name one")) == "error: there is no file x\n  hint: name one\n"

    def test_a_place_without_its_line(self) -> None:
        problem = Problem(summary="too big", place=Place(file="m.yaml", line=1), hint="split it")
        assert problem_text(problem) == "m.yaml:1:1: error: too big\n    = hint: split it\n"

    def test_a_warning_in_colour(self) -> None:
        warning = Problem(summary="odd", severity=Severity.WARNING, place=Place(file="m", line=1, column=2, text="abc", width=1))
        assert problem_text(warning, colour=True) == (
            "\x1b[1mm:1:2: \x1b[0m\x1b[33mwarning:\x1b[0m odd\n  \x1b[34m1 |\x1b[0m abc\n    \x1b[34m|\x1b[0m \x1b[33m ^\x1b[0m\n"
        )

    def test_wide_characters_take_two_columns(self) -> None:
        problem = Problem(summary="s", place=Place(file="m", line=1, column=4, text="日本: x", width=1))
        assert problem_text(problem) == "m:1:4: error: s\n  1 | 日本: x\n    |      ^\n"

    def test_a_long_line_is_cut_around_the_spot(self) -> None:
        text = problem_text(Problem(summary="s", place=Place(file="m", line=1, column=50_001, text="[" * 100_000, width=1)))
        _, line, caret = text.splitlines()
        assert line == f"  1 | …{'[' * 120}…"
        assert caret == f"    | {' ' * 61}^"

    def test_nothing_in_a_file_steers_the_terminal(self) -> None:
        problem = Problem(summary="bad \x1b[31m", place=Place(file="a\x1bb", line=1, column=1, text="x\x1b[2J\u202ey", width=1))
        assert problem_text(problem) == "a b:1:1: error: bad  [31m\n  1 | x [2J y\n    | ^\n"

    def test_a_sentence_with_a_huge_value_in_it(self) -> None:
        assert problem_text(Problem(summary="x" * 70_000, hint="y" * 70_000)) == f"error: {'x' * 1999}…\n  hint: {'y' * 1999}…\n"

    def test_so_many_and_no_more(self) -> None:
        text = problems_text([Problem(summary="s")] * (MOST_SHOWN + 7))
        assert text.splitlines()[-2:] == ["error: s", "... and 7 more"]

    def test_of_those_that_are_alike_a_few(self) -> None:
        alike = [replace(PROBLEM, summary=f"{number} is published", hint="") for number in range(5)]
        other = Problem(summary="another", place=PROBLEM.place, code="other")
        block = f"  12 | {LINE}\n     |              ^^^\n"
        assert problems_text([*alike, other]) == (
            f"m.yaml:12:14: error: 0 is published\n{block}m.yaml:12:14: error: 1 is published\n{block}m.yaml:12:14: error: 2 is published\n{block}"
            f"... and 2 more like this at m.yaml:12:14\nm.yaml:12:14: error: another\n{block}"
        )

    def test_what_each_rule_says_stands_alone(self) -> None:
        """A value of an axis may be against many of a profile's."""
        said = [replace(PROBLEM, summary=f"the rule 'R{number}' remarks on 1 cell: why", hint="", code="rule-warn") for number in range(5)]
        block = f"  12 | {LINE}\n     |              ^^^\n"
        assert problems_text(said) == "".join(f"m.yaml:12:14: error: the rule 'R{number}' remarks on 1 cell: why\n{block}" for number in range(5))

    def test_as_many_as_are_shown_are_all(self) -> None:
        assert "more" not in problems_text([PROBLEM] * 3)


class TestShow:
    def test_text_is_talk(self, capsys: pytest.CaptureFixture[str]) -> None:
        show_problems([PROBLEM])
        out, err = capsys.readouterr()
        assert (out, err) == ("", problem_text(PROBLEM))

    def test_json_is_data(self, capsys: pytest.CaptureFixture[str]) -> None:
        show_problems([PROBLEM, Problem(summary="s")], "json")
        out, err = capsys.readouterr()
        assert err == ""
        assert json.loads(out) == {
            "problems": [
                {
                    "severity": "error",
                    "code": "unknown-axis",
                    "summary": "there is no axis 'oss'",
                    "hint": "did you mean 'os'?",
                    "place": {"file": "m.yaml", "line": 12, "column": 14, "width": 3},
                },
                {"severity": "error", "code": "", "summary": "s", "hint": "", "place": None},
            ]
        }

    def test_colour_is_for_terminals(self) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        assert wants_colour(Terminal(), {})
        assert not wants_colour(Terminal(), {"NO_COLOR": "1"})
        assert not wants_colour(Terminal(), {"TERM": "dumb"})
        assert not wants_colour(io.StringIO(), {})


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, in a directory of which the program runs."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "manifests").mkdir()
    monkeypatch.chdir(tmp_path / "manifests")
    return tmp_path


WARNING = Problem(
    summary="100% odd:\r\nso, odd",
    hint="look: there",
    code="a:b,c",
    severity=Severity.WARNING,
    place=Place(file="../a,b: %.yaml", line=2, column=1, text="x", width=1),
)


class TestGithub:
    def test_annotations_name_files_as_the_repository_does(self, repository: Path) -> None:
        assert shown([PROBLEM], "github") == (
            "::error file=manifests/m.yaml,line=12,endLine=12,col=14,endColumn=17,title=matrixbuild%3A unknown-axis"
            "::there is no axis 'oss'%0Ahint: did you mean 'os'?\n"
        )

    def test_what_the_runner_would_read_otherwise_is_escaped(self, repository: Path) -> None:
        assert shown([WARNING], "github") == (
            "::warning file=a%2Cb%3A %25.yaml,line=2,endLine=2,col=1,endColumn=2,title=matrixbuild%3A a%3Ab%2Cc"
            "::100%25 odd:%0D%0Aso, odd%0Ahint: look: there\n"
        )

    def test_without_a_place_or_outside(self, repository: Path) -> None:
        assert shown([Problem(summary="s")], "github") == "::error title=matrixbuild::s\n"
        outside = Problem(summary="s", place=Place(file="/etc/m.yaml", line=1))
        assert shown([outside], "github") == "::error file=/etc/m.yaml,line=1,endLine=1,col=1,endColumn=2,title=matrixbuild::s\n"

    def test_no_value_is_a_command_of_its_own(self, repository: Path) -> None:
        evil = Problem(summary="\n::error::x", hint="\r::y", code="\n::z", place=Place(file="\n::f", line=1))
        assert shown([evil], "github").count("\n") == 1


class TestSarif:
    def test_a_run(self, repository: Path) -> None:
        outside = Problem(summary="s", code="unknown-axis", place=Place(file="/etc/a b.yaml", line=1))
        assert json.loads(shown([PROBLEM, WARNING, Problem(summary="t"), outside], "sarif")) == {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {
                        "driver": {
                            "name": "matrixbuild",
                            "semanticVersion": __version__,
                            "rules": [
                                {"id": "unknown-axis", "shortDescription": {"text": "unknown axis"}},
                                {"id": "a:b,c", "shortDescription": {"text": "a:b,c"}},
                                {"id": "problem", "shortDescription": {"text": "problem"}},
                            ],
                        }
                    },
                    "columnKind": "unicodeCodePoints",
                    "results": [
                        {
                            "ruleId": "unknown-axis",
                            "ruleIndex": 0,
                            "level": "error",
                            "message": {"text": "there is no axis 'oss' (did you mean 'os'?)"},
                            "locations": [
                                {
                                    "physicalLocation": {
                                        "artifactLocation": {"uri": "manifests/m.yaml", "uriBaseId": "%SRCROOT%"},
                                        "region": {"startLine": 12, "startColumn": 14, "endColumn": 17},
                                    }
                                }
                            ],
                        },
                        {
                            "ruleId": "a:b,c",
                            "ruleIndex": 1,
                            "level": "warning",
                            "message": {"text": "100% odd:\r\nso, odd (look: there)"},
                            "locations": [
                                {
                                    "physicalLocation": {
                                        "artifactLocation": {"uri": "a%2Cb%3A%20%25.yaml", "uriBaseId": "%SRCROOT%"},
                                        "region": {"startLine": 2, "startColumn": 1, "endColumn": 2},
                                    }
                                }
                            ],
                        },
                        {
                            "ruleId": "problem",
                            "ruleIndex": 2,
                            "level": "error",
                            "message": {"text": "t"},
                            "locations": [{"physicalLocation": {"artifactLocation": {"uri": ".", "uriBaseId": "%SRCROOT%"}}}],
                        },
                        {
                            "ruleId": "unknown-axis",
                            "ruleIndex": 0,
                            "level": "error",
                            "message": {"text": "s"},
                            "locations": [
                                {
                                    "physicalLocation": {
                                        "artifactLocation": {"uri": "file:///etc/a%20b.yaml"},
                                        "region": {"startLine": 1, "startColumn": 1, "endColumn": 2},
                                    }
                                }
                            ],
                        },
                    ],
                }
            ],
        }

    def test_nothing_to_tell_is_a_run_too(self, repository: Path) -> None:
        assert json.loads(shown([], "sarif"))["runs"][0]["results"] == []


class TestForms:
    def test_json_is_as_its_schema_says(self) -> None:
        schema = json.loads(schema_text("problems"))
        Draft202012Validator.check_schema(schema)
        assert not list(Draft202012Validator(schema).iter_errors(json.loads(shown([PROBLEM, WARNING, Problem(summary="s")], "json"))))

    def test_text_has_no_colour(self) -> None:
        assert shown([PROBLEM], "text") == problem_text(PROBLEM)

    @pytest.mark.parametrize("form", ["github", "sarif"])
    def test_what_machines_read_is_data(self, form: str, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
        show_problems([PROBLEM], form)
        assert capsys.readouterr() == (shown([PROBLEM], form), "")
