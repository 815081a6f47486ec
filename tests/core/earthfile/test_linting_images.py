"""Images that are not what the author of a SAVE IMAGE expects."""

from __future__ import annotations

import pytest

from tests.core.earthfile.linting import remarked, warned

EMPTY = "VERSION 0.8\nmain:\n  FROM scratch\n  ENV A=b\n  SAVE IMAGE --push r.example.com/main:1\n"


def test_an_image_without_layers() -> None:
    summary = "the image of +main has no layer: Earthly says that it pushed it, and nothing reaches the registry"
    assert warned("no-layers", EMPTY) == [(5, summary, "COPY something into it")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ENV A=b", "COPY x /x"),
        ("ENV A=b", "WORKDIR /x"),
        ("ENV A=b", "DO +FILL"),
        ("FROM scratch", "FROM alpine"),
        ("FROM scratch", "FROM +other"),
        (" --push", ""),
        (" r.example.com/main:1", ""),
    ],
)
def test_an_image_that_arrives_or_is_not_sent(old: str, new: str) -> None:
    assert warned("no-layers", EMPTY.replace(old, new)) == []


def test_a_manifest_list() -> None:
    text = "VERSION 0.8\nmain:\n  FROM --platform=linux/arm64 alpine\n  SAVE IMAGE --push r.example.com/main:1\n"
    summary = "--platform makes the image of +main a manifest list, even of one platform"
    hint = "that is right for several platforms; for one, write SAVE IMAGE --no-manifest-list (VERSION 0.7)"
    assert remarked("manifest-list", text) == [(3, summary, hint)]
    twice = f"{text}  SAVE IMAGE --push r.example.com/main:2\n"
    assert remarked("manifest-list", twice) == [(3, summary.replace("the image", "2 images"), hint)]
    assert remarked("manifest-list", text.replace("--push", "--push --no-manifest-list")) == []
    assert remarked("manifest-list", text.replace("--push ", "")) == []
    assert remarked("manifest-list", text.replace("--platform=linux/arm64 ", "")) == []


def test_several_names() -> None:
    text = "VERSION 0.8\nmain:\n  FROM alpine\n  SAVE IMAGE --push r.example.com/main:1 r.example.com/main:latest\n"
    summary = "these 2 names are pushed one after another: where one of them fails, others are there already"
    assert remarked("several-names", text) == [(4, summary, "push one, and give its digest the others when it is there")]
    assert remarked("several-names", text.replace(" r.example.com/main:latest", "")) == []
    assert remarked("several-names", text.replace("--push ", "")) == []
