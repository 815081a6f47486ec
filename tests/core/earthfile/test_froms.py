"""FROM and FROM DOCKERFILE."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.recipe import BaseImage, Scratch
from matrixbuild.core.images import DEFAULT_PATH, ImageConfig
from matrixbuild.core.names import Platform
from tests.core.earthfile.evaluating import copies, env, evaluated, refused

RICH = ImageConfig(env=(("PATH", "/bin"), ("B", "base")), cmd=("sh",), workdir="/w", user="app", shell=("x",), labels=(("l", "1"),))


def test_scratch() -> None:
    image = evaluated("VERSION 0.8\nmain:\n  FROM scratch\n").image
    assert isinstance(image.tree, Scratch)
    assert (image.config.env, image.config.workdir) == ((("PATH", DEFAULT_PATH),), "/")


def test_an_image_gives_its_configuration_without_its_shell() -> None:
    found = evaluated("VERSION 0.8\nmain:\n  FROM busybox:1\n  ENV R=$B\n  COPY f rel\n", base=RICH)
    assert isinstance(copies(found.image.tree)[0].parent, BaseImage)
    config = found.image.config
    assert (config.env[2], config.cmd, config.workdir, config.user, config.shell, config.labels) == (
        ("R", "base"),
        ("sh",),
        "/w",
        "app",
        None,
        (("l", "1"),),
    )
    assert [(copy.dest, copy.flags.chown) for copy in copies(found.image.tree)] == [("/w/rel", "app")]


def test_triggers_of_an_image_reach_no_image_that_starts_from_it() -> None:
    base = ImageConfig(on_build=("COPY f /f",), stop_signal="9")
    config = evaluated("VERSION 0.8\nmain:\n  FROM busybox:1\n", base=base).image.config
    assert (config.on_build, config.stop_signal) == ((), "9")
    files = {"Dockerfile": "FROM scratch\nONBUILD COPY f /f\nSTOPSIGNAL 9\n"}
    config = evaluated("VERSION 0.8\nmain:\n  FROM DOCKERFILE .\n", files=files).image.config
    assert (config.on_build, config.stop_signal) == ((), "9")


def test_one_image_is_one_node() -> None:
    found = evaluated("VERSION 0.8\nFROM busybox\nmain:\n  BUILD +a\n  BUILD +b\na:\n  FROM busybox\nb:\n  FROM --platform=linux/arm64 busybox\n")
    assert [(base.ref, str(base.platform)) for base in found.base_images] == [("busybox", "linux/amd64"), ("busybox", "linux/arm64")]


def test_a_target_takes_over_what_it_starts_from_but_not_its_args() -> None:
    text = """
        VERSION 0.8
        main:
          ARG X=mine
          FROM +t --Y=given
          ENV M=[$X][$Y][$T]
        t:
          FROM scratch
          ARG Y
          ENV T=$Y
          WORKDIR /t
          USER 12:34
    """
    config = evaluated(text).image.config
    assert (dict(config.env)["M"], config.workdir, config.user) == ("[mine][][given]", "/t", "12:34")


def test_the_base_recipe_comes_first_in_each_target() -> None:
    assert env("VERSION 0.8\nFROM scratch\nENV A=1\nmain:\n  ENV B=$A\n") == {"A": "1", "B": "1"}


def test_the_platform_of_a_from() -> None:
    found = evaluated(
        "VERSION 0.8\nmain:\n  FROM --platform=linux/arm64 scratch\n  ARG TARGETARCH\n  ENV A=$TARGETARCH\n  SAVE IMAGE --push r.test/a:b\n"
    )
    image = found.images[0]
    assert (dict(image.image.config.env)["A"], image.platform, image.multi_platform) == ("arm64", Platform(architecture="arm64"), True)


@pytest.mark.parametrize(
    ("command", "fault", "summary"),
    [
        ("FROM busybox AS x", "unsupported-command", "FROM ... AS is no command of an Earthfile"),
        ("FROM", "invalid-arg", "FROM names no image"),
        ("FROM busybox --X=1", "invalid-arg", "FROM busybox takes no args: it is an image"),
        (
            "FROM $NONE",
            "invalid-arg",
            "'' is not an image name: a repository is lower-case letters, digits and single separators (. _ -) between them, not ''",
        ),
        ("FROM DOCKERFILE", "invalid-arg", "FROM DOCKERFILE names no context"),
        ("FROM DOCKERFILE ctx", "file-not-found", "FROM DOCKERFILE needs ctx/Dockerfile, which does not exist"),
        ("FROM DOCKERFILE ../x", "file-not-found", "'../x' leads out of the checkout"),
    ],
)
def test_what_is_refused(command: str, fault: str, summary: str) -> None:
    assert refused(f"VERSION 0.8\nmain:\n  {command}\n")[:2] == (fault, f"Earthfile:3:3: {summary}")


def test_before_0_7_platforms_may_not_differ() -> None:
    text = "VERSION 0.6\nmain:\n  FROM --platform=linux/arm64 scratch\n"
    assert refused(text, platform=Platform())[:2] == ("invalid-arg", "Earthfile:3:3: --platform linux/arm64 contradicts the target's linux/amd64")


DOCKERFILE = "FROM scratch\nARG X=0\nENV D=$X\nCOPY f /f\nWORKDIR /d\n"


@pytest.mark.parametrize(
    ("command", "files", "directory"),
    [
        ("FROM DOCKERFILE --X=1 ctx", {"ctx/Dockerfile": DOCKERFILE, "ctx/f": ""}, "ctx"),
        ("FROM DOCKERFILE --build-arg X=1 -f other/D ./ctx", {"other/D": DOCKERFILE, "ctx/f": ""}, "ctx"),
    ],
)
def test_a_dockerfile_of_the_checkout(command: str, files: dict[str, str], directory: str) -> None:
    text = f"VERSION 0.8\nmain:\n  {command.replace('--X=1 ctx', 'ctx --X=1')}\n  ENV AFTER=$D\n"
    found = evaluated(text, files=files)
    assert (dict(found.image.config.env)["AFTER"], found.image.config.workdir) == ("1", "/d")
    source = copies(found.image.tree)[0].sources[0]
    assert (source.directory, source.whole) == (directory, True)  # type: ignore[union-attr]
    assert found.commands == (
        "VERSION 0.8",
        "END",
        text.splitlines()[2].strip(),
        "FROM scratch",
        "ARG X=0",
        "ENV D=$X",
        "COPY f /f",
        "WORKDIR /d",
        "ENV AFTER = $D",
        "END",
    )


def test_a_dockerfile_among_artifacts() -> None:
    text = """
        VERSION 0.8
        main:
          FROM DOCKERFILE +ctx/c --X=1
        ctx:
          FROM scratch
          COPY --dir src /
          SAVE ARTIFACT /src c
    """
    found = evaluated(text, files={"src/Dockerfile": DOCKERFILE, "src/f": ""})
    assert dict(found.image.config.env)["D"] == "1"


def test_a_dockerfile_of_its_own_sees_earthlys_files_not_and_the_ignore_file_of_its_context() -> None:
    files = {"ctx/Dockerfile": DOCKERFILE, "ctx/.dockerignore": "f\n"}
    source = copies(evaluated("VERSION 0.8\nmain:\n  FROM DOCKERFILE ctx\n", files=files).image.tree)[0].sources[0]
    assert source.ignored == ("f", ".tmp-earthly-out/", "build.earth", "Earthfile", ".earthignore", ".earthlyignore")  # type: ignore[union-attr]


def test_a_dockerfile_out_of_a_base_image_cannot_be_read_here() -> None:
    text = "VERSION 0.8\nmain:\n  FROM DOCKERFILE +ctx/c\nctx:\n  FROM busybox\n  SAVE ARTIFACT /c\n"
    assert refused(text)[:2] == (
        "needs-earthly",
        "Earthfile:3:3: /c/Dockerfile comes out of a base image and has to be read, which only Earthly can do",
    )
    assert refused(text.replace("busybox", "scratch"))[:2] == ("file-not-found", "Earthfile:3:3: /c/Dockerfile is not among the artifacts")
