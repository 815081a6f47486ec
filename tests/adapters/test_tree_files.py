"""A source becomes files with its modes and fixed times, and any change to them is seen."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from matrixbuild.adapters.source import Snapshot, SourceChangedError, snapshot
from matrixbuild.adapters.tree_files import Extent, extent, write_tree
from matrixbuild.core.listing import FIXED_TIME
from matrixbuild.core.problems import Problem

ODD = b"\xff \xc3\xa4".decode("utf-8", "surrogateescape")


@pytest.fixture
def source(tmp_path: Path) -> Snapshot:
    root = tmp_path / "source"
    (root / "a/deep").mkdir(parents=True, mode=0o700)
    (root / "empty").mkdir()
    (root / "a/deep/f").write_bytes(b"\0\xff")
    (root / "a/run").write_text("#!/bin/sh\n")
    (root / "a/run").chmod(0o700)
    (root / "a/private").write_text("x")
    (root / "a/private").chmod(0o600)
    (root / ODD).write_text("odd")
    (root / "link").symlink_to("a/nowhere")
    (root / "a/dirlink").symlink_to("deep")
    return snapshot(root, named="source")


def seen(directory: Path) -> dict[str, tuple[str, int, int, str]]:
    """Kind, mode, time and content of everything."""
    return {os.path.relpath(path, directory): _seen(path) for path in [directory, *directory.rglob("*")]}


def _seen(path: Path) -> tuple[str, int, int, str]:
    status = path.lstat()
    if path.is_symlink():
        return "link", 0, int(status.st_mtime), str(path.readlink())
    content = path.read_bytes().hex() if path.is_file() else ""
    return "file" if path.is_file() else "directory", stat.S_IMODE(status.st_mode), int(status.st_mtime), content


@pytest.mark.parametrize("umask", [0o022, 0o077, 0])
def test_modes_and_times_are_the_listed_ones(source: Snapshot, tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        found = write_tree(source, tmp_path / "made")
    finally:
        os.umask(before)
    at = FIXED_TIME
    assert seen(tmp_path / "made") == {
        ".": ("directory", 0o755, at, ""),
        "a": ("directory", 0o755, at, ""),
        "a/deep": ("directory", 0o755, at, ""),
        "a/deep/f": ("file", 0o644, at, "00ff"),
        "a/dirlink": ("link", 0, at, "deep"),
        "a/private": ("file", 0o644, at, b"x".hex()),
        "a/run": ("file", 0o755, at, b"#!/bin/sh\n".hex()),
        "empty": ("directory", 0o755, at, ""),
        "link": ("link", 0, at, "a/nowhere"),
        ODD: ("file", 0o644, at, b"odd".hex()),
    }
    assert found == Extent(entries=9, size=16)


def test_nothing_is_written_over(source: Snapshot, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    with pytest.raises(FileExistsError):
        write_tree(source, tmp_path / "made")


def test_a_file_that_has_changed_since_the_plan_is_an_error(source: Snapshot, tmp_path: Path) -> None:
    source.fingerprint("a/run")
    (source.root / "a/run").write_text("#!/bin/sh\nother\n")
    with pytest.raises(SourceChangedError) as caught:
        write_tree(source, tmp_path / "made")
    assert caught.value.problems == (
        Problem(summary="a/run of the source changed during the run", hint="run the same command again once nothing writes to the source any more"),
    )


def test_a_file_that_is_gone_since_the_plan_is_an_error(source: Snapshot, tmp_path: Path) -> None:
    (source.root / "a/run").unlink()
    source_error = "cannot read a/run of the source: No such file or directory"
    with pytest.raises(SourceChangedError, match=source_error):
        write_tree(source, tmp_path / "made")


def _rewrite(made: Path) -> None:
    (made / "a/run").write_text("#!/bin/zz\n")
    os.utime(made / "a/run", (FIXED_TIME, FIXED_TIME))


CHANGES: list[Callable[[Path], object]] = [
    _rewrite,
    lambda made: (made / "a/deep/f").write_bytes(b""),
    lambda made: (made / "a/private").chmod(0o600),
    lambda made: (made / "a/deep/f").unlink(),
    lambda made: (made / "new").touch(),
    lambda made: (made / "a/run").rename(made / "a/walk"),
    lambda made: os.utime(made / "link", (1, 1), follow_symlinks=False),
]


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_seen(source: Snapshot, tmp_path: Path, change: Callable[[Path], object]) -> None:
    made = tmp_path / "made"
    written = write_tree(source, made)
    (tmp_path / "marker").touch()
    at = (tmp_path / "marker").stat().st_ctime_ns
    before = extent(made)
    assert (before.entries, before.size) == (written.entries, written.size)
    assert before.changed <= at
    _wait_for_the_clock(tmp_path, at)
    change(made)
    assert extent(made).changed > at


def _wait_for_the_clock(directory: Path, at: int) -> None:
    """Until the filesystem's clock has moved on."""
    probe = directory / "probe"
    while True:
        probe.write_text("")
        if probe.stat().st_ctime_ns > at:
            return
