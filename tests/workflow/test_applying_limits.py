"""A registry that limits requests: one wait for all builds that talk to it, as long as it asks for, and who hides that is asked again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from matrixbuild.adapters.engines.base import Engine, Made, Order
from matrixbuild.adapters.registries import Registries
from matrixbuild.core.events import Paused, Report, Resumed, State
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.happenings import BuildMoved, Happening, Waited
from matrixbuild.workflow.applying import Applied, Listener, apply_manifest
from matrixbuild.workflow.engines import engine_of
from matrixbuild.workflow.performing import with_wait
from matrixbuild.workflow.planning import Prepared
from tests.fakes.memory_registry import MemoryRegistry, memory_registry
from tests.projects import MANIFEST, SmallProject, small_project

SCHEDULE = "  schedule: {limits: {cpu: 2}, retry: {attempts: 2, wait: {initial: 1ms, max: 1m}}}\n"
BUILDS = 4


@pytest.fixture
def registry() -> Iterator[MemoryRegistry]:
    with memory_registry() as running:
        yield running


def project_of(root: Path, registry: MemoryRegistry, schedule: str = SCHEDULE) -> SmallProject:
    return small_project(root, registry=f"{registry.host}/edge", manifest=f"{MANIFEST}{schedule}")


class Heard:
    """Everything that an apply tells, each with when it was told."""

    def __init__(self) -> None:
        self.happenings: list[tuple[float, Happening]] = []

    def listener(self) -> Listener:
        return Listener(
            on_plan=lambda _: None, on_report=lambda _, __: None, on_happening=lambda told: self.happenings.append((time.monotonic(), told))
        )

    def waits(self) -> list[tuple[float, Paused | Resumed]]:
        return [(at, told.what) for at, told in self.happenings if isinstance(told, Waited)]

    def moves(self) -> list[tuple[float, Report]]:
        return [(at, told.report) for at, told in self.happenings if isinstance(told, BuildMoved)]


def built(applied: Applied) -> bool:
    return {outcome.state for outcome in applied.outcomes.values()} == {State.BUILT}


def test_one_wait_for_all_builds_of_a_registry(tmp_path: Path, registry: MemoryRegistry) -> None:
    """The first push is refused with a Retry-After, and so is everything until that is over: nobody asks before."""
    asked: list[float] = []
    early: list[str] = []

    def limit(method: str, path: str) -> dict[str, str] | None:
        if not asked and method == "POST":
            asked.append(time.monotonic())
            return {"Retry-After": "1"}
        if asked and time.monotonic() < asked[0] + 1:
            early.append(path)
            return {"Retry-After": "1"}
        return None

    registry.limit = limit
    heard = Heard()
    applied = apply_manifest(project_of(tmp_path, registry).manifest, heard.listener())
    assert built(applied)
    (first, pause), *_, (last, resumed) = heard.waits()
    assert isinstance(pause, Paused)
    assert (pause.host, pause.seconds, pause.failure.kind) == (registry.host, 1.0, FailureKind.REGISTRY)
    assert resumed == Resumed(cause=pause.cause)
    # At most the one build that ran beside it has met the limit too: no other one with an image began before the wait was over.
    assert len(registry.refused) <= 2
    assert len(early) <= 1
    began = [report.build for at, report in heard.moves() if report.state is State.RUNNING and first < at < last]
    assert [name for name in began if name.startswith("image[")] == []
    assert sum(report.state is State.RESTING for _, report in heard.moves()) == len(registry.refused)


def test_a_wait_that_is_longer_than_allowed_ends_the_build_with_its_host(tmp_path: Path, registry: MemoryRegistry) -> None:
    registry.limit = lambda method, _: {"Retry-After": "3600"} if method == "POST" else None
    heard = Heard()
    applied = apply_manifest(project_of(tmp_path, registry, SCHEDULE.replace("max: 1m}", "max: 1s}")).manifest, heard.listener())
    failures = [outcome.failure for outcome in applied.outcomes.values() if outcome.failure]
    assert len(failures) == BUILDS
    for failure in failures:
        assert (failure.kind, failure.host, failure.retry_after) == (FailureKind.REGISTRY, registry.host, 3600.0)
        assert failure.summary.endswith("the registry limits requests (429 Too Many Requests), and asks to wait 3600 s")


class Hiding:
    """As Earthly: it says that requests are limited, and not for how long. The first build of each key fails so."""

    def __init__(self, engine: Engine, host: str) -> None:
        self._engine, self._host = engine, host
        self._failed = False

    def build(self, order: Order) -> Made:
        if order.push and not self._failed:
            self._failed = True
            raise BuildFailed(Failure(kind=FailureKind.REGISTRY, summary="429 Too Many Requests", host=self._host, retry_after=0.0))
        return self._engine.build(order)


def test_who_hides_the_wait_has_the_registry_asked_directly(tmp_path: Path, registry: MemoryRegistry) -> None:
    registry.limit = lambda _, path: {"Retry-After": "1"} if path == "/v2/" else None
    heard = Heard()

    def engine(prepared: Prepared) -> Engine:
        return Hiding(engine_of(prepared), registry.host)

    assert built(apply_manifest(project_of(tmp_path, registry).manifest, heard.listener(), engine=engine))
    assert [what.seconds for _, what in heard.waits() if isinstance(what, Paused)] == [1.0]
    assert registry.requests.count(("GET", "/v2/")) == 1


class TestAskingDirectly:
    def registries(self, tmp_path: Path) -> Registries:
        return Registries(base=tmp_path)

    def asked(self, tmp_path: Path, registry: MemoryRegistry, failure: Failure) -> float | None:
        return with_wait(failure, self.registries(tmp_path)).retry_after

    def test_its_answer_counts(self, tmp_path: Path, registry: MemoryRegistry) -> None:
        failure = Failure(kind=FailureKind.REGISTRY, summary="limited", retry_after=0.0, host=registry.host)
        assert self.asked(tmp_path, registry, failure) == 0.0
        registry.limit = lambda *_: {"Retry-After": "7"}
        assert self.asked(tmp_path, registry, failure) == 7.0
        registry.limit = lambda *_: {}
        assert self.asked(tmp_path, registry, failure) == 0.0

    def test_only_where_it_limits_requests_and_does_not_say_how_long(self, tmp_path: Path, registry: MemoryRegistry) -> None:
        registry.limit = lambda *_: {"Retry-After": "7"}
        for failure, wait in (
            (Failure(kind=FailureKind.REGISTRY, summary="limited", retry_after=3.0, host=registry.host), 3.0),
            (Failure(kind=FailureKind.REGISTRY, summary="502", host=registry.host), None),
            (Failure(kind=FailureKind.STEP, summary="a step", retry_after=0.0, host=registry.host), 0.0),
            (Failure(kind=FailureKind.REGISTRY, summary="limited", retry_after=0.0), 0.0),
        ):
            assert self.asked(tmp_path, registry, failure) == wait
        assert registry.requests == []

    def test_a_registry_that_cannot_be_reached_says_nothing(self, tmp_path: Path, registry: MemoryRegistry) -> None:
        failure = Failure(kind=FailureKind.REGISTRY, summary="limited", retry_after=0.0, host="127.0.0.1:1")
        assert self.asked(tmp_path, registry, failure) == 0.0
