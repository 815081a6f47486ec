"""ARG, LET, SET and IMPORT as commands."""

from __future__ import annotations

import pytest

from tests.core.earthfile.evaluating import env, refused

T = "VERSION {version}\nFROM scratch\nmain:\n  {command}\n"


@pytest.mark.parametrize(
    ("command", "version", "fault", "summary"),
    [
        ("ARG --required A=1", "0.8", "required-arg", "ARG --required A cannot have a default"),
        ("ARG --required A", "0.8", "required-arg", "ARG A is required and has no value"),
        ("ARG --global A", "0.8", "invalid-arg", "ARG --global stands in a target"),
        ("ARG --global A", "0.6", "invalid-arg", "ARG --global is not known to VERSION 0.6"),
        ("ARG TARGETARCH=x", "0.8", "builtin-arg", "TARGETARCH is a built-in ARG and cannot have a default"),
        ("ARG A=$(date)", "0.6", "no-shell", "$(date) needs a shell, and the image has no /bin/sh"),
        ("LET TARGETARCH=x", "0.8", "builtin-arg", "LET cannot give the built-in TARGETARCH a value"),
        ("LET A=1", "0.7", "feature-gate", "LET needs the feature --arg-scope-and-set, which VERSION 0.7 does not turn on"),
        ("SET A=1", "0.7", "feature-gate", "SET needs the feature --arg-scope-and-set, which VERSION 0.7 does not turn on"),
        ("SET A=1", "0.8", "unknown-variable", "SET of A, which is not declared here"),
        ("IMPORT", "0.8", "invalid-arg", "IMPORT cannot read ''"),
        ("IMPORT ./sub as x", "0.8", "invalid-arg", "IMPORT cannot read './sub as x'"),
        ("IMPORT sub", "0.8", "invalid-arg", "only another directory, such as ./directory, can be imported"),
    ],
)
def test_what_is_refused(command: str, version: str, fault: str, summary: str) -> None:
    assert refused(T.format(version=version, command=command))[:2] == (fault, f"Earthfile:4:3: {summary}")


def test_a_required_arg_that_is_given_empty() -> None:
    text = T.format(version="0.8", command="ARG --required A")
    assert refused(text, args={"A": ""}) == ("required-arg", "Earthfile:4:3: ARG A is required and has no value", "give it one: --A=...")


def test_a_default_that_is_overridden_is_run_all_the_same_from_0_7_on() -> None:
    command = "ARG A=$(date)"
    assert refused(T.format(version="0.8", command=command), args={"A": "1"})[0] == "no-shell"
    assert env(T.format(version="0.6", command=command) + "  ENV R=$A\n", args={"A": "1"}) == {"R": "1"}


SUB = {"sub/Earthfile": "VERSION 0.8\nFROM scratch\nt:\n  ENV S=1\n"}


def test_an_import_of_the_base_recipe_is_for_all_targets_and_one_of_a_target_for_it_alone() -> None:
    text = "VERSION 0.8\nIMPORT ./sub\nIMPORT ./sub AS again\nmain:\n  FROM sub+t\n  FROM again+t\n"
    assert env(text, files=SUB) == {"S": "1"}
    local = "VERSION 0.8\nFROM scratch\na:\n  IMPORT ./sub AS s\n  FROM s+t\nmain:\n  FROM +a\n  FROM s+t\n"
    assert refused(local, files=SUB)[:2] == ("unknown-target", "Earthfile:8:3: s of s+t is no IMPORT of this Earthfile")


def test_two_imports_of_one_name() -> None:
    text = "VERSION 0.8\nIMPORT ./sub\nIMPORT ../x/sub\nmain:\n  FROM scratch\n"
    assert refused(text, files=SUB) == ("redeclared", "Earthfile:3:1: there is an IMPORT called sub already", "give one of them another name with AS")


def test_a_remote_import_is_refused_where_it_is_used() -> None:
    text = "VERSION 0.8\nIMPORT github.com/o/r:v1 AS r\nFROM scratch\nmain:\n  {0}\n"
    assert env(text.format("ENV A=1")) == {"A": "1"}
    assert refused(text.format("FROM r+t"))[:2] == (
        "needs-earthly",
        "Earthfile:5:3: github.com/o/r:v1 is another repository, which only Earthly can do",
    )
