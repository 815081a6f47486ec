"""`.arg` files as Earthly reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.earthfile.argfile import ArgFileProblem, parse_arg_file


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\nB=2\n", {"A": "1", "B": "2"}),
        ("A=1", {"A": "1"}),
        ("", {}),
        ('A="quoted value"\n# comment\nC=c\n', {"A": "quoted value", "C": "c"}),
        ("A= spaced out  # why\n", {"A": "spaced out"}),
        ("A=a#b\n", {"A": "a#b"}),
        ("export A=1\n", {"A": "1"}),
        ("A: yaml\n", {"A": "yaml"}),
        ("A=\nB=2\n", {"A": "", "B": "2"}),
        ("A=1\nB=$A-${A}\n", {"A": "1", "B": "1-1"}),
        ("A=1\nB='$A'\n", {"A": "1", "B": "$A"}),
        ('A="a\\nb"\n', {"A": "a\nb"}),
        ('A="q\\"q"\n', {"A": 'q"q'}),
        ("A='a\nb'\n", {"A": "a\nb"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=1\nA=2\n", {"A": "2"}),
        ("A=\\$X\n", {"A": "$X"}),
        ("A=$(x)\n", {"A": "(x)"}),
    ],
)
def test_variables(text: str, expected: dict[str, str]) -> None:
    assert parse_arg_file(text) == expected


@pytest.mark.parametrize(
    ("text", "line", "summary"),
    [
        ("A=1\nB C\n", 2, "'B C' is not NAME=value"),
        ("A-B=1\n", 1, "'A-B=1' is not NAME=value"),
        ('\n\nA="open\n', 3, "the quote that opens '\"open' is never closed"),
    ],
)
def test_lines_that_are_no_assignment(text: str, line: int, summary: str) -> None:
    with pytest.raises(ArgFileProblem) as caught:
        parse_arg_file(text)
    assert (caught.value.line, caught.value.summary) == (line, summary)


@given(st.text(alphabet="AB=:'\"\\$ \n#{}x", max_size=20))
def test_any_text_is_read_or_refused_in_one_of_its_lines(text: str) -> None:
    try:
        parse_arg_file(text)
    except ArgFileProblem as problem:
        line = problem.line
    else:
        line = 1
    assert line in range(1, text.count("\n") + 2)
