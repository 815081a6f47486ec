"""Expressions of IF and FOR, as a POSIX shell (busybox's where shells differ) answers them."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrixbuild.core.earthfile.conditions import Answer, NeedsShell, ShellSyntax, UnknownVariable, condition, items
from matrixbuild.core.earthfile.values import Value, unknown_value

TEXTS = {"A": 'x"y', "STAR": "a*b", "EMPTY": "", "SP": "two words", "N": "5", "YES": "true", "NO": "false", "V": "1.2.3", "PAREN": "("}


def lookup(name: str) -> Value | None:
    return Value(text=TEXTS[name], taint=frozenset({name.lower()})) if name in TEXTS else None


def holds(text: str) -> bool:
    return condition(text, lookup).status == 0


@pytest.mark.parametrize(
    "text",
    [
        """[ "$A" = 'x"y' ]""",
        '[ "${UNDEFINED:-d}" = "d" ]',
        '[ -z "$EMPTY" ] && [ "$YES" = "true" ]',
        '[ "$YES" = no ] || [ "$N" -eq 5 ]',
        '! [ "$NO" = "true" ]',
        "$YES",
        "true; true",
        ":",
        "$EMPTY",
        "( false || true ) && true",
        "{ false; true; }",
        "[ $((N * 2 + 1)) -eq 11 ]",
        "[ $(((1 + 2) * 3)) = 9 ]",
        "[ ${#SP} -eq 9 ]",
        '[ "${V%%.*}" = 1 ]',
        '[ "${V%.*}" = 1.2 ]',
        '[ "${V##*.}" = 3 ]',
        '[ "${V#*.}" = 2.3 ]',
        '[ "$PAREN" = "(" ]',
        "[ ! -n '' ]",
        "[ \\( a = a \\) -a b = b ]",
        "[ x = y -o x = x ]",
        "test 1 -lt 2",
        "[[ abc == a* ]]",
        "[[ abc =~ ^a.c$ ]]",
        "[[ a = b || c = c ]]",
        "[ a == a ]",
        "[ ${EMPTY:-'a b'} = 'a b' ]",
        "[ \"\\$A\" = '$A' ]",
        "[ a\\ b = 'a b' ]",
    ],
)
def test_what_holds(text: str) -> None:
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        '[ $EMPTY = "" ]',
        '[ $SP = "two words" ]',
        "[ '$SP' = \"two words\" ]",
        "$NO",
        "false",
        "[ a",
        "[ a b ]",
        "[ x -eq 1 ]",
        "[ ]",
        "true && false",
        "true; false",
        "[[ a = b && a = a ]]",
        '[[ $EMPTY = "" ]]',
        "test",
    ],
)
def test_what_does_not_hold(text: str) -> None:
    assert not holds(text)


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("[ -f /etc/passwd ]", "the file test -f"),
        ("[ a -nt b ]", "the file test -nt"),
        ("grep x /y", "the command 'grep'"),
        ("true | cat", "the shell operator |"),
        ("true > /x", "the shell operator >"),
        ("[ $(ls) ]", "a command substitution"),
        ("[ `ls` ]", "a command substitution"),
        ("X=1 true", "the assignment X=1"),
        ("if true", "the shell's 'if'"),
        ("[ $HOME = x ]", "the variable HOME, which the shell in the image sets"),
        ("[ ~ = x ]", "the variable HOME, which the shell in the image sets"),
        ("true # why", "a comment inside of the expression"),
        ("[ ${A/x/y} ]", "the expansion ${A/x/y}"),
        ("[ ${U:?} ]", "the expansion ${U:?...} of a variable that is not set"),
        ("[ $((1 / 0)) ]", "a division by zero"),
        ("[ $((1 ? 2 : 3)) ]", "'? 2 : 3' in an arithmetic expression"),
        ("[[ a = [ab] ]]", "the pattern [ab]"),
    ],
)
def test_what_only_a_shell_can_answer_is_named(text: str, missing: str) -> None:
    with pytest.raises(NeedsShell) as caught:
        condition(text, lookup)
    assert str(caught.value) == missing


def test_what_is_skipped_is_not_asked_for() -> None:
    assert holds("true || [ -f /x ]")
    assert not holds("false && grep x /y")


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ('[ "a ]', "unterminated: '\"' is missing in '[ \"a ]'"),
        ("true &&", "a command is missing at the end"),
        ("( true", "a missing )"),
        ("{ true; ", "a missing }"),
        ("true )", "unexpected ')'"),
        ("! ! true", "unexpected '!'"),
        ("", "an empty expression"),
    ],
)
def test_no_shell_text(text: str, summary: str) -> None:
    with pytest.raises(ShellSyntax) as caught:
        condition(text, lookup)
    assert str(caught.value) == summary


def test_an_answer_says_what_it_depends_on() -> None:
    assert condition('[ "$A" = "$N" ]', lookup) == Answer(status=1, taint=frozenset({"a", "n"}))
    assert condition("[ $STAR = a*b ]", lookup) == Answer(status=0, taint=frozenset({"star"}), unmatched=("a*b", "a*b"))
    assert condition("[ a == a ]", lookup).shells == ("busybox", "bash")
    assert condition("[[ a == a ]] && [ b == b ]", lookup).shells == ("busybox",)


def test_what_is_skipped_is_no_dependence() -> None:
    assert condition('[ a = b ] && [ "$A" = x ]', lookup).taint == frozenset()


def test_a_variable_of_an_unknown_image_decides_nothing() -> None:
    with pytest.raises(UnknownVariable) as caught:
        condition('[ "$X" = y ]', unknown_value)
    assert str(caught.value) == "X"


@pytest.mark.parametrize(
    ("text", "separators", "expected"),
    [
        ("1 2 3", "\n\t ", ("1", "2", "3")),
        ('"b c" $SP', "\n\t ", ("b", "c", "two", "words")),
        ('"a,b c,,d"', ",", ("a", "b c", "d")),
        ("$UNDEFINED", "\n\t ", ()),
        ("-n a", "\n\t ", ("a",)),
        ("x$SP", "\n\t ", ("xtwo", "words")),
        ("'a\nb'", "\n\t ", ("a", "b")),
    ],
)
def test_items(text: str, separators: str, expected: tuple[str, ...]) -> None:
    assert items(text, separators, lookup).items == expected


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("a; ls", "a shell operator"),
        ("*.txt", "the files of the image that match *.txt"),
        ("-e a", "the option -e of echo"),
        ("$(ls)", "a command substitution"),
    ],
)
def test_items_that_only_a_shell_can_give(text: str, missing: str) -> None:
    with pytest.raises(NeedsShell) as caught:
        items(text, " ", lookup)
    assert str(caught.value) == missing


WORDS = st.sampled_from(
    [
        "a",
        "''",
        '"$A"',
        "$SP",
        '"$SP"',
        "$EMPTY",
        "${V%.*}",
        "${UNDEFINED:-d}",
        "5",
        "$N",
        "$((N+1))",
        "=",
        "!=",
        "-eq",
        "-lt",
        "-n",
        "-z",
        "!",
        "-a",
        "-o",
        "'('",
    ]
)
TESTS = st.lists(WORDS, max_size=6).map(lambda words: f"[ {' '.join(words)} ]")
EXPRESSIONS = st.lists(st.one_of(TESTS, st.sampled_from(["true", "false", "$YES", "! $NO"])), min_size=1, max_size=3)


@pytest.mark.skipif(not shutil.which("busybox"), reason="busybox is not on PATH: nothing to compare with")
@settings(max_examples=150, deadline=None)
@given(EXPRESSIONS, st.sampled_from([" && ", " || ", "; "]))
def test_busybox_answers_alike(parts: list[str], joint: str) -> None:
    text = joint.join(parts)
    real = subprocess.run(["busybox", "sh", "-c", text], env=TEXTS, capture_output=True, check=False).returncode
    try:
        assert holds(text) == (real == 0)
    except ShellSyntax:
        assert real != 0
