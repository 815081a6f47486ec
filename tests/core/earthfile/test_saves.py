"""SAVE IMAGE: which states are saved under which names, and when two are one too many."""

from __future__ import annotations

import pytest

from matrixbuild.core.names import Platform
from tests.core.earthfile.evaluating import evaluated, refused, saved

ONE = "  SAVE IMAGE --push reg.test/a:{0}\n"


def names(text: str, **how: object) -> list[str]:
    return [name.rpartition(":")[2] for name in saved(evaluated(text, **how))]  # type: ignore[arg-type]


def test_an_image_is_the_state_at_its_command() -> None:
    found = saved(
        evaluated(
            """
            VERSION 0.8
            main:
              FROM scratch
              ENV A=1
              SAVE IMAGE --push reg.test/a:1 reg.test/a:2
              ENV A=2
              SAVE IMAGE reg.test/a:3
              SAVE IMAGE
            """
        )
    )
    assert {name[-1]: (dict(image.image.config.env)["A"], image.push, image.multi_platform) for name, image in found.items()} == {
        "1": ("1", True, False),
        "2": ("1", True, False),
        "3": ("2", False, False),
    }


CHAIN = (
    "VERSION {version}\nFROM scratch\nmain:\n  {first} +mid\n  {second} +mid\n"
    "mid:\n  ENV M=1\n  BUILD +leaf\n" + ONE.format("mid") + "leaf:\n  ENV L=1\n" + ONE.format("leaf")
)


@pytest.mark.parametrize("version", ["0.6", "0.7", "0.8"])
def test_what_is_reached_by_build_alone_is_saved(version: str) -> None:
    assert names(CHAIN.format(version=version, first="BUILD", second="FROM")) == ["leaf", "mid"]
    assert names(CHAIN.format(version=version, first="FROM", second="FROM")) == []
    assert names(CHAIN.format(version=version, first="FROM", second="BUILD")) == ["mid"]


def test_a_from_gives_the_files_of_the_end_and_the_configuration_of_the_last_save() -> None:
    found = evaluated(
        """
        VERSION 0.8
        main:
          FROM +t
          ENV SEEN=[$A][$B]
        t:
          FROM scratch
          ENV A=1
          SAVE IMAGE reg.test/t:1
          ENV B=2
          WORKDIR /later
        """
    ).image.config
    assert (found.env[1:], found.workdir) == ((("A", "1"), ("SEEN", "[1][2]")), "/")
    assert [step.created_by for step in found.history] == ["ENV A=1", "ENV B=2", "WORKDIR /later", "ENV SEEN=[1][2]"]


def test_a_save_directly_in_a_wait_is_never_saved_but_what_is_built_there_is() -> None:
    text = "VERSION 0.8\nFROM scratch\nmain:\n  WAIT\n  {0}  END\nt:\n  ENV A=1\n" + ONE.format("t")
    assert names(text.format(ONE.format("in"))) == []
    assert names(text.format("  BUILD +t\n")) == ["t"]


TWICE = "VERSION {0}\nFROM scratch\nmain:\n{1}t:\n  ARG X=1\n  ENV A=$X\n" + ONE.format("t")


def test_one_name_from_two_variants_is_an_error_from_0_7_on() -> None:
    text = TWICE.format("{0}", "  BUILD +t --X=1\n  BUILD +t --X=2\n")
    expected = (
        "image-conflict",
        "Earthfile:9:3: SAVE IMAGE reg.test/a:t is done twice (also in line 9)",
        "give each its own name, with an ARG in it that differs",
    )
    assert refused(text.format("0.8")) == expected
    assert refused(text.format("0.7")) == expected
    assert len(evaluated(text.format("0.6")).images) == 2


def test_a_call_that_says_the_default_is_the_same_call_before_0_8() -> None:
    text = TWICE.format("{0}", "  BUILD +t\n  BUILD +t --X=1\n")
    assert names(text.format("0.7")) == ["t"]
    assert refused(text.format("0.8"))[0] == "image-conflict"


def test_the_same_call_twice_is_one() -> None:
    assert names(TWICE.format("0.8", "  BUILD +t --X=2\n  BUILD +t --X=2\n")) == ["t"]


def test_two_waits_may_save_one_name() -> None:
    builds = "  WAIT\n    BUILD +t --X=1\n  END\n  WAIT\n    BUILD +t --X=2\n  END\n"
    assert len(evaluated(TWICE.format("0.8", builds)).images) == 2


PLATFORMS = "VERSION 0.8\nmain:\n{0}t:\n  ARG X\n  FROM scratch\n" + ONE.format("t")


def test_two_platforms_share_a_name() -> None:
    found = evaluated(PLATFORMS.format("  BUILD --platform=linux/amd64 --platform=linux/arm64 +t\n")).images
    assert [(image.platform, image.multi_platform) for image in found] == [(Platform(), True), (Platform(architecture="arm64"), True)]


@pytest.mark.parametrize(
    ("builds", "summary", "hint"),
    [
        (
            "  BUILD +t\n  BUILD --platform=linux/arm64 +t\n",
            "SAVE IMAGE reg.test/a:t is done twice (also in line 8)",
            "give all of them a --platform, or none",
        ),
        (
            "  BUILD --platform=linux/arm64 +t --X=1\n  BUILD --platform=linux/arm64 +t --X=2\n",
            "SAVE IMAGE reg.test/a:t is done twice for linux/arm64 (also in line 8)",
            "give each its own name, with an ARG in it that differs",
        ),
    ],
)
def test_platforms_that_are_in_conflict(builds: str, summary: str, hint: str) -> None:
    assert refused(PLATFORMS.format(builds)) == ("image-conflict", f"Earthfile:8:3: {summary}", hint)


def test_one_name_twice_in_one_command() -> None:
    assert refused("VERSION 0.8\nmain:\n  FROM scratch\n  SAVE IMAGE --push reg.test/a:b reg.test/a:b\n")[0] == "image-conflict"


@pytest.mark.parametrize(
    ("command", "fault", "summary"),
    [
        ("SAVE IMAGE --push", "invalid-arg", "SAVE IMAGE --push needs a name"),
        (
            "SAVE IMAGE --without-earthly-labels reg.test/a:b",
            "feature-gate",
            "SAVE IMAGE --without-earthly-labels needs the feature --allow-without-earthly-labels, which VERSION 0.8 does not turn on",
        ),
        (
            "SAVE IMAGE --push reg.test/A:b",
            "invalid-arg",
            "'reg.test/A:b' is not an image name: a repository is lower-case letters, digits and single separators (. _ -) between them, not 'A'",
        ),
    ],
)
def test_what_is_refused(command: str, fault: str, summary: str) -> None:
    found = refused(f"VERSION 0.8\nmain:\n  FROM scratch\n  {command}\n")
    assert found[:2] == (fault, f"Earthfile:4:3: {summary}")
