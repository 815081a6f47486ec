"""A target, its platform and the features of its Earthfile in, the built-in ARGs it can declare out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from matrixbuild.core.earthfile.features import Features
from matrixbuild.core.earthfile.values import Value, plain_value, unknown_value
from matrixbuild.core.names import Platform

_PLATFORM = tuple(f"{whose}{what}" for whose in ("TARGET", "USER", "NATIVE") for what in ("PLATFORM", "OS", "ARCH", "VARIANT"))
_EARTHLY = (
    "BUILD_SHA CI CI_RUNNER GIT_AUTHOR GIT_AUTHOR_EMAIL GIT_AUTHOR_NAME GIT_BRANCH GIT_COMMIT_AUTHOR_TIMESTAMP GIT_COMMIT_TIMESTAMP "
    "GIT_CO_AUTHORS GIT_HASH GIT_ORIGIN_URL GIT_ORIGIN_URL_SCRUBBED GIT_PROJECT_NAME GIT_REFS GIT_SHORT_HASH GIT_TAG LOCALLY PUSH SOURCE_DATE_EPOCH "
    "TARGET TARGET_NAME TARGET_PROJECT TARGET_PROJECT_NO_TAG TARGET_TAG TARGET_TAG_DOCKER VERSION"
)
RESERVED = frozenset({*_PLATFORM, *(f"EARTHLY_{name}" for name in _EARTHLY.split())})
"""Names that no caller may give a value."""

OF_GIT = frozenset(name for name in RESERVED if name.startswith("EARTHLY_GIT_"))
"""What tells of the git repository that an Earthfile is in: empty in a build, whose checkout has no .git."""

_ALIKE = frozenset({"EARTHLY_LOCALLY", "EARTHLY_TARGET_NAME", *(name for name in _PLATFORM if name.startswith("TARGET"))})
UNKNOWN_BEFORE = RESERVED - _ALIKE
"""The built-ins that a partial evaluation does not know: they tell of the checkout's git and path, of the program, of the call's flags and of
the machine, and those of a plan need not be those of a build."""

UNKNOWN_VALUES: Mapping[str, Value] = {name: unknown_value(name) for name in sorted(UNKNOWN_BEFORE)}
"""What stands for them."""

EARTHLY_VERSION = "v0.8.16"
"""The Earthly whose behaviour the evaluator follows."""


def builtin_args(*, directory: str, target: str, features: Features, push: bool) -> dict[str, str]:
    """Values of the built-ins that do not depend on a platform.

    `directory` is relative to the checkout. A checkout is no git working tree to us (its commit is a pin, not a fact of the files), so
    EARTHLY_GIT_* are missing and EARTHLY_SOURCE_DATE_EPOCH is 0, as in Earthly outside of git.
    """
    project = f"./{directory}" if directory else ""
    found = {
        "EARTHLY_TARGET": f"{project}+{target}",
        "EARTHLY_TARGET_PROJECT": project,
        "EARTHLY_TARGET_PROJECT_NO_TAG": project,
        "EARTHLY_TARGET_NAME": target,
        "EARTHLY_TARGET_TAG": "",
        "EARTHLY_TARGET_TAG_DOCKER": "latest",
        "EARTHLY_SOURCE_DATE_EPOCH": "0",
    }
    gated = (
        (features.wait_block, {"EARTHLY_PUSH": str(push).lower()}),
        (features.earthly_version_arg, {"EARTHLY_VERSION": EARTHLY_VERSION, "EARTHLY_BUILD_SHA": ""}),
        (features.ci_arg, {"EARTHLY_CI": "false"}),
        (features.earthly_locally_arg, {"EARTHLY_LOCALLY": "false"}),
        (features.earthly_ci_runner_arg, {"EARTHLY_CI_RUNNER": "false"}),
    )
    for on, values in gated:
        if on:
            found |= values
    return found


def builtin_values(*, directory: str, target: str, features: Features, push: bool) -> dict[str, Value]:
    """The same as values."""
    return {name: plain_value(text) for name, text in builtin_args(directory=directory, target=target, features=features, push=push).items()}


def platform_args(whose: str, platform: Platform) -> dict[str, str]:
    """TARGETPLATFORM, TARGETOS, TARGETARCH and TARGETVARIANT (or USER..., NATIVE...)."""
    return {
        f"{whose}PLATFORM": str(platform),
        f"{whose}OS": platform.os,
        f"{whose}ARCH": platform.architecture,
        f"{whose}VARIANT": platform.variant,
    }


@lru_cache(maxsize=64)
def platform_values(whose: str, platform: Platform) -> dict[str, Value]:
    """The same as values; not to be changed."""
    return {name: Value(text=value) for name, value in platform_args(whose, platform).items()}


NOT_LOCAL = Value(text="false")
"""EARTHLY_LOCALLY where nothing runs on the machine that builds."""
