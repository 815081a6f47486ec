"""What an engine tells while it builds, and what its builds took, reaches who looks on, the events, the journal and the next schedule."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import jsonschema
import pytest

from matrixbuild.adapters.engines.base import Engine, Made, Order, Remark, Tell, nobody
from matrixbuild.adapters.journal import read_journal
from matrixbuild.cli.watching import watched
from matrixbuild.core.build import Build
from matrixbuild.core.events import State
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.happenings import BuildMoved, Happening, Progressed
from matrixbuild.core.schedule import Schedule
from matrixbuild.core.usage import Progress, Usage
from matrixbuild.workflow.applying import Listener, apply_manifest
from matrixbuild.workflow.engines import engine_of
from matrixbuild.workflow.planning import Prepared
from matrixbuild.workflow.scheduling import Outlook
from tests.checkout import ROOT
from tests.projects import MANIFEST, SmallProject, small_project

EVENTS = json.loads((ROOT / "schemas" / "events.schema.json").read_text(encoding="utf-8"))
STATUS = json.loads((ROOT / "schemas" / "status.schema.json").read_text(encoding="utf-8"))
STEPS = 1000
SPENT = Usage(memory=3 << 30, cpu=0.5)


class Telling:
    """Tells of every build in very many steps, from a thread of its own, also when it is over; builds of `fails` fail."""

    def __init__(self, engine: Engine, *, fails: str = "-") -> None:
        self._engine = engine
        self._fails = fails
        self._tell: Tell = nobody
        self.waited: list[str] = []

    def ready(self, builds: Iterable[Build], tell: Tell, _remark: Remark) -> None:
        self.waited = [build.name for build in builds]
        self._tell = tell

    def build(self, order: Order) -> Made:
        for step in range(1, STEPS + 1):
            self._tell(order.key, Progress(earthly="+image", step=step, steps=STEPS, cached=step // 2, line=f"line {step}"))
        # The last word is told within a quarter of a second, however many there were.
        time.sleep(0.4)
        if order.output.name.startswith(self._fails):
            raise BuildFailed(Failure(kind=FailureKind.OOM, summary="too little memory", usage=SPENT))
        made = self._engine.build(order)
        threading.Timer(0.05, self._tell, (order.key, Progress(step=STEPS + 1, steps=STEPS))).start()
        return Made(image=made.image, artifacts=made.artifacts, usage=SPENT)


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    return small_project(tmp_path, manifest=f"{MANIFEST}  schedule: {{limits: {{cpu: 6, memory: 8Gi}}, retry: {{attempts: 1}}}}\n")


def telling(prepared: Prepared) -> Engine:
    return Telling(engine_of(prepared))


def test_progress_is_thinned_and_its_last_word_is_always_told(project: SmallProject) -> None:
    heard: list[Happening] = []
    listener = Listener(on_plan=lambda _: None, on_report=lambda _, __: None, on_happening=heard.append)
    applied = apply_manifest(project.manifest, listener, engine=telling)
    for name in applied.outcomes:
        steps = [told.progress.step for told in heard if isinstance(told, Progressed) and told.build == name]
        assert steps == sorted(steps)
        assert steps[-1] == STEPS
        assert len(steps) <= 4
    ended = {told.report.build: index for index, told in enumerate(heard) if isinstance(told, BuildMoved) and told.report.state.final}
    assert all(index < ended[told.build] for index, told in enumerate(heard) if isinstance(told, Progressed))


class Sending(Telling):
    """Says again and again, and once more when it is over, that the files of a build are with its builder."""

    def build(self, order: Order) -> Made:
        for _ in range(3):
            self._tell(order.key, Progress(uploaded=True))
        made = self._engine.build(order)
        threading.Timer(0.05, self._tell, (order.key, Progress(uploaded=True))).start()
        return made


def test_word_of_files_that_nobody_waits_for_is_nothing_to_be_told(project: SmallProject) -> None:
    heard: list[Happening] = []
    listener = Listener(on_plan=lambda _: None, on_report=lambda _, __: None, on_happening=heard.append)
    applied = apply_manifest(project.manifest, listener, engine=lambda prepared: Sending(engine_of(prepared)))
    assert {outcome.state for outcome in applied.outcomes.values()} == {State.BUILT}
    assert [told for told in heard if isinstance(told, Progressed)] == []


def test_events_have_a_word_a_second_and_the_programs_log_none(project: SmallProject) -> None:
    with watched(events=str(project.root / "events"), junit=None, manifest=project.manifest) as watch:
        apply_manifest(project.manifest, watch.listener, engine=telling)
    found = [json.loads(line) for line in (project.root / "events").read_text(encoding="utf-8").splitlines()]
    for event in found:
        jsonschema.Draft202012Validator(EVENTS).validate(event)
    words = [event for event in found if event["event"] == "build-progressed"]
    assert {event["build"] for event in words} <= {event["build"] for event in found if event["event"] == "build-finished"}
    assert 1 <= len(words) <= 6
    assert {event["usage"]["memory"] for event in found if event["event"] == "build-finished"} == {SPENT.memory}
    log = "".join(path.read_text(encoding="utf-8") for path in (project.root / ".matrixbuild" / "small").rglob("matrixbuild.log*"))
    assert "built" in log
    assert "step" not in log


def test_what_builds_took_is_recorded_shown_and_reserved(project: SmallProject) -> None:
    def engine(prepared: Prepared) -> Engine:
        return Telling(engine_of(prepared), fails="notes-os-noble")

    outlooks: list[Outlook] = []

    def ahead(outlook: Outlook, _: Schedule) -> None:
        outlooks.append(outlook)

    quiet = Listener(on_plan=lambda _: None, on_report=lambda _, __: None, on_outlook=ahead)
    apply_manifest(project.manifest, quiet, engine=engine)
    with read_journal(project.root / ".matrixbuild" / "small") as journal:
        assert journal is not None
        attempts = journal.attempts(1)
        assert {attempt.usage for attempt in attempts} == {SPENT}
        assert {attempt.state for attempt in attempts} == {State.BUILT, State.FAILED}
        assert {sample.usage for samples in journal.samples().values() for sample in samples} == {SPENT}
    status = project.run("status", "--format", "json").json()
    jsonschema.Draft202012Validator(STATUS).validate(status)
    tries = [attempt for build in status["states"][0]["builds"] for attempt in build["attempts"]]
    assert {(attempt["memory"], attempt["cpu"]) for attempt in tries} == {(SPENT.memory, SPENT.cpu)}
    assert ", 3,072 MiB, 0.5 s of cpu\n" in project.run("status").out
    apply_manifest(project.manifest, quiet, engine=telling)
    first, second = outlooks
    assert {dict(build.amounts).get("memory") for build in first.builds} == {None}
    # A few attempts are doubted: half as much again, and the margin.
    assert [dict(build.amounts)["memory"] for build in second.builds] == [-(-int(3 * (1 << 30) * 1.5 * 11) // 10)]
