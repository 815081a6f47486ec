"""A machine without Earthly, or a manifest that names an image of it -> whether it could run through Docker, and what is there of that already."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping

from matrixbuild.adapters.docker_engine import DockerEngine, container_state, has_image
from matrixbuild.adapters.engines.earthly.programs import search_program
from matrixbuild.core.checkup import Check, fail, warn
from matrixbuild.core.engine_use import DEFAULT_IMAGE
from matrixbuild.core.problems import UnusableError
from matrixbuild.core.shared_builder import INSTALLATIONS, builder_name
from matrixbuild.core.surroundings import EngineUse
from matrixbuild.workflow.doctoring_needs import Needs

_SECONDS = 5


def in_docker(needs: Needs, use: EngineUse, engine: DockerEngine | None, environ: Mapping[str, str]) -> bool:
    """Whether that is how Earthly targets are built here: an image is named, or there is nothing else, and a Docker engine answers."""
    if not needs.may_have("earthly"):
        return False
    if use.image:
        return True
    try:
        return engine is not None and search_program(use, environ, base=needs.base).program is None
    except UnusableError:
        # A program that is there and cannot be used is to be mended: nothing else takes its place.
        return False


def check_contained(use: EngineUse, needs: Needs, environ: Mapping[str, str]) -> tuple[Check, ...]:
    """Image, client program and builder."""
    try:
        return tuple(_checks(use, needs, environ))
    except UnusableError as error:
        problem = error.problems[0]
        return (fail("program", f"Earthly is to run in Docker, and {problem.summary}", problem.hint, needed=needs.has("earthly")),)


def _checks(use: EngineUse, needs: Needs, environ: Mapping[str, str]) -> Iterator[Check]:
    image = use.image or DEFAULT_IMAGE
    there = "is here" if has_image(image, environ, seconds=_SECONDS) else "is pulled with the first build"
    host = environ.get("DOCKER_HOST", "unix://")
    if not host.startswith("unix://"):
        summary = f"Earthly cannot run in the containers of {host}: they would see the files of another machine"
        yield fail("program", summary, "unset DOCKER_HOST, or install Earthly here", needed=needs.has("earthly"))
    elif shutil.which("docker", path=environ.get("PATH", os.defpath)) is None:
        summary = "Earthly is to run in Docker, and its client program `docker` is not on PATH"
        yield fail("program", summary, "install it (docker-cli, docker-ce-cli, docker.io)", needed=needs.has("earthly"))
    else:
        yield Check(name="program", about=image, summary=f"Earthly runs in Docker: the image {image} {there}")
    if not use.builders:
        yield _builder(environ)


def _builder(environ: Mapping[str, str]) -> Check:
    names = [builder_name(installation, os.getuid()) for installation in INSTALLATIONS]
    states = {name: state for name in names if (state := container_state(name, environ, seconds=_SECONDS))}
    for name, state in states.items():
        if state == "running":
            return Check(name="builder", about=name, summary=f"the builder in Docker runs (container {name})")
    for name, state in states.items():
        return warn("builder", f"the builder in Docker (container {name}) is {state}", "the next build starts it again", about=name)
    return Check(name="builder", summary="the builder in Docker is made with the first build")
