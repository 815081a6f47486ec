"""Variables that do not hold what one expects are told; those that do are not."""

from __future__ import annotations

import pytest

from tests.core.earthfile.linting import linted, warned

LATE = "VERSION 0.8\nmain:\n  FROM alpine:$TAG\n  ARG TAG=3\n  RUN echo $TAG\n"


def test_a_variable_above_its_arg() -> None:
    summary = "TAG is empty here, whatever it is given: its ARG comes later, in line 4"
    assert warned("early-use", LATE) == [(3, summary, "move ARG TAG above its first use")]


@pytest.mark.parametrize(
    "text",
    [
        LATE.replace("alpine:$TAG", "alpine:TAG"),
        LATE.replace("main:", "ARG --global TAG\nmain:"),
        LATE.replace("FROM alpine:$TAG", "FROM alpine\n  ENV TAG=1\n  RUN echo $TAG"),
        LATE.replace("alpine:$TAG", "alpine").replace("ARG TAG=3", "RUN for TAG in a b; do echo $TAG; done\n  ARG TAG=3"),
        LATE.replace("alpine:$TAG", "alpine").replace("ARG TAG=3", "RUN TAG=1; echo $TAG\n  ARG TAG=3"),
        LATE.replace("alpine:$TAG", "alpine").replace("ARG TAG=3", "RUN echo '$TAG' \\$TAG\n  ARG TAG=3"),
        LATE.replace("alpine:$TAG", "alpine").replace("  ARG TAG=3\n", "  FOR x IN a b\n    RUN echo $TAG\n    ARG TAG=3\n  END\n"),
    ],
)
def test_a_variable_that_has_a_value(text: str) -> None:
    assert warned("early-use", text) == []


def test_a_built_in_that_nobody_declares() -> None:
    text = 'VERSION 0.8\nmain:\n  FROM alpine\n  IF [ "$TARGETARCH" = "amd64" ]\n    RUN x $TARGETARCH\n  END\n'
    summary = "TARGETARCH is empty here: a built-in ARG has its value only where it is declared"
    assert warned("unset-builtin", text) == [(4, summary, "write ARG TARGETARCH above")]
    assert warned("unset-builtin", text.replace("FROM alpine", "ARG TARGETARCH\n  FROM alpine")) == []
    assert warned("unset-builtin", text.replace("main:", "FROM alpine\nARG --global TARGETARCH\nmain:")) == []
    assert warned("unset-builtin", text.replace("$TARGETARCH", "$TARGETARCHS")) == []


@pytest.mark.parametrize(
    ("version", "name", "hint"),
    [
        ("0.6", "EARTHLY_CI", "write VERSION --ci-arg 0.6, or VERSION 0.8 if that has it"),
        ("0.6", "NATIVEARCH", "write VERSION --new-platform 0.6, or VERSION 0.8 if that has it"),
        ("0.8", "EARTHLY_GIT_AUTHOR_NAME", "write VERSION --git-author-email-name-args 0.8, or VERSION 0.8 if that has it"),
        ("0.8", "BUILDPLATFORM", "that is Docker's; Earthly has USERPLATFORM, and from VERSION 0.7 on NATIVEPLATFORM"),
        ("0.8", "EARTHLY_GIT_HASHES", "did you mean 'EARTHLY_GIT_HASH'?"),
    ],
)
def test_a_built_in_that_is_never_set(version: str, name: str, hint: str) -> None:
    text = f"VERSION {version}\nmain:\n  FROM alpine\n  ARG {name}\n  RUN x ${name}\n"
    assert warned("unset-builtin", text) == [(4, f"{name} is always empty: this Earthfile has no such built-in ARG", hint)]


@pytest.mark.parametrize("arg", ["EARTHLY_CI", "USERARCH", "EARTHLY_REPO", "BUILDPLATFORM=linux/amd64", "--required EARTHLY_GIT_HASHES", "BUILDER"])
def test_an_arg_that_somebody_sets(arg: str) -> None:
    assert warned("unset-builtin", f"VERSION 0.8\nmain:\n  FROM alpine\n  ARG {arg}\n  RUN x\n") == []


HIDDEN = """
    VERSION --arg-scope-and-set --shell-out-anywhere 0.6
    FROM alpine
    ARG LINE=4
    LET LINE=3
    LET ALIAS=x
    ARG BASE=base-$LINE-$ALIAS
    main:
        RUN echo $BASE $LINE
    NOTE:
        COMMAND
        RUN echo $LINE ${ALIAS}
    """


def test_a_let_that_targets_do_not_see() -> None:
    hint = "give it a name of its own, as ARG NAME with this value, and use that in the targets"
    assert warned("hidden-let", HIDDEN) == [
        (4, "no target sees this LET LINE: +main and +NOTE get the value of the ARG in line 3", hint),
        (5, "no target sees this LET ALIAS: +NOTE gets nothing", hint),
    ]
    text = HIDDEN.replace("--arg-scope-and-set --shell-out-anywhere 0.6", "0.8").replace("COMMAND", "FUNCTION")
    assert [hint for _, _, hint in warned("hidden-let", text)] == [hint.replace("ARG", "ARG --global")] * 2
    assert [finding.targets for finding in linted(HIDDEN) if finding.rule.name == "hidden-let"] == [("main", "NOTE"), ("NOTE",)]


def test_a_let_for_what_stands_above_the_targets() -> None:
    assert warned("hidden-let", HIDDEN.replace("$BASE $LINE", "$BASE").replace("$LINE ${ALIAS}", "LINE")) == []
    assert warned("hidden-let", HIDDEN.replace("RUN echo", "ARG LINE\n        LET ALIAS=y\n        RUN echo")) == []
    assert warned("hidden-let", HIDDEN.replace("RUN echo", "RUN LINE=1; ALIAS=2; echo")) == []


def test_an_env_that_overrules_a_global_arg() -> None:
    text = "VERSION 0.6\nFROM alpine\nARG MODE=a\nmain:\n  ENV MODE=b\n  RUN echo $MODE\n"
    summary = "from here on MODE is this one, whatever the ARG in line 3 is given"
    hint = "give one of them another name, or write ENV MODE=$MODE"
    assert warned("env-over-arg", text) == [(5, summary, hint)]
    assert warned("env-over-arg", text.replace("MODE=b", "MODE=$MODE")) == []
    assert warned("env-over-arg", text.replace("MODE=b", 'MODE="x-${MODE}"')) == []
    assert warned("env-over-arg", text.replace("0.6", "0.8")) == []


def test_an_arg_that_overrules_an_env() -> None:
    text = "VERSION 0.8\nmain:\n  FROM alpine\n  ARG MODE=a\n  ENV MODE=b\n  RUN echo $MODE\n"
    summary = "the image gets this MODE, but the commands of the target the value of the ARG in line 4"
    assert warned("env-over-arg", text) == [(5, summary, "give one of them another name, or write ENV MODE=$MODE")]
    assert warned("env-over-arg", text.replace("ENV MODE", "ENV MODUS")) == []
    assert warned("env-over-arg", text.replace("0.8", "0.7")) == warned("env-over-arg", text)
    before = text.replace("ARG MODE=a\n  ENV MODE=b", "ENV MODE=b\n  ARG MODE=a")
    assert [summary for _, summary, _ in warned("env-over-arg", before)] == [summary.replace("line 4", "line 5")]
    summary = "from here on MODE is this one, whatever the ARG in line 5 is given"
    assert [summary for _, summary, _ in warned("env-over-arg", before.replace("0.8", "0.7"))] == [summary]
    apart = "VERSION 0.8\nmain:\n  FROM alpine\n  IF true\n    ARG MODE=a\n  ELSE\n    ENV MODE=b\n  END\n"
    assert warned("env-over-arg", apart) == []


def test_a_secret() -> None:
    text = "VERSION 0.8\nmain:\n  FROM alpine\n  ARG REGISTRY_PASSWORD\n  ARG REGISTRY_PASSWORD\n  ENV API_KEY=$X\n"
    hint = "let the RUN that needs it ask for it: RUN --secret {0} ..., given as --secret {0}"
    assert warned("secret-arg", text) == [
        (
            4,
            "REGISTRY_PASSWORD looks like a secret, and as ARG its value stands in the history of the image, where everybody can read it",
            hint.format("REGISTRY_PASSWORD"),
        ),
        (
            6,
            "API_KEY looks like a secret, and as ENV its value stands in the configuration of the image, where everybody can read it",
            hint.format("API_KEY"),
        ),
    ]


@pytest.mark.parametrize(
    "declared",
    [
        "ARG TOKEN_FILE",
        "ARG SSH_PUB_KEY",
        "ARG USE_TOKEN=false",
        "ARG TOKEN=/run/token",
        "ENV TOKEN=",
        "ENV PWD=/x",
        "ARG KEY",
        "ARG PASSWORDS_ALLOWED",
    ],
)
def test_what_is_no_secret(declared: str) -> None:
    assert warned("secret-arg", f"VERSION 0.8\nmain:\n  FROM alpine\n  {declared}\n") == []
