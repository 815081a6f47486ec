"""A Dockerfile build as an engine is asked for it -> the command lines of the Docker client that build it, push it and forget it again."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matrixbuild.core.demand import DockerDemand
from matrixbuild.core.docker_reading import dockerfile_path
from matrixbuild.core.images import KEY_LABEL

_VALUE = "MATRIXBUILD_SECRET_{}"
"""A variable for the value of a secret: its own name may be none (pro-attach-config)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dockerfile:
    """A Dockerfile of a checkout (its absolute path), and the image that it is to become, with the build key for its label.

    `args` are given by value, `ambient` and `secrets` by name: their values are in the environment of the call (see `secret_variables`).
    """

    checkout: str
    demand: DockerDemand
    image: str
    key: str
    args: tuple[tuple[str, str], ...] = ()
    ambient: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


def build_words(program: str, wanted: Dockerfile) -> tuple[str, ...]:
    """The image is made and given its name; `--pull`: a base image that the daemon has from before may be another than its registry's by now."""
    demand = wanted.demand
    return (
        program,
        "build",
        "--progress=plain",
        "--pull",
        "--file",
        posixpath.join(wanted.checkout, dockerfile_path(demand.context, demand.dockerfile)),
        "--tag",
        wanted.image,
        "--label",
        f"{KEY_LABEL}={wanted.key}",
        *(("--platform", demand.platform) if demand.platform else ()),
        *(word for name, value in wanted.args for word in ("--build-arg", f"{name}={value}")),
        # By its name alone: what it is no process of this machine may read in ours.
        *(word for name in wanted.ambient for word in ("--build-arg", name)),
        *(word for name, variable in secret_variables(wanted.secrets) for word in ("--secret", f"id={name},env={variable}")),
        posixpath.normpath(posixpath.join(wanted.checkout, demand.context)),
    )


def push_words(program: str, image: str) -> tuple[str, ...]:
    return (program, "push", image)


def forget_words(program: str, image: str) -> tuple[str, ...]:
    """The name that the daemon knows the image by; what it was made of stays in its cache."""
    return (program, "image", "rm", image)


def secret_variables(names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """(secret, variable of the call that holds its value)."""
    return tuple((name, _VALUE.format(number)) for number, name in enumerate(names))


def docker_environment(seen: Mapping[str, str], *, ambient: Sequence[tuple[str, str]], secrets: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The environment of the calls: what they may see of ours, and the values that they are given by name.

    Classic builds know neither secrets nor what a Dockerfile's COPY skips: BuildKit is asked for, wherever it is not the default.
    """
    variables = dict(secret_variables([name for name, _ in secrets]))
    return {**seen, **dict(ambient), **{variables[name]: value for name, value in secrets}, "DOCKER_BUILDKIT": "1"}
