"""Words of commands: quotes, variables, the two dialects, and which overrides a value comes from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.earthfile.expansion import Dialect, ShellOut, WordError, expand, runs_a_shell
from matrixbuild.core.earthfile.values import Value, joined, unknown_value

VARIABLES = {
    "A": Value(text="1", taint=frozenset({"a"})),
    "E": Value(text=""),
    "FILE": Value(text="x.tar.gz"),
    "B": Value(text="two words", taint=frozenset({"b"})),
}


def text(word: str, dialect: Dialect = Dialect.EARTHLY) -> str:
    return expand(word, VARIABLES.get, dialect=dialect).text


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("$A", "1"),
        ("${A}b", "1b"),
        ('"$B"', "two words"),
        ("'$A'", "$A"),
        (r"\$A", "$A"),
        (r'"\$A"', "$A"),
        (r'"a\b"', r"a\b"),
        (r'"a\\b"', r"a\b"),
        (r"a\ b", "a b"),
        ('x"y z"w', "xy zw"),
        ("$UNDEFINED.", "."),
        ("${UNDEFINED:-d}", "d"),
        ("${E:-$A}", "1"),
        ("${A:+alt}", "alt"),
        ("${E:+alt}", ""),
        ("${FILE%.gz}", "x.tar"),
        ("${FILE#x.}", "tar.gz"),
        ("${FILE%.*}", "x.tar.gz"),
        ("$", "$"),
        ("a$/b", "a$/b"),
        ("$1", ""),
        (r"a\+b", "a+b"),
        ("it's'", "its"),
    ],
)
def test_a_word_is_expanded(word: str, expected: str) -> None:
    assert text(word) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("$(ls)", "$(ls)"),
        ("${UNDEFINED-d}", "d"),
        ("${A+alt}", "alt"),
        ("${E-d}", ""),
        ("${FILE%.gz}", "${FILE%.gz}"),
        ("'open", "'open"),
    ],
)
def test_before_shell_out_anywhere_docker_expands_and_an_error_changes_nothing(word: str, expected: str) -> None:
    assert text(word, Dialect.DOCKER) == expected


def test_a_reference_keeps_its_escaped_plus() -> None:
    assert expand(r"./a\+b+t", VARIABLES.get, keep_plus_escape=True).text == r"./a\+b+t"


@pytest.mark.parametrize(
    ("word", "summary", "malformed"),
    [
        ("'open", "cannot expand 'open: a single quote is never closed", True),
        ('"open', 'cannot expand "open: a double quote is never closed', True),
        ("${A:-x", "cannot expand ${A:-x: '}' is missing", True),
        ("${A:}", "cannot expand ${A:}: '}' is missing", True),
        ("${A:=x}", "cannot expand ${A:=x}: ${A:=...} is no expansion that Earthly knows", False),
        ("${", "cannot expand ${: '}' is missing", True),
        ("${}", "cannot expand ${}: the name after ${ is missing", True),
        ("$(ls", "cannot expand $(ls: ')' is missing", True),
        ("$('ls)", "cannot expand $('ls): a quote inside of $(...) is never closed", True),
        ("${A:!x}", "cannot expand ${A:!x}: ${A:!...} is no expansion that Earthly knows", False),
        ("${A-x}", "cannot expand ${A-x}: ${A-...} is no expansion that Earthly knows", False),
        ("${U?}", "cannot expand ${U?}: U is not set", False),
        ("${E:?give it}", "cannot expand ${E:?give it}: E is not set or empty (give it)", False),
    ],
)
def test_a_word_that_cannot_be_expanded_says_why(word: str, summary: str, malformed: bool) -> None:
    with pytest.raises(WordError) as caught:
        text(word)
    assert (str(caught.value), caught.value.malformed) == (summary, malformed)


@pytest.mark.parametrize(
    ("word", "command"),
    [("$(ls -l)", "ls -l"), ("x$(a (b) ')')", "a (b) ')'"), (r"$(a \) b)", r"a \) b"), ("$HOME", "echo $HOME"), ("${PATH:-x}", "echo $PATH")],
)
def test_a_shell_out_names_its_command(word: str, command: str) -> None:
    with pytest.raises(ShellOut) as caught:
        text(word)
    assert caught.value.command == command


def test_home_is_no_shell_out_where_it_is_defined_or_before_shell_out_anywhere() -> None:
    assert expand("$HOME", {"HOME": Value(text="/h")}.get).text == "/h"
    assert text("$HOME", Dialect.DOCKER) == ""


@pytest.mark.parametrize(
    ("word", "taint"),
    [("$A$B", {"a", "b"}), ("${A:-$B}", {"a"}), ("${U:-$B}", {"b"}), ("${A:+$B}", {"a", "b"}), ("'$A'", set()), ("${B%$A}", {"a", "b"})],
)
def test_a_value_knows_the_overrides_it_comes_from(word: str, taint: set[str]) -> None:
    assert expand(word, VARIABLES.get).taint == taint


def test_an_unknown_variable_leaves_a_marker_that_nothing_expands_away() -> None:
    def lookup(name: str) -> Value:
        return unknown_value(name)

    value = expand("a-${X:-default}", lookup)
    assert (value.text, value.unknown) == ("a-\N{REPLACEMENT CHARACTER}X\N{REPLACEMENT CHARACTER}", "X")
    assert joined((value, Value(text="b"))).unknown == "X"


@pytest.mark.parametrize(("word", "expected"), [("$A", False), ("$(ls)", True), ("'open", True), ("'$(ls)'", False)])
def test_whether_a_word_runs_a_shell(word: str, expected: bool) -> None:
    assert runs_a_shell(word) is expected


@given(st.text())
def test_single_quotes_keep_any_text(anything: str) -> None:
    plain = anything.replace("'", "").replace("\\", "")
    assert text(f"'{plain}'") == plain


@given(st.text(alphabet="ab $'\"\\{}:-%#()+", max_size=12))
def test_any_word_is_expanded_or_refused(word: str) -> None:
    try:
        expand(word, VARIABLES.get)
    except (WordError, ShellOut):
        return


@given(st.text(alphabet="ab $'\"\\{}:-%#()+", max_size=12))
def test_the_old_dialect_never_refuses(word: str) -> None:
    expand(word, VARIABLES.get, dialect=Dialect.DOCKER)
