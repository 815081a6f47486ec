from __future__ import annotations

import pytest

from matrixbuild.core.facts import Facts
from tests.manifest_texts import told
from tests.profile_cases import on_profile
from tests.profile_texts import profile

SINCE = "  since: v4.0.2"


def said(line: str, use: str, *, since: str = SINCE) -> list[str]:
    return told(on_profile(Facts(profile=profile(since=since), line=line), profile=f"  profile: {use}").problems)


@pytest.mark.parametrize("tag", ["v4.0.1", "v3.4.11", "v4.0.2-rc.1"])
def test_a_tag_before_the_first_one_is_told_with_that_one(tag: str) -> None:
    assert said(tag, f"{{name: edge, as: {tag}}}") == [
        (
            f"m.yaml:10:29: spec.profile.as: the profile 'edge' knows no {tag}, its first version is v4.0.2 [{tag}] "
            "(write v4.0.2 or a later tag, whichever the source is most like)"
        )
    ]


def test_of_a_source_that_says_so_itself() -> None:
    assert said("v4.0.1", "edge") == [
        (
            "m.yaml:10:12: the profile 'edge' knows no v4.0.1, which the source is: its first version is v4.0.2 [edge] "
            "(take a later source, or name the tag that this one is most like: profile: {name: edge, as: v4.0.2})"
        )
    ]


@pytest.mark.parametrize("line", ["v4.0.2", "v4.0.2-patch.1", "v4.10.0", "", "unknown"])
def test_the_first_one_later_ones_and_what_is_no_version_are_known(line: str) -> None:
    assert said(line, "edge") == []


def test_a_profile_that_does_not_say_knows_all() -> None:
    assert said("v0.1", "{name: edge, as: v0.1}", since="") == []
