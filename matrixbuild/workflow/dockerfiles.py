"""Builds of Dockerfiles that were prepared -> the engine that builds them, with what it needs at hand."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack

from matrixbuild.adapters.children import Children
from matrixbuild.adapters.docker_engine import docker_engine
from matrixbuild.adapters.engines.base import Engine, Tell
from matrixbuild.adapters.engines.docker.clients import docker_client
from matrixbuild.adapters.engines.docker.engine import DockerEngine, DockerMachine, DockerNeighbours
from matrixbuild.adapters.engines.earthly.checkouts import Checkouts
from matrixbuild.adapters.git_mirror import cache_directory
from matrixbuild.adapters.state import WORK_DIRECTORY
from matrixbuild.core.build import Build
from matrixbuild.core.docker_reading import dockerfile_path
from matrixbuild.core.program import scrubbed
from matrixbuild.workflow.planning import Prepared
from matrixbuild.workflow.secrets import secrets_of

_SECONDS = 10


def open_docker(prepared: Prepared, builds: Sequence[Build], tell: Tell, held: ExitStack) -> Engine:
    """A client that can build, an engine that answers, and the secrets of these builds; all of it goes with `held`. Raises UnusableError."""
    project, manifest = prepared.project, prepared.manifest
    work = project.state(manifest.name) / WORK_DIRECTORY
    program = docker_client()
    docker_engine(seconds=_SECONDS)
    secrets = secrets_of(prepared.expansion, builds, project.manifest.parent)
    checkouts = held.enter_context(
        Checkouts(
            prepared.trees.checked_out,
            hidden=prepared.trees.hidden,
            cache=cache_directory(os.environ),
            # Of its own: each engine clears away what is private at its end.
            private=work / "build-dockerfiles",
            dockerfiles={dockerfile_path(build.docker.context, build.docker.dockerfile) for build in builds if build.docker},
        )
    )
    held.callback(prepared.trees.remember)
    machine = DockerMachine(program=program, environ=os.environ, seen=scrubbed(os.environ), work=work, patterns=manifest.schedule.retry.patterns)
    neighbours = DockerNeighbours(checkout=checkouts.of, secrets=secrets.of, tell=tell)
    engine = DockerEngine(machine, neighbours, held.enter_context(Children()))
    # First of all that is let go: nothing may run any more when its checkout goes.
    held.callback(engine.close)
    return engine
