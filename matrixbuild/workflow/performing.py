"""A build and the digests of what it needs -> an order, performed by an engine, logged, and read back from the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Self

from matrixbuild.adapters.attempt_logs import attempt_directory, forget_old, logged
from matrixbuild.adapters.engines.base import Engine, Order, PreparingEngine, Remark, StoppableEngine, Tell, nobody, unheard
from matrixbuild.adapters.image_facts import key_of, locked_image
from matrixbuild.adapters.image_moves import holds_image
from matrixbuild.adapters.registries import Registries
from matrixbuild.adapters.thinning import Thinned
from matrixbuild.core.build import Build, with_needs
from matrixbuild.core.events import Run
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.journal import Performed
from matrixbuild.core.lock import LockedArtifact, LockedImage
from matrixbuild.core.lock_merge import Output
from matrixbuild.core.problems import UnusableError
from matrixbuild.core.registry import refused
from matrixbuild.core.usage import Progress
from matrixbuild.workflow.beginnings import Beginnings
from matrixbuild.workflow.common_work import Sent
from matrixbuild.workflow.planning import Planned

_NOTHING: Mapping[str, Sent] = {}
_OFTEN = 0.25
"""Seconds between two words about the progress of one build."""


class Performing:
    """How the builds of one run are ordered and performed, while this context is open; those that run for their files alone push nothing. `order` is
    called where the schedule is, `perform` in any thread. `tell` hears in a thread of its own where running builds are, by their names: of each one
    not too often, its last word always, and nothing of one that has ended. `remark` hears what a person ought to know of the machine. `sent` are, by
    build, files that others wait for; `uploaded` hears in any thread, once an attempt, that those of a build are with its builder.

    Raises UnusableError on its way in where this machine lacks what the builds of the plan need.
    """

    def __init__(
        self,
        found: Planned,
        engine: Engine,
        digests: Mapping[str, str],
        *,
        run: int,
        tell: Tell = nobody,
        remark: Remark = unheard,
        sent: Mapping[str, Sent] = _NOTHING,
        uploaded: Callable[[str], None] = lambda _: None,
    ) -> None:
        prepared = found.prepared
        self._prepared = prepared
        self._kept = found.images
        self._engine = engine
        self._remark = remark
        self._digests = digests
        self._builds = {build.name: build for build in prepared.builds}
        self._images = {build.key: build.image for build in prepared.builds if build.image}
        self._state = prepared.project.state(prepared.manifest.name)
        self._run = run
        self._wanted = tuple(build for build in prepared.builds if build.name in found.plan.to_build)
        self._names = {build.key: build.name for build in self._wanted}
        self._begins = Beginnings(prepared)
        self._sent = sent
        self._uploaded = uploaded
        self._told: set[str] = set()
        self._narrowed = frozenset(build.key for build in self._wanted if prepared.narrowed.holds(build))
        self._running: set[str] = set()
        self._progress = Thinned(tell, seconds=_OFTEN)
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
            prefix=self._begins.prefix(build),
            builder=self._begins.builder(build),
            sent=self._sent.get(build.name, ()),
        )

    def _needed(self, build: Build) -> dict[str, str]:
        keys = [key for _, key in build.needs if key in self._images and key in self._digests]
        return {key: str(self._images[key].with_digest(self._digests[key])) for key in keys}

    def stop(self, build: str, *, now: bool) -> None:
        """End the attempt of this build, where its engine can; its failure comes all the same."""
        if isinstance(self._engine, StoppableEngine):
            self._engine.stop(self._builds[build].key, now=now)

    def __enter__(self) -> Self:
        if isinstance(self._engine, PreparingEngine):
            self._engine.ready(self._wanted, self._heard, self._remark)
        return self

    def _heard(self, key: str, progress: Progress) -> None:
        if key not in self._running:
            return
        if progress.uploaded and key not in self._told:
            self._told.add(key)
            self._uploaded(self._names[key])
        if str(progress) or progress.line:
            self._progress.say(self._names[key], progress)

    def __exit__(self, *_: object) -> None:
        if isinstance(self._engine, StoppableEngine):
            self._engine.close()
        self._progress.close()

    def perform(self, order: Order) -> Performed:
        """Raises BuildFailed."""
        self._running.add(order.key)
        try:
            return self._performed(order)
        except BuildFailed as error:
            raise BuildFailed(with_wait(error.failure, self._prepared.registries)) from error
        finally:
            self._running.discard(order.key)
            self._told.discard(order.key)
            self._progress.forget(self._names[order.key])

    def _performed(self, order: Order) -> Performed:
        with logged(_log_of(order), _command(order, self._prepared.engine)):
            made = self._engine.build(order)
            artifacts = {name: LockedArtifact(sha256=digest.removeprefix("sha256:"), size=size) for name, digest, size in made.artifacts}
            image = self._kept.get(order.key) or read_back(order, self._prepared.registries)
            narrowed = order.key in self._narrowed
            return Performed(output=Output(image=image, artifacts=tuple(sorted(artifacts.items())), narrowed=narrowed), usage=made.usage)


def with_wait(failure: Failure, registries: Registries) -> Failure:
    """A failure of a registry that limits requests, with how long it asks to wait: programs that were refused hide that, so it is asked itself."""
    if failure.kind is not FailureKind.REGISTRY or not failure.host or failure.retry_after != 0:
        return failure
    asked = registries.asked_wait(failure.host)
    return replace(failure, retry_after=asked) if asked else failure


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
    """What the registry has under the content tag: it alone says whether a push happened, and with which digest (design.md 9). The image has to
    say itself that it is of this build: whoever else pushes to the repository may have been there in between."""
    if order.push is None:
        return None
    registry, repository = registries.for_build(order.push), order.push.repository
    try:
        manifest = registry.manifest(repository, order.push.tag)
        if manifest and holds_image(registry, repository, manifest.digest):
            if key_of(registry, repository, manifest) == order.key:
                return locked_image(registry, repository, manifest)
            summary = f"the push ended well, and yet {order.push} holds an image that is not of this build"
            hint = "find out who else pushes to that tag"
            raise BuildFailed(Failure(kind=FailureKind.PUSH, summary=summary, hint=hint))
    except UnusableError as error:
        raise BuildFailed(refused(error, FailureKind.REGISTRY, host=order.push.registry)) from error
    # Seen with docker-registry: what its cache still promises is not written again, though the file is gone or cut off.
    summary = f"the push ended well, and yet {order.push.registry} does not have the {'whole ' if manifest else ''}image"
    hint = "look at the registry's storage; one that lost files takes them again after a restart, or once the broken ones are removed"
    if manifest is None:
        hint = f"an image without layers never arrives: copy at least one file into it; else {hint}"
    raise BuildFailed(Failure(kind=FailureKind.PUSH, summary=summary, hint=hint))
