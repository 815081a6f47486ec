"""What keeps RUNs from being cached, or from running at once, is told; what is right as it is, is not."""

from __future__ import annotations

import pytest

from tests.core.earthfile.linting import linted, remarked, warned

FILES = {f"src/{number}.c": "" for number in range(5)}

WHOLE = """
    VERSION 0.8
    main:
        FROM node:20
        WORKDIR /app
        COPY . .
        RUN npm ci
        RUN apt-get update && apt-get install -y gcc
        RUN npm run build
    """
WHOLE_HINT = "install first, and COPY before that only the files that the installation reads"


def test_a_directory_copied_before_packages_are_installed() -> None:
    summary = "COPY . brings all 6 files before 2 RUNs that install packages (lines 6 and 7): a change of any of them installs the packages again"
    assert warned("copy-before-install", WHOLE, FILES) == [(5, summary, WHOLE_HINT)]
    summary = "COPY . brings all 6 files before the RUN in line 6 that installs packages: a change of any of them installs the packages again"
    assert warned("copy-before-install", WHOLE.replace("apt-get", "my-get"), FILES) == [(5, summary, WHOLE_HINT)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("COPY . .", "COPY package.json ."),
        ("COPY . .", "COPY +other/. ."),
        ("COPY . .", "IF true\n            COPY . .\n        END"),
        ("RUN npm ci", "RUN npm ci && npm test"),
        ("RUN npm ci", "RUN pip install ."),
        ("RUN npm ci", "RUN apt-get install ./mine.deb"),
    ],
)
def test_a_copy_that_an_installation_may_need(old: str, new: str) -> None:
    text = WHOLE.replace("RUN apt-get update && apt-get install -y gcc\n", "").replace(old, new)
    assert warned("copy-before-install", text, FILES) == []


def test_a_directory_of_few_files() -> None:
    assert warned("copy-before-install", WHOLE, {"a": "", "b": "", "c": ""}) == []


UNCACHED = """
    VERSION 0.8
    base-image:
        FROM alpine
        RUN --no-cache update
        RUN a
    app:
        FROM +base-image
        RUN b
    other:
        FROM alpine
        RUN c
    """
UNCACHED_HINT = "put it last, or let an ARG that changes when it should decide: ARG DATE, given by who wants it done"


def test_what_a_no_cache_takes_along() -> None:
    summary = "RUN --no-cache of +base-image is done in every build that comes to it, and so do 2 RUNs after it (also in app)"
    assert warned("no-cache", UNCACHED) == [(4, summary, UNCACHED_HINT)]
    assert [(finding.runs, finding.targets) for finding in linted(UNCACHED)] == [(2, ("app",))]


def test_a_no_cache_above_the_targets_takes_all_along() -> None:
    text = "VERSION 0.8\nFROM alpine\nRUN --no-cache update\napp:\n  RUN a\nother:\n  FROM debian\n  RUN b\nround:\n  FROM +round\n  RUN c\n"
    summary = "RUN --no-cache of the commands above the targets is done in every build that comes to it, and so does 1 RUN after it (also in app)"
    assert warned("no-cache", text) == [(3, summary, UNCACHED_HINT)]


def test_a_no_cache_that_is_last() -> None:
    text = UNCACHED.replace("RUN a", "RUN --no-cache a").replace("FROM +base-image", "FROM alpine")
    assert warned("no-cache", text) == []
    assert remarked("no-cache", text) == [(4, "RUN --no-cache of +base-image is done in every build that comes to it", UNCACHED_HINT)]


def test_another_way_of_an_if_does_not_come_after() -> None:
    text = "VERSION 0.8\nmain:\n  FROM alpine\n  IF a\n    RUN --no-cache x\n  ELSE\n    RUN y\n  END\n"
    assert warned("no-cache", text) == []
    assert [line for line, _, _ in warned("no-cache", f"{text}  RUN z\n")] == [5]


def test_a_run_for_pushes_is_never_cached() -> None:
    assert remarked("no-cache", "VERSION 0.8\nmain:\n  FROM alpine\n  RUN --push --no-cache x\n") == []


CACHED = "VERSION 0.8\nmain:\n  FROM golang\n  RUN --mount=type=cache,target=/go/pkg go build\n  RUN --mount type=cache,target=/go/pkg go test\n"


def test_a_locked_cache() -> None:
    hint = "where its programs lock for themselves (as those of Go, npm and pip do), write sharing=shared"
    summary = "the cache /go/pkg is locked, in 2 places from here on: builds that use it wait for each other"
    assert remarked("locked-cache", CACHED) == [(4, summary, hint)]
    text = "VERSION 0.8\nmain:\n  FROM golang\n  CACHE /go\n"
    hint = "where its programs lock for themselves (as those of Go, npm and pip do), write CACHE --sharing shared"
    assert remarked("locked-cache", text) == [(4, "the cache /go is locked: builds that use it wait for each other", hint)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("type=cache,", "type=cache,sharing=shared,"),
        ("type=cache,", "type=cache,sharing=private,"),
        ("type=cache", "type=tmpfs"),
        ("/go/pkg", "/var/cache/apt"),
        ("/go/pkg", "/var/lib/apt/lists"),
    ],
)
def test_a_cache_for_several_or_for_one_on_purpose(old: str, new: str) -> None:
    assert remarked("locked-cache", CACHED.replace(old, new)) == []
    assert remarked("locked-cache", "VERSION 0.8\nmain:\n  FROM golang\n  CACHE --sharing shared /go\n") == []


UPGRADED = """
    VERSION 0.6
    FROM ubuntu:22.04
    ARG TAG
    main:
        RUN apt-get update && apt-get upgrade -y
        SAVE IMAGE r.example.com/main:$TAG
    """


def test_packages_that_are_upgraded_again() -> None:
    summary = "this upgrade of packages of +main is done again for each value of TAG, and may then bring other packages"
    hint = "declare what has no part in it below, or upgrade in a target of its own that the others begin with"
    assert warned("upgrade-after-arg", UPGRADED) == [(5, summary, hint)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("VERSION 0.6", "VERSION 0.8"),
        ("apt-get upgrade -y", "apt-get install -y vim"),
        ("apt-get upgrade -y", "apt-get upgrade -y $TAG"),
        ("main:$TAG", "main"),
        ("    main:\n", "    main:\n        ENV TAG=$TAG\n"),
    ],
)
def test_packages_that_are_upgraded_once(old: str, new: str) -> None:
    assert warned("upgrade-after-arg", UPGRADED.replace(old, new)) == []


def test_an_arg_below_the_upgrade_is_in_no_key_of_it() -> None:
    text = "VERSION 0.6\nFROM ubuntu\nARG ABOVE\nRUN apt-get upgrade -y\nARG BELOW\nmain:\n  SAVE IMAGE main:$ABOVE-$BELOW\n"
    what = "this upgrade of packages of the commands above the targets"
    assert [summary for _, summary, _ in warned("upgrade-after-arg", text)] == [
        f"{what} is done again for each value of ABOVE, and may then bring other packages"
    ]


def test_an_arg_of_the_target_itself() -> None:
    text = "VERSION 0.8\nall:\n  BUILD +main --SIZE=1\n  BUILD +main --SIZE=2\nmain:\n  FROM ubuntu\n  ARG SIZE\n  RUN apt-get upgrade -y\n  RUN x $SIZE\n"
    assert [summary for _, summary, _ in warned("upgrade-after-arg", text)] == [
        "this upgrade of packages of +main is done again for each value of SIZE, and may then bring other packages"
    ]


@pytest.mark.parametrize(
    "command",
    ["apk upgrade", "apk -U upgrade", "apt dist-upgrade -y", "yum -y update", "dnf upgrade", "zypper --non-interactive up", "pacman -Syu"],
)
def test_each_package_manager_has_words_of_its_own(command: str) -> None:
    assert [line for line, _, _ in warned("upgrade-after-arg", UPGRADED.replace("apt-get update && apt-get upgrade -y", command))] == [5]
