"""Conditions and shell-outs that go wrong without a word are told; those beside them that are right are not."""

from __future__ import annotations

import pytest

from tests.core.earthfile.linting import remarked, warned

SCRATCH = "VERSION 0.8\nmain:\n  FROM scratch\n  IF [ -f /x ]\n    ENV A=b\n  END\n"


def test_no_shell() -> None:
    hint = "do it before the FROM, or begin with an image that has /bin/sh"
    summary = "IF needs a shell, and +main begins with scratch, which has none: the build fails here"
    assert warned("no-shell", SCRATCH) == [(4, summary, hint)]
    summary = "RUN needs a shell, and +app begins with gcr.io/distroless/static:nonroot, which has none: the build fails here"
    text = "VERSION 0.8\nbegin:\n  FROM gcr.io/distroless/static:nonroot\n  ENV A=b\napp:\n  FROM +begin\n  RUN x\n"
    assert warned("no-shell", text) == [(7, summary, hint)]


def test_no_shell_in_the_image_of_another_directory() -> None:
    text = "VERSION 0.8\nIMPORT ./lib AS other\nmain:\n  FROM other+begin\n  FOR x IN a b\n    ENV A=$x\n  END\n"
    lib = {"lib/Earthfile": "VERSION 0.8\nbegin:\n  FROM scratch\n"}
    summary = "FOR needs a shell, and +main begins with scratch, which has none: the build fails here"
    assert warned("no-shell", text, lib) == [(5, summary, "do it before the FROM, or begin with an image that has /bin/sh")]
    assert warned("no-shell", text, {"lib/Earthfile": "begin:\n  FROM scratch\n"}) == []
    assert warned("no-shell", text, {"lib/Earthfile": "VERSION 0.8\nbegin:\n  FROM alpine\n"}) == []
    assert warned("no-shell", text) == []
    assert [line for line, _, _ in warned("no-shell", text.replace(" AS other", "").replace("other+", "lib+"), lib)] == [5]
    assert warned("no-shell", text.replace("./lib AS other", "github.com/a/lib"), lib) == []
    assert warned("no-shell", text.replace("other+begin", "github.com/a/lib+begin"), lib) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("FROM scratch", "FROM scratch\n  COPY sh /bin/sh"),
        ("FROM scratch", "FROM $BASE"),
        ("FROM scratch", "FROM gcr.io/distroless/static:debug"),
        ("FROM scratch", "FROM +main"),
        ("FROM scratch", "FROM +nowhere"),
        ("FROM scratch", "FROM ../outside+main"),
        ("FROM scratch", "FROM alpine"),
        ("FROM scratch", "FROM scratch\n  DO +SHELL"),
        ("FROM scratch", "LOCALLY"),
        ("  FROM scratch\n", "  IF true\n    FROM scratch\n  END\n"),
        ("main:\n  FROM scratch\n", "FROM scratch\nFN:\n  FUNCTION\n"),
    ],
)
def test_a_shell_that_may_be_there(old: str, new: str) -> None:
    assert warned("no-shell", SCRATCH.replace(old, new)) == []


PROGRAM = "VERSION 0.8\nmain:\n  FROM alpine:3.20\n  IF ! jq . x.json\n    ENV A=b\n  END\n"


def test_a_program_that_is_missing() -> None:
    summary = "alpine:3.20 has no jq, and an IF over a program that is missing counts as false"
    assert warned("missing-program", PROGRAM) == [(4, summary, "install jq in a RUN above")]
    summary = "docker.io/library/ubuntu has no curl, and an IF over a program that is missing counts as false"
    text = "VERSION 0.8\nFROM docker.io/library/ubuntu\nmain:\n  IF [ -n a ] && curl -f x\n    ENV A=b\n  END\n"
    assert warned("missing-program", text) == [(4, summary, "install curl in a RUN above")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("FROM alpine:3.20", "FROM alpine:3.20\n  RUN apk add jq"),
        ("FROM alpine:3.20", "FROM alpine:3.20\n  COPY tools/ /usr/bin/"),
        ("FROM alpine:3.20", "FROM r.example.com/alpine:3.20"),
        ("FROM alpine:3.20", "FROM alpine/git"),
        ("! jq . x.json", "grep jq x.json"),
        ("! jq . x.json", "wget -q x"),
    ],
)
def test_a_program_that_may_be_there(old: str, new: str) -> None:
    assert warned("missing-program", PROGRAM.replace(old, new)) == []


def test_what_a_block_holds_is_looked_at_too() -> None:
    text = """
        VERSION --try 0.8
        main:
            FROM alpine
            WAIT
                IF jq a
                    ENV A=b
                END
            END
            TRY
                IF curl a
                    ENV A=c
                END
            FINALLY
                SAVE ARTIFACT x AS LOCAL x
            END
        """
    assert [line for line, _, _ in warned("missing-program", text)] == [5, 10]
    assert [line for line, _, _ in warned("missing-program", text.replace("WAIT", "WITH DOCKER"))] == []


def condition(text: str) -> str:
    return f"VERSION 0.8\nmain:\n  FROM alpine\n  ARG X\n  ARG Y=1\n  IF {text}\n    ENV A=b\n  END\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[ "$X" = "a"]', 'the test [ "$X" = "a"] is no valid one: a blank is missing before ]'),
        ('[ "$X" = a', 'the test [ "$X" = a is no valid one: its last word is not ]'),
        ('["$X" = a ]', 'the test ["$X" = a ] is no valid one: a blank is missing after ['),
        ('[[ "$X" = a ]', 'the test [[ "$X" = a ] is no valid one: its last word is not ]]'),
        ('[ !-n "$X" ]', 'the test [ !-n "$X" ] is no valid one: there is no operator !-n'),
        ('[ -f x ] && [ "$X" = "a"]', 'the test [ "$X" = "a"] is no valid one: a blank is missing before ]'),
    ],
)
def test_a_test_that_is_none(text: str, why: str) -> None:
    hint = 'write it as [ "$NAME" = "value" ], with blanks between all its words'
    assert warned("broken-test", condition(text)) == [(6, f"{why}; it fails, which counts as false", hint)]


@pytest.mark.parametrize(
    "text",
    [
        '[ "$X" = "a" ]',
        '[ ! -n "$X" ]',
        '[[ "$X" =~ "a" ]]',
        "[ -f x ] || ! [ -d y ]",
        '[ "$X" = "]" ]',
        "test -f x",
        '[ "$X" ]',
        '[ ! "$X" ]',
        '[ "a b" = "$X" ]',
        '[ -n "$(ls | grep x)" ]',
    ],
)
def test_a_test_that_is_one(text: str) -> None:
    assert warned("broken-test", condition(text)) == []


def test_an_operand_that_may_be_empty() -> None:
    summary = "the test [ $X != a ] is an error, which counts as false where X is empty, as it is unless somebody gives it"
    assert warned("unquoted-test", condition("[ $X != a ]")) == [(6, summary, 'quote it: "$X"')]
    summary = "the test [ -n ${X} ] is true where X is empty, as it is unless somebody gives it"
    assert warned("unquoted-test", condition("[ -n ${X} ]")) == [(6, summary, 'quote it: "$X"')]


@pytest.mark.parametrize("text", ['[ "$X" != a ]', "[ $Y != a ]", "[ $Z != a ]", "[[ $X != a ]]", "[ -z $X ]", "[ $X = a ]", "[ $X$Y != a ]"])
def test_an_operand_that_does_no_harm(text: str) -> None:
    assert warned("unquoted-test", condition(text)) == []


def test_nothing_is_true() -> None:
    summary = "IF $X is true where X is empty, as it is unless somebody gives it: an empty command succeeds"
    hint = 'write IF [ "$X" = "true" ], or give the ARG the default false'
    assert warned("bare-condition", condition("$X")) == [(6, summary, hint)]
    text = 'VERSION 0.6\nFROM alpine\nARG X=""\nmain:\n  IF true\n    ENV A=b\n  ELSE IF $X\n    ENV A=c\n  END\n'
    assert warned("bare-condition", text) == [(7, summary.replace("IF", "ELSE IF", 1), hint.replace("IF", "ELSE IF", 1))]


@pytest.mark.parametrize(
    "text",
    [
        condition("$Y"),
        condition('[ "$X" = true ]'),
        condition("$X && true"),
        condition("$X").replace("ARG X", "ARG --required X"),
        condition("$X").replace("ARG Y=1", "ENV X=true"),
        condition("$X").replace("  ARG X\n", ""),
        condition("$X").replace("ARG Y=1", "LET X=false"),
    ],
)
def test_what_is_something(text: str) -> None:
    assert warned("bare-condition", text) == []


FAILING = "VERSION 0.6\nmain:\n  FROM alpine\n  ARG X=$(cut -d: -f2 version)\n  FOR y IN $(find . -name x)\n    RUN $y\n  END\n"


def test_a_command_that_may_fail() -> None:
    summary = "where $(cut -d: -f2 version) fails, X is empty, and the build goes on"
    hint = "write VERSION --shell-out-anywhere 0.6, with which it fails the build"
    assert warned("failing-shell-out", FAILING) == [(4, summary, hint)]
    assert warned("failing-shell-out", FAILING.replace("0.6", "--shell-out-anywhere 0.6")) == []
    assert warned("failing-shell-out", FAILING.replace("0.6", "0.7")) == []
    assert warned("failing-shell-out", FAILING.replace("cut -d: -f2", "cat")) == []


def test_a_loop_over_a_command_that_may_fail() -> None:
    summary = "where $(find . -name x) fails, the loop is left out or cut short, and the build goes on"
    hint = "do it in a RUN that writes a file, which fails the build, and loop over $(cat file)"
    assert remarked("failing-shell-out", FAILING) == [(5, summary, hint)]
    assert remarked("failing-shell-out", FAILING.replace("0.6", "0.8")) == [(5, summary, hint)]
    for command in ("$(cat list)", "$(seq 3)", "a b", "$(find . || true)"):
        assert remarked("failing-shell-out", FAILING.replace("$(find . -name x)", command)) == []
