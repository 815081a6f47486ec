"""What a VERSION line turns on, and which Earthly refuses."""

from __future__ import annotations

from dataclasses import fields

import pytest

from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.features import Features, beyond_number, features, flag
from matrixbuild.core.earthfile.syntax import Version
from matrixbuild.core.earthfile.versions import version_of
from matrixbuild.core.problems import Place


def version(line: str) -> Version:
    return Version(args=tuple(line.split()), place=Place(file="Earthfile", line=1, text=f"VERSION {line}", width=7))


def on(line: str) -> set[str]:
    found = features(version(line), file="Earthfile")
    return {item.name for item in fields(Features) if getattr(found, item.name) is True}


def test_each_version_adds_to_the_one_before() -> None:
    assert (on("0.0"), len(on("0.6"))) == (set(), 8)
    assert on("0.6") < on("0.7") < on("0.8")
    assert {"for_in", "referenced_save_only"} <= on("0.6")
    assert {"explicit_global", "shell_out_anywhere", "wait_block", "check_duplicate_images"} <= on("0.7") - on("0.6")
    assert {"arg_scope_and_set", "pass_args", "use_function_keyword", "use_docker_ignore"} <= on("0.8") - on("0.7")
    assert not {"try_", "wildcard_builds", "wildcard_copy", "raw_output", "allow_without_earthly_labels", "docker_cache"} & on("0.8")


def test_flags_add_to_their_version() -> None:
    assert on("--arg-scope-and-set --shell-out-anywhere 0.6") == on("0.6") | {"arg_scope_and_set", "shell_out_anywhere"}
    assert on("--try --pass-args 0.8") == on("0.8") | {"try_"}
    assert on("-- 0.7") == on("0.7")
    assert on("--no-use-registry-for-with-docker 0.8") == on("0.8") - {"use_registry_for_with_docker"} | {"no_use_registry_for_with_docker"}


def test_the_number_is_kept_and_flags_are_named_as_written() -> None:
    assert features(version("0.7"), file="Earthfile").number == "0.7"
    assert (flag("pass_args"), flag("try_")) == ("--pass-args", "--try")


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        (
            "0.9",
            "version Earthfile:1:1: VERSION needs a number of an Earthfile version, not '0.9'",
            "write VERSION 0.8; 0.6 and 0.7 are read too",
        ),
        (
            "",
            "version Earthfile:1:1: VERSION needs a number of an Earthfile version, not none",
            "write VERSION 0.8; 0.6 and 0.7 are read too",
        ),
        (
            "--pas-args 0.8",
            "invalid-arg Earthfile:1:1: VERSION has no flag --pas-args",
            "did you mean '--pass-args'?",
        ),
        (
            "--pass-args=true 0.7",
            "invalid-arg Earthfile:1:1: VERSION has no flag --pass-args=true",
            "a VERSION flag takes no value",
        ),
        (
            "0.8 0.8",
            "version Earthfile:1:1: VERSION takes flags and one number, not '0.8'",
            "write VERSION [--flag ...] 0.8",
        ),
        (
            "0.8 --try",
            "version Earthfile:1:1: VERSION takes flags and one number, not '0.8'",
            "write VERSION [--flag ...] 0.8",
        ),
        (
            "--try",
            "version Earthfile:1:1: VERSION names no number",
            "write VERSION [--flag ...] 0.8",
        ),
        (
            "--arg-scope-and-set 0.6",
            "feature-gate Earthfile:1:1: --arg-scope-and-set requires --shell-out-anywhere",
            "write VERSION --arg-scope-and-set --shell-out-anywhere 0.6",
        ),
    ],
)
def test_refusals(line: str, message: str, hint: str) -> None:
    with pytest.raises(EarthfileError) as caught:
        features(version(line), file="Earthfile")
    assert (f"{caught.value.fault.value} {caught.value}", caught.value.hint) == (message, hint)


def test_no_version() -> None:
    with pytest.raises(EarthfileError) as caught:
        features(None, file="sub/Earthfile")
    told = (caught.value.fault.value, str(caught.value), caught.value.hint)
    assert told == ("version", "sub/Earthfile:1:1: the Earthfile has no VERSION", "begin it with VERSION 0.8")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# c\n\n  VERSION --try \\ # c\n  # d\n\n 0.8 # e\nLET A=\n", ("--try", "0.8")),
        ("VERSION 0.8", ("0.8",)),
        ("VERSION\t0.7\r\nFROM a\n", ("0.7",)),
        ("VERSION\n0.8\n", ()),
        ("FROM a\nVERSION 0.8\n", None),
        ("VERSION0.8\n", None),
        ("VERSION 0.8 \\\n", None),
        ("", None),
    ],
)
def test_the_version_is_found_without_parsing_the_rest(text: str, words: tuple[str, ...] | None) -> None:
    found = version_of(text, file="Earthfile")
    assert (found and found.args) == words


def test_what_a_number_brings_is_told_apart_from_what_flags_add() -> None:
    assert beyond_number(features(version("--try --shell-out-anywhere 0.6"), file="Earthfile").on) == ("--shell-out-anywhere", "--try")
    assert beyond_number(features(version("--try --shell-out-anywhere 0.8"), file="Earthfile").on) == ("--try",)
    assert beyond_number(features(version("0.7"), file="Earthfile").on) == ()
    assert beyond_number(()) == ()
