"""`schedule.onFailure` and `schedule.retry.on` of a manifest reach the scheduler, and people are told what they did."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from matrixbuild.adapters.engines.base import Engine
from matrixbuild.core.events import Report, State
from matrixbuild.core.failure import FailureKind
from matrixbuild.workflow.applying import Applied, Listener, apply_manifest
from matrixbuild.workflow.engines import engine_of
from matrixbuild.workflow.planning import Prepared
from tests.fakes.engines import Failing
from tests.projects import MANIFEST, SmallProject, small_project


def project_of(root: Path, schedule: str) -> SmallProject:
    return small_project(root, manifest=f"{MANIFEST}  schedule: {{limits: {{cpu: 1}}, {schedule}}}\n")


def applied(project: SmallProject, kinds: Mapping[str, FailureKind]) -> tuple[Applied, list[Report], Failing]:
    engines: list[Failing] = []
    reports: list[Report] = []

    def engine(prepared: Prepared) -> Engine:
        engines.append(Failing(engine_of(prepared), kinds))
        return engines[0]

    listener = Listener(on_plan=lambda plan: None, on_report=lambda report, made: reports.append(report))
    return apply_manifest(project.manifest, listener, engine=engine), reports, engines[0]


def states(found: Applied) -> dict[State, int]:
    ended = [outcome.state for outcome in found.outcomes.values()]
    return {state: ended.count(state) for state in set(ended)}


@pytest.mark.parametrize(
    ("on_failure", "limit"), [("keep-going", None), ("fail-fast", 1), ("{maxFailures: 1}", 1), ("{maxFailures: 2}", 2), ("{maxFailures: 9}", None)]
)
def test_on_failure(tmp_path: Path, on_failure: str, limit: int | None) -> None:
    project = project_of(tmp_path, f"retry: {{attempts: 1}}, onFailure: {on_failure}")
    found, reports, _ = applied(project, {"jammy": FailureKind.STEP})
    failed = limit or 3
    assert states(found)[State.FAILED] == failed
    skipped = [report for report in reports if report.state is State.SKIPPED]
    last = [report.build for report in reports if report.state is State.FAILED][-1]
    assert {(report.because, report.limit) for report in skipped} == ({(last, limit)} if limit else set())
    assert all(outcome.limit == limit for outcome in found.outcomes.values() if outcome.state is State.SKIPPED)


@pytest.mark.parametrize(
    ("on", "kind", "attempts"),
    [
        ("{network: true}", FailureKind.OOM, 2),
        ("{oom: false}", FailureKind.OOM, 1),
        ("{network: true}", FailureKind.STEP, 1),
        ("{network: false}", FailureKind.NETWORK, 1),
        ("{oom: false}", FailureKind.NETWORK, 2),
    ],
)
def test_retry_on(tmp_path: Path, on: str, kind: FailureKind, attempts: int) -> None:
    project = project_of(tmp_path, f"retry: {{attempts: 2, wait: {{initial: 1ms, max: 1ms}}, on: {on}}}")
    _, _, engine = applied(project, {"jammy": kind, "noble": kind})
    assert set(engine.attempts.values()) == {attempts}


LAYERLESS = "    COPY common /etc/common\n    COPY $OS.conf /etc/os.conf\n"


def test_a_person_is_told_what_stopped_the_run(tmp_path: Path) -> None:
    project = project_of(tmp_path, "retry: {attempts: 1}, onFailure: fail-fast")
    earthfile = project.root / "src" / "Earthfile"
    earthfile.write_text(earthfile.read_text().replace(LAYERLESS, ""))
    ended = project.run("apply", "small.yaml")
    assert ended.code == 4
    told = "schedule.onFailure starts nothing after 1 failure, and image[fips=false] was it"
    assert ended.err.count(f"({told})\n") == 3
    assert f"3 builds not started: {told}\n" in ended.err
    assert "registry: 1 failed, 3 skipped; 0 published, the lock is as it was\n" in ended.err
