"""IF, FOR, WAIT and TRY, and commands that change nothing here."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.recipe import NeedsShell, Scratch
from tests.core.earthfile.evaluating import env, evaluated, refused

HEAD = "VERSION {version}\nmain:\n  FROM busybox\n"


def result(body: str, version: str = "0.8", **how: object) -> dict[str, str]:
    return env(HEAD.format(version=version) + body, **how)


def test_the_first_branch_that_holds() -> None:
    body = '  ARG A\n  IF [ "$A" = 1 ]\n    ENV R=1\n  ELSE IF [ "$A" = 2 ]\n    ENV R=2\n  ELSE\n    ENV R=3\n  END\n'
    assert [result(body, args={"A": value})["R"] for value in ("1", "2", "9")] == ["1", "2", "3"]


def test_what_a_branch_declares_stays() -> None:
    assert result("  IF true\n    ARG A=1\n    LET B=2\n  END\n  ENV R=$A$B\n") == {"R": "12"}


def test_for_sets_its_name_for_each_item() -> None:
    assert result('  LET L=""\n  FOR x IN a "b c" d\n    SET L="$L|$x"\n  END\n  ENV R=$L[$x]\n') == {"R": "|a|b|c|d[]"}
    assert result('  LET L=""\n  FOR --sep=, x IN "a,b c"\n    SET L="$L|$x"\n  END\n  ENV R=$L\n') == {"R": "|a|b c"}


def test_a_shell_is_needed_where_one_is_asked() -> None:
    tree = evaluated(HEAD.format(version="0.8") + "  WORKDIR /w\n  IF [ a* == b ]\n    ENV R=1\n  END\n").image.tree
    assert isinstance(tree, NeedsShell)
    assert (tree.command, tree.place.line, tree.unmatched, tree.shells) == ("IF [ a* == b ]", 5, ("/w/a*",), ("busybox", "bash"))


def test_each_else_if_that_is_asked_needs_a_shell() -> None:
    tree = evaluated(
        HEAD.format(version="0.8") + "  IF false\n    ENV A=1\n  ELSE IF true\n    ENV A=2\n  ELSE IF true\n    ENV A=3\n  END\n"
    ).image.tree
    commands = []
    while isinstance(tree, NeedsShell):
        commands.append(tree.command)
        tree = tree.parent
    assert commands == ["ELSE IF true", "IF false"]


def test_an_arg_in_a_loop_is_declared_twice() -> None:
    text = HEAD.format(version="0.8") + "  FOR x IN a b\n    ARG Y=$x\n  END\n"
    assert refused(text)[:2] == ("redeclared", "Earthfile:5:5: Y is declared twice in the same target")


@pytest.mark.parametrize(
    ("body", "version", "fault", "summary"),
    [
        ("  WAIT\n    ENV A=1\n  END\n", "0.6", "feature-gate", "WAIT needs the feature --wait-block, which VERSION 0.6 does not turn on"),
        ("  WAIT x\n    ENV A=1\n  END\n", "0.8", "invalid-arg", "WAIT takes no words"),
        ("  TRY\n    RUN x\n  END\n", "0.8", "feature-gate", "TRY needs the feature --try, which VERSION 0.8 does not turn on"),
        ("  FOR x IN\n    ENV A=1\n  END\n", "0.8", "invalid-arg", "FOR names no items"),
        ("  FOR x of a\n    ENV A=1\n  END\n", "0.8", "syntax", "FOR x is followed by 'of' and not by IN"),
        ('  IF [ "a ]\n    ENV A=1\n  END\n', "0.8", "syntax", None),
        ("  IF --mount=type=tmpfs,target=/x true\n  END\n", "0.8", "needs-earthly", "IF true needs its --mount, which only Earthly can do"),
        ("  IF --no-cache --ssh true\n  END\n", "0.8", "needs-earthly", "IF true needs its --ssh, which only Earthly can do"),
        ("  FOR --secret a=b x IN 1\n  END\n", "0.8", "needs-earthly", "FOR x IN 1 needs its --secret, which only Earthly can do"),
        ("  CACHE\n", "0.8", "invalid-arg", "CACHE needs one directory"),
        ("  CACHE /c\n", "0.6", "feature-gate", "CACHE needs the feature --use-cache-command, which VERSION 0.6 does not turn on"),
        ("  HOST x nope\n", "0.8", "invalid-arg", "HOST: 'nope' is no IP address"),
    ],
)
def test_what_is_refused(body: str, version: str, fault: str, summary: str | None) -> None:
    found = refused(HEAD.format(version=version) + body)
    assert found[0] == fault
    assert summary is None or found[1] == f"Earthfile:4:3: {summary}"


@pytest.mark.parametrize(
    ("body", "fault", "summary"),
    [
        (
            "  TRY\n    RUN x\n  FINALLY\n    SAVE ARTIFACT a AS LOCAL b\n  END\n",
            "needs-earthly",
            "5:5: RUN executes a command in the image, which only Earthly can do",
        ),
        ("  TRY\n    ENV A=1\n  END\n", "invalid-arg", "4:3: TRY needs one RUN and nothing else"),
        ("  TRY\n    RUN x\n  FINALLY\n    ENV A=1\n  END\n", "invalid-arg", "7:5: FINALLY takes nothing but SAVE ARTIFACT ... AS LOCAL"),
        ("  TRY\n    RUN x\n  CATCH\n    RUN y\n  END\n", "invalid-arg", "4:3: CATCH is not executed by any Earthly"),
    ],
)
def test_try_without_run_says_what_is_wrong_with_it(body: str, fault: str, summary: str) -> None:
    assert refused(HEAD.format(version="--try 0.8") + body)[:2] == (fault, f"Earthfile:{summary}")


def test_commands_for_run_alone_change_nothing() -> None:
    text = "VERSION 0.8\nPROJECT o/p\nmain:\n  FROM scratch\n  HOST example.test 192.0.2.1\n  CACHE /c\n"
    image = evaluated(text).image
    assert isinstance(image.tree, Scratch)
    assert image.config.history == ()


def test_a_project_has_two_names() -> None:
    assert refused("VERSION 0.8\nPROJECT x\nmain:\n  FROM scratch\n")[:2] == (
        "invalid-arg",
        "Earthfile:2:1: PROJECT needs a name of the form organization/project",
    )
