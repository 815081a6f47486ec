from __future__ import annotations

import io
import json

import pytest

from matrixbuild.cli.show_problems import MOST_SHOWN, problem_text, problems_text, show_problems, wants_colour
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

    def test_so_many_and_no_more(self) -> None:
        text = problems_text([Problem(summary="s")] * (MOST_SHOWN + 7))
        assert text.splitlines()[-2:] == ["error: s", "... and 7 more"]


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
