"""A disk that is full or broken at any write of journal or lock: told with the path, nothing half written, and the next run goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.kills.test_kills import check_release
from tests.kills.world import ALL, Executions, command, ended, release, start
from tests.projects import SmallProject

SOAK = bool(os.environ.get("MATRIXBUILD_SOAK"))
WRITES = ("pwrite64", "fsync", "fdatasync", "ftruncate")
MOST = 400
STRACE = ("strace", "-f", "-qq")
# Without it, each call of a traced process stops it twice, whether it is asked for or not. With it, strace 6.1 sends none of the signals it should.
FAST = "--seccomp-bpf"


def traceable() -> bool:
    tool = shutil.which("strace")
    return tool is not None and subprocess.run([tool, "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not traceable(), reason="needs strace, and the right to trace")


def faulty(project: SmallProject, executions: Executions, inject: str, *paths: Path) -> tuple[int, str, bool]:
    """An apply under strace: its exit code, what it said, and whether a call was answered with an error of ours."""
    record = executions.path.with_name("strace")
    only = [word for path in paths for word in ("-P", str(path))]
    trace = f"trace={inject.partition(':')[0]}"
    fast = () if "signal=" in inject else (FAST,)
    traced = [*STRACE, *fast, "-o", str(record), *only, "-e", trace, "-e", f"inject={inject}", *command(project, executions)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(traced, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)
    return done.returncode, done.stderr, "(INJECTED)" in record.read_text()


def sweep(calls: int) -> list[int]:
    """All of so many, or a few that are spread over them."""
    return list(range(1, calls + 1)) if SOAK else sorted({1, calls // 2, calls - 1})


def changed(root: Path) -> tuple[SmallProject, Executions]:
    """A release that was applied once, and has something new to build."""
    project, executions = release(root / "one", tags="mutable"), Executions(path=root / "executions")
    ended(start(project, executions))
    (project.root / "src" / "app.txt").write_text("2\n")
    return project, executions


def journals(project: SmallProject) -> list[Path]:
    return [project.root / ".matrixbuild" / "small" / f"journal.db{end}" for end in ("", "-wal", "-shm")]


def calls(project: SmallProject, executions: Executions, names: str, *paths: Path) -> int:
    """How many such calls an apply makes (of a copy, so that there is as much to do again)."""
    copy = SmallProject(root=executions.path.parent / "copy")
    shutil.copytree(project.root, copy.root, symlinks=True)
    record = executions.path.with_name("calls")
    there = [copy.root / path.relative_to(project.root) for path in paths]
    only = [word for path in there for word in ("-P", str(path))]
    traced = [*STRACE, FAST, "-o", str(record), *only, "-e", f"trace={names}", *command(copy, Executions(path=record.with_name("none")))]
    subprocess.run(traced, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=True, timeout=300)
    shutil.rmtree(copy.root)
    return len([line for line in record.read_text().splitlines() if "resumed" not in line and "(" in line])


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_journal_that_cannot_be_written(tmp_path: Path, error: str) -> None:
    project, executions = changed(tmp_path)
    before = project.lock.read_bytes()
    names = "pwrite64,fdatasync,fsync"
    many = calls(project, executions, names, *journals(project))
    assert 20 < many < MOST
    met = 0
    for number in sweep(many):
        code, err, injected = faulty(project, executions, f"{names}:error={error}:when={number}+", *journals(project))
        assert "Traceback" not in err, err
        met += injected and code != 0
        if code:
            assert code == 8, err
            assert "journal.db" in err
        assert code == 0 or project.lock.read_bytes() == before or set(project.digests()) != set(), err
        if code == 0:
            break
    assert met
    ended(start(project, executions))
    check_release(project)
    assert set(executions.ended) == ALL


@pytest.mark.parametrize("error", ["ENOSPC", "EIO", "EMFILE"])
def test_a_journal_that_cannot_be_opened(tmp_path: Path, error: str) -> None:
    project, executions = changed(tmp_path)
    before = project.lock.read_bytes()
    code, err, injected = faulty(project, executions, f"openat:error={error}:when=1+", journals(project)[0])
    assert injected
    assert code == 8, err
    assert str(journals(project)[0]) in err
    assert "Traceback" not in err
    assert project.lock.read_bytes() == before
    ended(start(project, executions))
    check_release(project)


@pytest.mark.parametrize("call", ["rename,renameat2", "fsync", "pwrite64", "unlink"])
def test_kills_at_every_write_fsync_and_rename(tmp_path: Path, call: str) -> None:
    """Of lock, journal and image layout alike: whatever was on its way, the next run finishes, and builds nothing that the journal has."""
    project, executions = changed(tmp_path)
    many = calls(project, executions, call)
    killed = 0
    for number in sweep(min(many, MOST)):
        code, err, _ = faulty(project, executions, f"{call}:signal=SIGKILL:when={number}")
        assert code in (0, -9), err
        killed += code == -9
        assert project.lock.read_bytes().endswith(b"}\n")
        assert project.run("status").code == 0
        if code == 0:
            break
    assert killed
    ended(start(project, executions))
    check_release(project)


@pytest.mark.parametrize("error", ["ENOSPC", "EIO", "EMFILE"])
@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_lock_that_cannot_be_written(tmp_path: Path, error: str, call: str) -> None:
    project, executions = changed(tmp_path)
    ended(start(project, executions, point="tagged:6"), (-9,))
    before = project.lock.read_bytes()
    code, err, injected = faulty(project, executions, f"{call}:error={error}:when=1+")
    assert injected
    assert code == 8, err
    assert str(project.lock) in err
    assert "Traceback" not in err
    assert project.lock.read_bytes() == before
    assert not list(project.root.glob(".small.lock.json.*"))
    ended(start(project, executions))
    check_release(project)
