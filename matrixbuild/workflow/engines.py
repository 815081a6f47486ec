"""What was prepared -> the engine that builds it: each order goes to the kind of engine that its build is for, made when the first one needs it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from matrixbuild.adapters.attempts import private_directory
from matrixbuild.adapters.engines.base import Engine, Made, Order, Remark, StoppableEngine, Tell, nobody, unheard
from matrixbuild.adapters.state import WORK_DIRECTORY
from matrixbuild.core.build import Build
from matrixbuild.core.failure import BuildFailed
from matrixbuild.core.names import LAYOUT_PREFIX, ImageName
from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.registry import Registry
from matrixbuild.workflow.planning import Prepared

if TYPE_CHECKING:
    from matrixbuild.adapters.engines.earthly.builders import Builders


def engine_of(prepared: Prepared) -> Engine:
    """The engine of all builds of a manifest. Nothing of it is opened yet."""
    if prepared.engine == "embedded" and not any(build.docker for build in prepared.selected):
        return _embedded(prepared)
    return Engines(prepared)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hears:
    """Who is told of what goes on: `tell` where builds are, `remark` what a person ought to know of this machine."""

    tell: Tell = nobody
    remark: Remark = unheard


class Engines:
    """Engines by kind, each opened once. Any thread may build; `close` ends what runs and lets go of everything."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self._lock = threading.Lock()
        self._open: dict[str, Engine] = {}
        self._held = ExitStack()

    def ready(self, builds: Iterable[Build], tell: Tell = nobody, remark: Remark = unheard) -> None:
        """Open what these builds need: program, builder, secrets. Raises UnusableError."""
        hears = Hears(tell=tell, remark=remark)
        wanted = tuple(builds)
        with self._lock:
            try:
                for kind in sorted({self._kind(docker=bool(build.docker)) for build in wanted}):
                    self._opened(kind, [build for build in wanted if self._kind(docker=bool(build.docker)) == kind], hears)
            except BaseException:
                self._held.close()
                raise

    def build(self, order: Order) -> Made:
        """Raises BuildFailed."""
        with self._lock:
            # Ready since long in an apply; an engine around this one may not have asked for it.
            found = self._opened(self._kind(docker=order.docker is not None), self._prepared.selected, Hears())
        return found.build(order)

    def stop(self, key: str, *, now: bool) -> None:
        with self._lock:
            engines = tuple(self._open.values())
        for engine in engines:
            if isinstance(engine, StoppableEngine):
                engine.stop(key, now=now)

    def close(self) -> None:
        self._held.close()

    def _kind(self, *, docker: bool) -> str:
        return "docker" if docker else self._prepared.engine

    def _opened(self, kind: str, builds: Iterable[Build], hears: Hears) -> Engine:
        if kind not in self._open:
            self._open[kind] = _OPENERS[kind](self._prepared, tuple(builds), hears, self._held)
        return self._open[kind]


def _embedded(prepared: Prepared) -> Engine:
    """Over the snapshot that was planned; base images by the digests that were pinned."""
    from matrixbuild.adapters.engines.embedded.engine import EmbeddedEngine

    manifest, pins = prepared.manifest, dict(prepared.pins.images)

    def locate(ref: str) -> tuple[Registry, ImageName]:
        name = ImageName.parse(ref, layout=manifest.layout)
        found = name.with_digest(pins[ref]) if pins.get(ref) else name
        return prepared.registries.for_build(found), found

    work = prepared.project.state(manifest.name) / WORK_DIRECTORY
    checkout = partial(prepared.trees.of, reveal=True)
    return EmbeddedEngine(checkout=checkout, locate=locate, registry=prepared.registries.for_build, work=work)


def _open_embedded(prepared: Prepared, _builds: tuple[Build, ...], _hears: Hears, _held: ExitStack) -> Engine:
    return _embedded(prepared)


def _open_earthly(prepared: Prepared, builds: tuple[Build, ...], hears: Hears, held: ExitStack) -> Engine:
    """A program that is there, a builder that answers, and the secrets of these builds; all of it goes with `held`. Raises UnusableError."""
    from matrixbuild.adapters.children import Children
    from matrixbuild.adapters.engines.earthly.checkouts import Checkouts
    from matrixbuild.adapters.engines.earthly.engine import EarthlyEngine, Machine, Neighbours
    from matrixbuild.adapters.git_mirror import cache_directory
    from matrixbuild.workflow.benches import bench_of, program_of
    from matrixbuild.workflow.secrets import secrets_of

    _check_layout(builds, "Earthly")
    manifest = prepared.manifest
    work = prepared.project.state(manifest.name) / WORK_DIRECTORY
    program = program_of(prepared)
    secrets = secrets_of(prepared.expansion, builds, prepared.project.manifest.parent)
    children = held.enter_context(Children())
    configs = held.enter_context(_usable(work))
    bench = bench_of(prepared, program, builds, held, children=children, work=configs, remark=hears.remark)
    _check_answers(bench.builders)
    checkouts = held.enter_context(
        Checkouts(
            prepared.trees.checked_out,
            hidden=prepared.trees.hidden,
            cache=cache_directory(os.environ),
            private=work,
            narrowed=prepared.narrowed.of,
        )
    )
    # A checkout is named by all that the source holds: what was read for that need not be read again the next time.
    held.callback(prepared.trees.remember)
    machine = Machine(
        program=bench.program.path,
        environ=os.environ,
        seen=bench.seen,
        work=work,
        patterns=manifest.schedule.retry.patterns,
        vessel=bench.vessel,
    )
    neighbours = Neighbours(
        builders=bench.builders,
        checkout=checkouts.of,
        secrets=secrets.of,
        insecure=prepared.registries.insecure,
        tell=hears.tell,
    )
    engine = EarthlyEngine(machine, neighbours, children)
    # First of all that is let go: nothing may run any more when its checkout goes.
    held.callback(engine.close)
    return engine


def _open_docker(prepared: Prepared, builds: tuple[Build, ...], hears: Hears, held: ExitStack) -> Engine:
    from matrixbuild.workflow.dockerfiles import open_docker

    _check_layout(builds, "Docker")
    return open_docker(prepared, builds, hears.tell, held)


_OPENERS: Mapping[str, Callable[[Prepared, tuple[Build, ...], Hears, ExitStack], Engine]] = {
    "embedded": _open_embedded,
    "earthly": _open_earthly,
    "docker": _open_docker,
}


def _check_layout(builds: Iterable[Build], engine: str) -> None:
    place = next((build.place for build in builds if build.image and build.image.registry.startswith(LAYOUT_PREFIX)), None)
    if place:
        summary = f"{engine} pushes to registries, and the manifest's is an image layout"
        hint = "give spec.registry a registry; a layout is for the embedded engine"
        raise UnusableError(Problem(summary=summary, place=place, hint=hint, code="layout-engine"))


@contextmanager
def _usable(work: Path) -> Iterator[Path]:
    """A directory for what only this run may read."""
    with ExitStack() as stack:
        try:
            directory = stack.enter_context(private_directory(work))
        except BuildFailed as error:
            raise UnusableError(Problem(summary=error.failure.summary, hint=error.failure.hint, code="state")) from error
        yield directory


def _check_answers(builders: Builders) -> None:
    """One of them has to; the others may come later."""
    try:
        with builders.taken(""):
            return
    except BuildFailed as error:
        raise UnusableError(Problem(summary=error.failure.summary, hint=error.failure.hint, code="builder")) from error
