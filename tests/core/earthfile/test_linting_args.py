"""ARGs in the cache keys of RUNs that do not read them are told, with how many RUNs; those that are read, or are the same everywhere, are not."""

from __future__ import annotations

import pytest

from tests.core.earthfile.linting import linted, remarked, warned

SIX = """
    VERSION 0.6
    FROM alpine:3.20
    ARG K8S
    ARG TAG=dev
    tools:
        RUN make tools
        RUN make more
    node:
        FROM +tools
        RUN early
        RUN install $K8S
        RUN late
        SAVE IMAGE --push r.example.com/node:$TAG
    all:
        FOR version IN 1 2
            BUILD +node --K8S=$version
        END
    """
SETUP = """SETUP:
        COMMAND
        RUN echo $K8S
"""
NARROW = "; or write VERSION 0.8, where only an ARG --global reaches every target"


def test_a_global_arg_that_varies() -> None:
    assert warned("wide-arg", SIX) == [
        (
            3,
            "K8S is in the cache key of 3 RUNs that do not read it, in tools and node; line 16 gives it several values",
            f"declare it in the targets that use it, right before they do: ARG K8S{NARROW}",
        ),
        (
            4,
            "TAG is in the cache key of 5 RUNs that do not read it, in tools and node; it is named in nothing but names of images",
            f"declare it in the targets that use it, right before they do: ARG TAG{NARROW}",
        ),
    ]
    assert [(finding.runs, finding.targets) for finding in linted(SIX) if finding.rule.name == "wide-arg"] == [
        (3, ("tools", "node")),
        (5, ("tools", "node")),
    ]


def test_from_version_0_7_on_it_is_one_that_says_so() -> None:
    text = SIX.replace("0.6", "0.8").replace("ARG K8S", "ARG --global K8S")
    assert warned("wide-arg", text) == [
        (
            3,
            "K8S is in the cache key of 3 RUNs that do not read it, in tools and node; line 16 gives it several values",
            "remove --global, and declare it in the targets that use it, right before they do: ARG K8S",
        )
    ]
    assert warned("wide-arg", SIX.replace("0.6", "0.8")) == []


def test_whether_others_vary_only_their_authors_know() -> None:
    text = SIX.replace("ARG TAG=dev", "ARG FLAVOUR=a\n    ARG SIZE=$FLAVOUR").replace("node:$TAG", "node").replace("early", "early $SIZE")
    assert remarked("wide-arg", text) == [
        (
            4,
            "2 ARGs above the targets are in cache keys of RUNs that do not read them: FLAVOUR in those of 2 RUNs and SIZE in those of 2 RUNs",
            "those whose values differ between builds are better declared in the targets that use them",
        )
    ]
    assert remarked("wide-arg", text.replace("0.6", "0.8").replace("ARG FLAVOUR", "ARG --global FLAVOUR")) == []


@pytest.mark.parametrize("given", ["BUILD +node --K8S=$K8S", "BUILD +node --K8S=1.30", "BUILD +node", "DO +SETUP --K8S=$version"])
def test_one_of_which_nothing_says_that_it_varies(given: str) -> None:
    text = SIX.replace("BUILD +node --K8S=$version", given) + SETUP
    assert [summary for _, summary, _ in warned("wide-arg", text) if summary.startswith("K8S")] == []


@pytest.mark.parametrize(
    "reads",
    [
        "RUN make K8S=$K8S",
        "RUN env > /env",
        "RUN echo $LINE",
        "DO +SETUP",
        "COPY setup.sh .",
        "COPY --dir scripts .",
        "COPY *.sh .",
        "COPY $SCRIPT ${SCRIPT} .",
        "COPY $UNKNOWN .",
    ],
)
def test_one_that_is_read_before_any_run(reads: str) -> None:
    text = SIX.replace("RUN make tools", reads).replace("RUN early", reads).replace("ARG TAG", "ARG SCRIPT=setup.sh\n    ARG LINE=v$K8S\n    ARG TAG")
    files = {"setup.sh": "echo ${K8S}\n", "scripts/a.sh": "echo $K8S\n"}
    assert [summary for _, summary, _ in warned("wide-arg", text + SETUP, files) if summary.startswith("K8S")] == []
    assert [line for line, summary, _ in warned("wide-arg", text.replace(reads, "RUN other") + SETUP, files) if summary.startswith("K8S")] == [3]


def test_built_ins_and_customary_names_belong_everywhere() -> None:
    text = "VERSION 0.6\nFROM alpine\nARG TARGETARCH\nARG HTTP_PROXY\nARG GOPROXY\nmain:\n  RUN x\n"
    assert [finding.summary for finding in linted(text) if finding.rule.name == "wide-arg"] == []
    assert [line for line, _, _ in warned("wide-arg", text.replace("TARGETARCH", "EARTHLY_GIT_HASH"))] == [3]


def test_an_if_that_only_sets_names_of_images_is_a_part_of_the_name() -> None:
    text = """
        VERSION 0.6
        FROM alpine
        ARG CUSTOM
        IF [ "$CUSTOM" != "" ]
            ARG TAG=v1-$CUSTOM
        ELSE
            ARG TAG=v1
        END
        main:
            RUN x
            SAVE IMAGE r.example.com/main:$TAG
        """
    assert [line for line, _, _ in warned("wide-arg", text)] == [3, 5]
    assert warned("wide-arg", text.replace("ARG TAG=v1\n", "ENV V=1\n")) == warned("wide-arg", text)[1:]


EARLY = """
    VERSION 0.8
    main:
        FROM alpine:3.20
        ARG EARTHLY_GIT_HASH
        RUN apk add git
        RUN make VERSION=$EARTHLY_GIT_HASH
    """


def test_an_arg_above_what_fetches() -> None:
    hint = "move it down to the first use: every RUN below an ARG has its value in its cache key"
    summary = "EARTHLY_GIT_HASH of +main stands above the RUN in line 5 that fetches something and does not read it"
    assert warned("early-arg", EARLY) == [(4, summary, hint)]
    summary = "COLOUR of +main stands above the RUN in line 5 that fetches something and does not read it"
    assert warned("early-arg", EARLY.replace("EARTHLY_GIT_HASH", "COLOUR")) == []
    assert remarked("early-arg", EARLY.replace("EARTHLY_GIT_HASH", "COLOUR")) == [(4, summary, hint)]


def test_several_of_them_are_told_at_once() -> None:
    text = (
        EARLY.replace("ARG EARTHLY_GIT_HASH", "ARG A\n        ARG B")
        .replace("$EARTHLY_GIT_HASH", "$A$B")
        .replace("git\n", "git\n        RUN npm ci\n")
    )
    summary = "A and B of +main stand above 2 RUNs, from line 6 on, that fetch something and do not read them"
    hint = "move them down to the first use: every RUN below an ARG has its value in its cache key"
    assert remarked("early-arg", text) == [(4, summary, hint)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("apk add git", "apk add git-$EARTHLY_GIT_HASH"),
        ("RUN apk add git", "RUN --no-cache apk add git"),
        ("apk add git", "mkdir /x"),
        ("VERSION=$EARTHLY_GIT_HASH", "all"),
        ("EARTHLY_GIT_HASH", "TARGETARCH"),
        ("EARTHLY_GIT_HASH", "GOFLAGS"),
        ("ARG EARTHLY_GIT_HASH", "ARG EARTHLY_GIT_HASH=$(cat x)"),
    ],
)
def test_an_arg_that_stands_where_it_should(old: str, new: str) -> None:
    assert [finding.rule.name for finding in linted(EARLY.replace(old, new)) if finding.rule.name == "early-arg"] == []


def test_all_args_handed_on() -> None:
    text = "VERSION 0.8\nall:\n  BUILD --pass-args +a\n  BUILD --pass-args +b\na:\n  FROM alpine\nb:\n  FROM alpine\n"
    summary = "--pass-args here and in 1 place below puts every ARG into the cache key of every RUN of what is called, declared there or not"
    assert remarked("pass-args", text) == [(3, summary, "name those that are needed: --NAME=$NAME")]
    assert remarked("pass-args", text.replace("--pass-args", "--allow-privileged")) == []


def test_what_an_else_if_sets_comes_of_it_too() -> None:
    text = """
        VERSION 0.6
        FROM alpine
        ARG A
        ARG B
        IF [ "$B" = 1 ]
            ARG X=1
        ELSE IF [ "$A" = 1 ]
            ARG X=2
        END
        ARG Y=3
        all:
            BUILD +main --A=1 --A=2
        main:
            RUN early
            RUN late $X
            RUN later $Y
        """
    assert [(line, summary.partition(" that")[0]) for line, summary, _ in warned("wide-arg", text)] == [(3, "A is in the cache key of 1 RUN")]
