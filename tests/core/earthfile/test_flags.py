"""Which words of a command are flags, and what they say, as the Go library that Earthly uses reads them."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.features import Features
from matrixbuild.core.earthfile.flags import COMMAND_GATES, FLAGS, GATES, Flags, grouped, parse_flags, read_flags
from matrixbuild.core.earthfile.parser import parse
from matrixbuild.core.earthfile.syntax import Command
from matrixbuild.core.problems import Place


def flags_of(line: str) -> Flags:
    command = parse(line, file="Earthfile").base[0]
    assert isinstance(command, Command)
    return parse_flags(command)


@pytest.mark.parametrize(
    ("line", "given_flags", "words"),
    [
        ("COPY --dir --chown root a b", [("dir", True), ("chown", "root")], ["a", "b"]),
        ("COPY --dir=false --if-exists=1 --keep-ts= a b", [("dir", False), ("if-exists", True), ("keep-ts", True)], ["a", "b"]),
        ("COPY a --dir b", [], ["a", "--dir", "b"]),
        ("COPY --dir -- --x y", [("dir", True)], ["--x", "y"]),
        ("COPY -- -- y", [], ["--", "y"]),
        ("COPY --chmod= a b", [("chmod", "")], ["a", "b"]),
        ("COPY - ---x y", [], ["-", "---x", "y"]),
        ('COPY --chown "a b" c d', [("chown", "a b")], ["c", "d"]),
        ("COPY --chown 'a b' c d", [("chown", "'a b'")], ["c", "d"]),
        ('COPY --platform="$P" (+t/a --x="1 2") b', [("platform", "$P")], ['(+t/a --x="1 2")', "b"]),
        ("BUILD --platform=a --platform=b +t --X=1 --platform=c", [("platform", "a"), ("platform", "b")], ["+t", "--X=1", "--platform=c"]),
        ("BUILD --build-arg A=1 --build-arg=B=2 +t", [("build-arg", "A=1"), ("build-arg", "B=2")], ["+t"]),
        ("FROM DOCKERFILE -f d --target t .", [("f", "d"), ("target", "t")], ["."]),
        ("FROM DOCKERFILE -fd .", [("f", "d")], ["."]),
        ("FROM DOCKERFILE -f=+t/d .", [("f", "+t/d")], ["."]),
        ("ARG --required A", [("required", True)], ["A"]),
        ('ARG --global A="it\'s"', [("global", True)], ["A", "=", '"it\'s"']),
        ("ARG A=--b", [], ["A", "=", "--b"]),
        ("HEALTHCHECK --interval=1m30s --retries 5 CMD a", [("interval", 90_000_000_000), ("retries", 5)], ["CMD", "a"]),
        ("HEALTHCHECK --timeout=1.5ms --start-period=0 NONE", [("timeout", 1_500_000), ("start-period", 0)], ["NONE"]),
        ("SAVE ARTIFACT --force a AS LOCAL b", [("force", True)], ["a", "AS", "LOCAL", "b"]),
        ("SAVE IMAGE --push --cache-from=a --cache-from b c", [("push", True), ("cache-from", "a"), ("cache-from", "b")], ["c"]),
        ("DO --pass-args +FN --a=b", [("pass-args", True)], ["+FN", "--a=b"]),
    ],
)
def test_flags_stand_before_all_other_words(line: str, given_flags: list[tuple[str, object]], words: list[str]) -> None:
    read = flags_of(line)
    assert (list(read.given), list(read.words)) == (given_flags, words)


def test_accessors_give_the_last_value_or_earthlys_default() -> None:
    copy = flags_of("COPY --dir --dir=false --chown a --chown b c d")
    assert [(copy.on(name), copy.has(name)) for name in ("dir", "keep-ts")] == [(False, True), (False, False)]
    assert (copy.text("chown"), copy.text("chmod")) == ("b", "")
    build = flags_of("BUILD --platform a --platform b +t")
    assert (build.texts("platform"), build.texts("build-arg")) == (("a", "b"), ())
    check = flags_of("HEALTHCHECK CMD a")
    names = ("interval", "timeout", "start-period", "retries", "start-interval")
    assert [check.number(name) for name in names] == [30 * 10**9, 30 * 10**9, 0, 3, 5 * 10**9]
    assert (flags_of("CACHE /a").text("chmod"), flags_of("CACHE --sharing=shared /a").text("sharing")) == ("0644", "shared")


def test_words_of_if_and_for() -> None:
    place = Place(file="Earthfile", line=1)
    loop = read_flags("FOR", ("--sep", '",\\n"', "x", "IN", "a"), place=place)
    assert (loop.text("sep"), loop.words) == (",\n", ("x", "IN", "a"))
    assert read_flags("FOR", ("x", "IN", "a"), place=place).text("sep") == "\n\t "
    assert read_flags("IF", ("--no-cache", "[", "a", "]"), place=place).words == ("[", "a", "]")


def test_only_run_expands_the_value_of_a_boolean() -> None:
    place = Place(file="Earthfile", line=1)
    assert read_flags("RUN", ("--push=$P", "a"), place=place, expand={"$P": "false"}.__getitem__).on("push") is False
    with pytest.raises(EarthfileError, match="neither true nor false"):
        read_flags("COPY", ("--dir=$P", "a"), place=place, expand={"$P": "false"}.__getitem__)


def test_asking_for_what_a_command_does_not_have_is_a_mistake_of_the_program() -> None:
    read = flags_of("COPY a b")
    with pytest.raises(KeyError):
        read.on("push")
    with pytest.raises(KeyError, match="TEXT"):
        read.on("chown")
    with pytest.raises(KeyError, match="LIST"):
        read.text("build-arg")


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        (
            "COPY --dri a b",
            "invalid-arg Earthfile:1:6: COPY has no flag --dri",
            "did you mean '--dir'?",
        ),
        (
            "BUILD -P +t",
            "invalid-arg Earthfile:1:7: BUILD has no flag -P",
            "it has --allow-privileged, --auto-skip, --build-arg, --pass-args, --platform",
        ),
        (
            "LET --a b=1",
            "invalid-arg Earthfile:1:5: LET has no flag --a",
            "it has none",
        ),
        (
            "FROM DOCKERFILE --f x .",
            "invalid-arg Earthfile:1:17: FROM DOCKERFILE has no flag --f",
            "did you mean '-f'?",
        ),
        (
            "COPY --chown",
            "invalid-arg Earthfile:1:6: COPY --chown needs a value",
            "write --chown=value",
        ),
        (
            "COPY --chown --dir a b",
            "invalid-arg Earthfile:1:6: COPY --chown needs a value",
            "write --chown=value",
        ),
        (
            "COPY --chown -- a b",
            "invalid-arg Earthfile:1:6: COPY --chown needs a value",
            "write --chown=value",
        ),
        (
            "FROM DOCKERFILE -f",
            "invalid-arg Earthfile:1:17: FROM DOCKERFILE -f needs a value",
            "write -f value",
        ),
        (
            "COPY --dir=$X a b",
            "invalid-arg Earthfile:1:6: COPY --dir: '$X' is neither true nor false",
            "Earthly reads it before it expands variables",
        ),
        (
            'COPY --chown="a"b c d',
            "invalid-arg Earthfile:1:6: COPY --chown: '\"a\"b' is no quoted text",
            "Earthly reads it before it expands variables",
        ),
        (
            "HEALTHCHECK --interval=5 CMD a",
            "invalid-arg Earthfile:1:13: HEALTHCHECK --interval: '5' is no duration such as 30s or 1m30s",
            "Earthly reads it before it expands variables",
        ),
        (
            "HEALTHCHECK --retries=$N CMD a",
            "invalid-arg Earthfile:1:13: HEALTHCHECK --retries: '$N' is no whole number",
            "Earthly reads it before it expands variables",
        ),
    ],
)
def test_refusals(line: str, message: str, hint: str) -> None:
    with pytest.raises(EarthfileError) as caught:
        flags_of(line)
    assert (f"{caught.value.fault.value} {caught.value}", caught.value.hint) == (message, hint)


def test_every_gate_names_a_flag_and_a_feature() -> None:
    known = {item.name for item in fields(Features)}
    assert set(GATES.values()) | set(COMMAND_GATES.values()) <= known
    assert all(name in FLAGS[command] for command, name in GATES)


@pytest.mark.parametrize(
    ("words", "joined"),
    [
        (["(+t", "--a", "b)", "c"], ["(+t --a b)", "c"]),
        (["--load=(+t", "--a=b)"], ["--load=(+t --a=b)"]),
        (['"a', "(b", 'c"', "d"], ['"a (b c"', "d"]),
        (["let's", "go"], ["let's go"]),
        (["a(", "b"], ["a( b"]),
        ([""], [""]),
        ([], []),
    ],
)
def test_open_quotes_and_parentheses_join_words(words: list[str], joined: list[str]) -> None:
    assert list(grouped(words)) == joined


@given(st.lists(st.text(alphabet="ab()\"' -=")))
def test_joining_loses_nothing(words: list[str]) -> None:
    assert " ".join(grouped(words)) == " ".join(words)


@given(st.sampled_from(sorted(FLAGS)), st.lists(st.text(alphabet='-=f"dirx5s\\n (') | st.sampled_from(["--dir", "--push=", "-f", "--retries"])))
def test_nothing_but_an_earthfile_error_is_raised(command: str, words: list[str]) -> None:
    try:
        read = read_flags(command, words, place=Place(file="Earthfile", line=1))
    except EarthfileError:
        return
    assert {name for name, _ in read.given} <= FLAGS[command].keys()
    assert len(read.words) <= len(words)
