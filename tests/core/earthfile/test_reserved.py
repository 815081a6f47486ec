"""Built-in ARGs of each VERSION."""

from __future__ import annotations

from matrixbuild.core.earthfile.features import Features, features
from matrixbuild.core.earthfile.reserved import RESERVED, builtin_args, platform_args
from matrixbuild.core.earthfile.syntax import Version
from matrixbuild.core.names import Platform
from matrixbuild.core.problems import Place


def version(number: str) -> Features:
    return features(Version(args=(number,), place=Place(file="Earthfile", line=1)), file="Earthfile")


def test_a_target_of_a_directory() -> None:
    assert builtin_args(directory="a/b", target="t", features=version("0.6"), push=True) == {
        "EARTHLY_TARGET": "./a/b+t",
        "EARTHLY_TARGET_PROJECT": "./a/b",
        "EARTHLY_TARGET_PROJECT_NO_TAG": "./a/b",
        "EARTHLY_TARGET_NAME": "t",
        "EARTHLY_TARGET_TAG": "",
        "EARTHLY_TARGET_TAG_DOCKER": "latest",
        "EARTHLY_SOURCE_DATE_EPOCH": "0",
    }


def test_later_versions_have_more() -> None:
    before = builtin_args(directory="", target="t", features=version("0.6"), push=True)
    after = builtin_args(directory="", target="t", features=version("0.8"), push=True)
    assert {name: after[name] for name in after if name not in before} == {
        "EARTHLY_PUSH": "true",
        "EARTHLY_VERSION": "v0.8.16",
        "EARTHLY_BUILD_SHA": "",
        "EARTHLY_CI": "false",
        "EARTHLY_LOCALLY": "false",
    }


def test_every_builtin_is_reserved() -> None:
    given = builtin_args(directory="", target="t", features=version("0.8"), push=False) | platform_args("TARGET", Platform(variant="v1"))
    assert set(given) <= RESERVED
    assert platform_args("TARGET", Platform(architecture="arm", variant="v7")) == {
        "TARGETPLATFORM": "linux/arm/v7",
        "TARGETOS": "linux",
        "TARGETARCH": "arm",
        "TARGETVARIANT": "v7",
    }
