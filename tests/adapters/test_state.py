"""One live run holds a state; a dead one holds nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from matrixbuild.adapters.state import held_state, holder_of
from matrixbuild.core.problems import BusyError, UnusableError

HOLDER = """
import sys, time
from pathlib import Path
from matrixbuild.adapters.state import held_state
with held_state(Path(sys.argv[1]), "edge", Path(sys.argv[1], "edge.yaml")):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_run_is_told_who_holds_the_state(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BusyError) as caught, held_state(tmp_path, "edge", tmp_path / "edge.yaml"):
            pass
        state = tmp_path / ".matrixbuild" / "edge"
        held_by = holder_of(state)
        assert held_by is not None
        assert held_by.pid == holder.pid
        assert datetime.now().astimezone() - datetime.fromisoformat(held_by.since) < timedelta(minutes=5)
        assert str(caught.value) == f"another run (process {holder.pid}, since {held_by.since}) holds the state {state}"
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    assert holder_of(state) is None
    with held_state(tmp_path, "edge", tmp_path / "edge.yaml") as directory:
        assert (holder_of(directory) or held_by).pid == os.getpid()
    assert holder_of(state) is None


def test_a_process_that_has_the_id_of_a_dead_holder_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "run.lock").write_text(f"{os.getpid()} 2026-01-01T00:00:00+00:00 1@another-boot\n")
    assert holder_of(tmp_path) is None


def test_a_state_belongs_to_the_manifest_that_made_it(tmp_path: Path) -> None:
    with held_state(tmp_path, "edge", tmp_path / "a.yaml"):
        pass
    with pytest.raises(BusyError) as caught, held_state(tmp_path, "edge", tmp_path / "b.yaml"):
        pass
    assert str(caught.value) == f"the state {tmp_path / '.matrixbuild' / 'edge'} was made by a.yaml, not by b.yaml"
    assert caught.value.problems[0].hint == "give the manifests different metadata.name values, or remove that directory if the other manifest is gone"


def test_a_manifest_is_the_same_however_its_directory_is_reached(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "link").symlink_to("project")
    for directory in ("project", "link", "project/../link"):
        with held_state(tmp_path / "project", "edge", tmp_path / directory / "a.yaml") as state:
            assert (state / "manifest").read_text() == "a.yaml\n"


def test_a_marker_that_a_killed_run_left_empty_is_nobodys_claim(tmp_path: Path) -> None:
    with held_state(tmp_path, "edge", tmp_path / "a.yaml") as directory:
        (directory / "manifest").write_text("")
    with held_state(tmp_path, "edge", tmp_path / "b.yaml") as directory:
        assert (directory / "manifest").read_text() == "b.yaml\n"


def test_what_a_killed_run_left_is_removed_and_unpacked_bases_are_kept(tmp_path: Path) -> None:
    for name in ("build-abc/layer-0.tar.gz", "layers/base"):
        file = tmp_path / ".matrixbuild" / "edge" / "work" / name
        file.parent.mkdir(parents=True)
        file.write_text("")
    with held_state(tmp_path, "edge", tmp_path / "a.yaml") as directory:
        assert [path.name for path in (directory / "work").iterdir()] == ["layers"]


def test_a_state_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / ".matrixbuild").write_text("a file, of all things")
    with pytest.raises(UnusableError) as caught, held_state(tmp_path, "edge", tmp_path / "a.yaml"):
        pass
    assert str(caught.value) == f"cannot use the state {tmp_path / '.matrixbuild' / 'edge'}: Not a directory"
    assert caught.value.problems[0].hint == "check its directory, its permissions and the space left"
