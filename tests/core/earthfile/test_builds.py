"""BUILD and DO: combinations of args, quoting, frames of functions, and BUILDs that Earthly converts ahead of their turn."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.builds import combinations
from matrixbuild.core.earthfile.values import Value
from tests.core.earthfile.evaluating import env, evaluated, refused, saved

T = "t:\n  ARG X=default\n  ARG Y\n  ENV R=[$X][$Y]\n  SAVE IMAGE --push reg.test/a:$X-$Y\n"


def built(build: str, *, version: str = "0.8") -> list[str]:
    found = saved(evaluated(f"VERSION {version}\nFROM scratch\nmain:\n  ARG V=v\n  {build}\n{T}"))
    return [name.partition(":")[2] for name in found]


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        ("BUILD +t --X=1 --X=2 --Y=a --Y=b", ["1-a", "1-b", "2-a", "2-b"]),
        ("BUILD +t --X 1 --Y=2", ["1-2"]),
        ("BUILD --build-arg X=1 --build-arg Y=2 +t", ["1-2"]),
        ("BUILD +t --X=$V", ["v-"]),
        ("BUILD +t --Y=1", ["default-1"]),
    ],
)
def test_args(build: str, expected: list[str]) -> None:
    assert built(build) == expected


def test_a_build_arg_without_value_is_the_callers() -> None:
    text = "VERSION 0.8\nFROM scratch\nmain:\n  ARG X=mine\n  FROM --build-arg X +t\nt:\n  ARG X\n  ENV R=$X\n"
    assert env(text) == {"R": "mine"}


@pytest.mark.parametrize(
    ("arg", "expected"),
    [("$V", 'a b$c"d'), ('"$V"', 'a b$c"d'), ("'$V'", "$V"), ('pre-"$V"-post', 'pre-a b$c"d-post'), (r"\$V", "$V"), ('{"j":1}', "{j:1}"), ("", "")],
)
def test_quoting(arg: str, expected: str) -> None:
    text = f"VERSION 0.8\nFROM scratch\nmain:\n  ARG V='a b$c\"d'\n  FROM +t --X={arg}\nt:\n  ARG X=default\n  ENV R=$X\n"
    assert env(text) == {"R": expected}


def test_combinations_of_no_args_are_one() -> None:
    assert list(combinations([])) == [()]
    two = [("A", Value(text="1")), ("B", Value(text="x")), ("A", Value(text="2"))]
    assert [[value.text for _, value in each] for each in combinations(two)] == [["1", "x"], ["2", "x"]]


@pytest.mark.parametrize(
    ("build", "fault", "summary"),
    [
        ("BUILD", "invalid-arg", "BUILD names no target"),
        ("BUILD +t --X", "invalid-arg", "--X has no value"),
        ("BUILD +t X=1", "invalid-arg", "'X=1' is not an arg"),
        ("BUILD +t --TARGETARCH=1", "builtin-arg", "TARGETARCH is a built-in ARG and cannot be passed"),
        ("BUILD --build-arg NONE +t", "invalid-arg", "--build-arg NONE has no value, and NONE has none here"),
        ("BUILD nope+t", "unknown-target", "nope of nope+t is no IMPORT of this Earthfile"),
        ("BUILD ../x+t", "unknown-target", "'../x' leads out of the checkout"),
        ("BUILD --platform=linux/x/y/z +t", "invalid-arg", "'linux/x/y/z' is not a platform such as linux/amd64"),
        ("BUILD --auto-skip +t", "feature-gate", "BUILD --auto-skip needs the feature --build-auto-skip, which VERSION 0.8 does not turn on"),
        ("BUILD ./*+t", "feature-gate", "a wildcard in a BUILD needs the feature --wildcard-builds, which VERSION 0.8 does not turn on"),
        ("DO +NOPE", "unknown-target", "there is no function +NOPE"),
        (
            "DO +t",
            "invalid-arg",
            "'t' cannot be referred to: a function's name is an upper-case letter, then upper-case letters, digits, '.' and '_'",
        ),
    ],
)
def test_what_is_refused(build: str, fault: str, summary: str) -> None:
    found = refused(f"VERSION 0.8\nFROM scratch\nmain:\n  {build}\n{T}")
    assert found[:2] == (fault, f"Earthfile:4:3: {summary}")


@pytest.mark.parametrize("command", ["BUILD +t --A=$(x)", "BUILD +t --A $(x)", "BUILD --build-arg A=$(x) +t", "FROM +t --A='$(x)'", "DO +F --A=$(x)"])
def test_before_0_7_an_arg_that_begins_with_a_command_is_run(command: str) -> None:
    text = f"VERSION 0.6\nFROM busybox\nmain:\n  {command}\nt:\n  ENV A=1\nF:\n  COMMAND\n  ENV A=1\n"
    assert refused(text)[:2] == ("needs-earthly", "Earthfile:4:3: $(x) runs a shell in the image, which only Earthly can do")


def test_pass_args_is_of_0_8() -> None:
    assert refused("VERSION 0.7\nFROM scratch\nmain:\n  BUILD --pass-args +t\n" + T)[:2] == (
        "feature-gate",
        "Earthfile:4:3: BUILD --pass-args needs the feature --pass-args, which VERSION 0.7 does not turn on",
    )


# Functions -------------------------------------------------------------------

FUNCTION = """
VERSION 0.8
ARG --global G=glob
FROM scratch
FN:
  FUNCTION
  ARG X=fnX
  ARG CALLER=notseen
  LET L=fnlet
  ENV F=[$X][$G][$CALLER]
main:
  ARG X=callerX
  ARG CALLER=caller
  LET L=callerlet
  {do}
  ENV A=[$X][$L]
"""


@pytest.mark.parametrize(
    ("do", "seen"),
    [("DO +FN", "[fnX][glob][notseen]"), ("DO +FN --X=1", "[1][glob][notseen]"), ("DO --pass-args +FN", "[callerX][glob][caller]")],
)
def test_a_function_has_a_frame_of_its_own(do: str, seen: str) -> None:
    assert env(FUNCTION.format(do=do)) == {"F": seen, "A": "[callerX][callerlet]"}


def test_a_function_of_another_directory_sees_its_globals_and_its_caller_s_files() -> None:
    sub = "VERSION 0.8\nARG --global G=sub\nFROM scratch\nFN:\n  FUNCTION\n  ENV F=[$G]\n  COPY f /f\n"
    found = evaluated("VERSION 0.8\nIMPORT ./sub\nFROM scratch\nmain:\n  DO sub+FN\n", files={"sub/Earthfile": sub}, args={"G": "cli"})
    assert dict(found.image.config.env)["F"] == "[cli]"
    tree = found.image.tree
    assert [source.directory for source in tree.sources] == [""]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("version", "keyword", "fault"),
    [
        ("0.8", "COMMAND", "feature-gate"),
        ("0.7", "FUNCTION", "feature-gate"),
        ("0.8", "FUNCTION x", "invalid-arg"),
        ("0.8", "ENV A=1", "feature-gate"),
    ],
)
def test_how_a_function_begins(version: str, keyword: str, fault: str) -> None:
    assert refused(f"VERSION {version}\nFROM scratch\nFN:\n  {keyword}\nmain:\n  DO +FN\n")[0] == fault


def test_the_keyword_of_functions_stands_in_no_target() -> None:
    assert refused("VERSION 0.8\nFROM scratch\nmain:\n  FUNCTION\n")[:2] == ("feature-gate", "Earthfile:4:3: FUNCTION stands in a target")


# Ahead of their turn ---------------------------------------------------------

AHEAD = "Earthly converts a BUILD before the commands above it, back to the last ARG, LET, SET or FROM, set variables: use ARG or LET"


def test_a_build_fails_where_its_conversion_ahead_fails() -> None:
    text = "VERSION 0.8\nFROM scratch\nmain:\n  {0} X=1\n  BUILD +t --A=$X\nt:\n  ARG --required A\n  ENV R=$A\n"
    assert refused(text.format("ENV")) == ("required-arg", "Earthfile:7:3: ARG A is required and has no value", AHEAD)
    assert evaluated(text.format("LET")).images == ()


def test_nothing_of_a_conversion_ahead_remains() -> None:
    text = "VERSION 0.8\nFROM scratch\nmain:\n  ENV X=1\n  BUILD +t --A=$X\nt:\n  ARG A\n  ENV R=$A\n  SAVE IMAGE --push reg.test/a:x$A\n"
    found = evaluated(text)
    assert list(saved(found)) == ["reg.test/a:x1"]
    assert found.commands.count("ARG A") == 1


def test_an_import_in_a_target_comes_too_late_for_a_build() -> None:
    text = "VERSION 0.8\nFROM scratch\nmain:\n  IMPORT ./sub\n  {0}BUILD sub+t\n"
    files = {"sub/Earthfile": "VERSION 0.8\nFROM scratch\nt:\n  ENV A=1\n"}
    assert refused(text.format(""), files=files)[:2] == ("unknown-target", "Earthfile:5:3: sub of sub+t is no IMPORT of this Earthfile")
    assert evaluated(text.format("ARG A\n  "), files=files).images == ()
