"""Texts of --platform."""

from __future__ import annotations

import re

import pytest

from matrixbuild.core.earthfile.platforms import normalized, parse_platform
from matrixbuild.core.names import Platform

NATIVE = Platform(architecture="arm64")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("linux/amd64", "linux/amd64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/x86_64", "linux/amd64"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/6", "linux/arm/v6"),
        ("arm64", "linux/arm64"),
        ("linux", "linux/arm64"),
        ("native", "linux/arm64"),
        ("user", "linux/arm64"),
    ],
)
def test_platforms(text: str, expected: str | None) -> None:
    found = parse_platform(text, native=NATIVE, named=True)
    assert (None if found is None else str(found)) == expected


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("linux/a/b/c", "'linux/a/b/c' is not a platform such as linux/amd64"),
        ("linux/", "'linux/' is not a platform such as linux/amd64"),
        ("nonsense", "'nonsense' is neither an operating system nor an architecture; write a platform such as linux/amd64"),
        ("native", "'native' is neither an operating system nor an architecture; write a platform such as linux/amd64"),
    ],
)
def test_what_is_no_platform(text: str, summary: str) -> None:
    with pytest.raises(ValueError, match=re.escape(summary)) as caught:
        parse_platform(text, native=NATIVE, named=False)
    assert str(caught.value) == summary


def test_normalizing_twice_changes_nothing() -> None:
    for text in ("arm64/v8", "arm/7", "armhf/", "armel/", "i386/", "aarch64/8"):
        architecture, _, variant = text.partition("/")
        once = normalized(Platform(architecture=architecture, variant=variant))
        assert normalized(once) == once
