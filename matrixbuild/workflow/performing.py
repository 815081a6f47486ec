"""A build and the digests of what it needs -> an order, performed by an engine, logged, and read back from the registry."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from matrixbuild.adapters.attempt_logs import attempt_directory, forget_old, logged
from matrixbuild.adapters.engines.base import Engine, Order, StoppableEngine
from matrixbuild.adapters.image_facts import locked_image
from matrixbuild.adapters.image_moves import holds_image
from matrixbuild.adapters.registries import Registries
from matrixbuild.core.build import Build, with_needs
from matrixbuild.core.events import Run
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.lock import LockedArtifact, LockedImage
from matrixbuild.core.lock_merge import Output
from matrixbuild.core.problems import UnusableError
from matrixbuild.workflow.planning import Planned


class Performing:
    """How the builds of one run are ordered and performed; those that run for their files alone push nothing. `order` is called where the schedule
    is, `perform` in any thread."""

    def __init__(self, found: Planned, engine: Engine, digests: Mapping[str, str], *, run: int) -> None:
        prepared = found.prepared
        self._prepared = prepared
        self._kept = found.images
        self._engine = engine
        self._digests = digests
        self._builds = {build.name: build for build in prepared.builds}
        self._images = {build.key: build.image for build in prepared.builds if build.image}
        self._state = prepared.project.state(prepared.manifest.name)
        self._run = run
        forget_old(self._state, run)

    def order(self, run: Run) -> Order:
        build = self._builds[run.build]
        return Order(
            earthly=build.earthly,
            args=tuple((name, with_needs(value, self._needed(build))) for name, value in build.passed),
            key=build.key,
            push=None if build.key in self._kept else build.content_image,
            artifacts=build.artifacts,
            output=self._prepared.project.output / build.slug,
            variant=build.variant,
            log=attempt_directory(self._state, self._run, build.slug, run.attempt),
            docker=build.docker,
            generation=build.inputs.generation,
            secrets=build.secrets,
            ambient=build.ambient,
            privileged=build.privileged,
            timeout=build.timeout,
            silence=self._prepared.manifest.schedule.silence,
        )

    def _needed(self, build: Build) -> dict[str, str]:
        keys = [key for _, key in build.needs if key in self._images and key in self._digests]
        return {key: str(self._images[key].with_digest(self._digests[key])) for key in keys}

    def stop(self, build: str, *, now: bool) -> None:
        """End the attempt of this build, where its engine can; its failure comes all the same."""
        if isinstance(self._engine, StoppableEngine):
            self._engine.stop(self._builds[build].key, now=now)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if isinstance(self._engine, StoppableEngine):
            self._engine.close()

    def perform(self, order: Order) -> Output:
        """Raises BuildFailed."""
        with logged(_log_of(order), _command(order, self._prepared.engine)):
            made = self._engine.build(order)
            artifacts = {name: LockedArtifact(sha256=digest.removeprefix("sha256:"), size=size) for name, digest, size in made.artifacts}
            image = self._kept.get(order.key) or read_back(order, self._prepared.registries)
            return Output(image=image, artifacts=tuple(sorted(artifacts.items())))


def _log_of(order: Order) -> Path:
    if order.log is None:
        raise AssertionError("an order of a run has a log")
    return order.log


def _command(order: Order, engine: str) -> list[str]:
    """The attempt in the words of a command line, for people: an engine with processes of its own logs those itself."""
    push = [f"--push={order.push}"] if order.push else []
    artifacts = [f"--artifact={path}={order.output.name}/{name}" for path, name in order.artifacts]
    return [engine, *push, *artifacts, order.earthly, *(f"--{name}={value}" for name, value in order.args)]


def read_back(order: Order, registries: Registries) -> LockedImage | None:
    """What the registry has under the content tag: it alone says whether a push happened, and with which digest (design.md 9)."""
    if order.push is None:
        return None
    registry, repository = registries.of(order.push), order.push.repository
    try:
        manifest = registry.manifest(repository, order.push.tag)
        if manifest and holds_image(registry, repository, manifest.digest):
            return locked_image(registry, repository, manifest)
    except UnusableError as error:
        problem = error.problems[0]
        raise BuildFailed(Failure(kind=FailureKind.REGISTRY, summary=problem.summary, hint=problem.hint)) from error
    # Seen with docker-registry: what its cache still promises is not written again, though the file is gone or cut off.
    summary = f"the push ended well, and yet {order.push.registry} does not have the {'whole ' if manifest else ''}image"
    hint = "look at the registry's storage; one that lost files takes them again after a restart, or once the broken ones are removed"
    raise BuildFailed(Failure(kind=FailureKind.PUSH, summary=summary, hint=hint))
