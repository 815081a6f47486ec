"""A build that finds the disk full: what is ours and old goes, that is told, and the build has another attempt."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrixbuild.adapters.engines.base import Engine
from matrixbuild.adapters.journal import open_journal
from matrixbuild.core.events import State
from matrixbuild.core.failure import FailureKind
from matrixbuild.core.happenings import Happening, SpaceFreed
from matrixbuild.workflow.applying import Listener, apply_manifest
from matrixbuild.workflow.engines import engine_of
from matrixbuild.workflow.planning import Prepared
from tests.fakes.commands import Commands, flaky, shell
from tests.projects import MANIFEST, small_project

SIZE = 64 * 1024
WANTED = 1 << 50


def test_old_logs_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    manifest = MANIFEST.replace("earthly: +notes\n", "earthly: +notes\n      resources: {disk: 1Pi}\n")
    retry = "  schedule: {retry: {attempts: 2, wait: {initial: 1ms, max: 1ms}}}\n"
    project = small_project(tmp_path, manifest=f"{manifest}{retry}")
    state = project.root / ".matrixbuild" / "small"
    state.mkdir(parents=True)
    with open_journal(state) as journal:
        for _ in range(3):
            journal.end(journal.begin(pid=1, now=0.0).number, exit_code=0, now=1.0)
    for run in (1, 2, 3):
        log = state / "runs" / str(run) / "a" / "1" / "stdout"
        log.parent.mkdir(parents=True)
        log.write_bytes(b"x" * SIZE)
    heard: list[Happening] = []

    def engine(prepared: Prepared) -> Engine:
        only = {build.slug for build in prepared.builds if build.target == "notes"}
        fails = flaky(FailureKind.DISK)
        return Commands(
            words=shell("true"), within=engine_of(prepared), fails=lambda order, attempt: fails(order, attempt) if order.output.name in only else None
        )

    listener = Listener(on_plan=lambda _: None, on_report=lambda _, __: None, on_happening=heard.append)
    applied = apply_manifest(project.manifest, listener, engine=engine)
    assert {outcome.state for outcome in applied.outcomes.values()} == {State.BUILT}
    freed = [told for told in heard if isinstance(told, SpaceFreed)]
    assert [(told.wanted, told.freed) for told in freed] == [(WANTED, 2 * SIZE), (WANTED, 0)]
    assert {told.build for told in freed} == {"notes[os=jammy]", "notes[os=noble]"}
    assert sorted(path.name for path in (state / "runs").iterdir()) == ["3", "4"]
