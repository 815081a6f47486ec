"""The args of a call: `--X=1`, `--X 1`, escapes in names, and what is no arg."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.call_args import build_arg, flag_args, key_value, shell_command
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.values import Value
from matrixbuild.core.problems import Place

HERE = Place(file="Earthfile", line=3)


def read(*words: str) -> list[tuple[str, str]]:
    return [(name, value.text) for name, value in flag_args([Value(text=word) for word in words], HERE)]


def test_a_value_stands_behind_an_equals_sign_or_in_the_next_word() -> None:
    assert read("--X=1", "--Y", "--2", "-Z=", "--W=a=b") == [("X", "1"), ("Y", "--2"), ("Z", ""), ("W", "a=b")]


@pytest.mark.parametrize(
    ("words", "message"),
    [(("X=1",), "Earthfile:3:1: 'X=1' is not an arg"), (("--X",), "Earthfile:3:1: --X has no value")],
)
def test_what_is_no_arg_is_told(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(EarthfileError) as caught:
        read(*words)
    assert str(caught.value) == message


def test_a_backslash_in_a_name_keeps_what_is_behind_it() -> None:
    assert key_value(r"a\=b=c") == ("a=b", "c")
    assert key_value("name") == ("name", None)


def test_a_build_arg_without_value_has_the_one_it_has_here() -> None:
    here = {"X": Value(text="1")}
    assert build_arg(Value(text="Y=a=b"), here.get, HERE) == ("Y", Value(text="a=b"))
    assert build_arg(Value(text="X"), here.get, HERE) == ("X", Value(text="1"))
    with pytest.raises(EarthfileError) as caught:
        build_arg(Value(text="Z"), here.get, HERE)
    assert str(caught.value) == "Earthfile:3:1: --build-arg Z has no value, and Z has none here"


@pytest.mark.parametrize(
    ("text", "command"),
    [("--A=$(echo 1)", "echo 1"), ("A=$(x)", "x"), ("$(x)", "x"), ("--A=$(", ""), ("--A=x$(y)", None), ("--A=1", None), ("1", None), ("--A", None)],
)
def test_a_value_that_begins_with_a_command(text: str, command: str | None) -> None:
    assert shell_command(Value(text=text)) == command
