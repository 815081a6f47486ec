"""What is removed where a disk is too full, and what never is."""

from __future__ import annotations

import os
from pathlib import Path

from matrixbuild.adapters.freeing import Space
from matrixbuild.adapters.tree_files import Extent, extent
from matrixbuild.adapters.tree_store import TreeStore

SIZE = 64 * 1024


def state(root: Path) -> Path:
    for run in (2, 10, 9, 11, 12):
        log = root / "runs" / str(run) / "a" / "1" / "stdout"
        log.parent.mkdir(parents=True)
        log.write_bytes(b"x" * SIZE)
    for kept in (root / "runs" / "notes", root / "work" / "layers"):
        kept.mkdir(parents=True)
        (kept / "file").write_bytes(b"x" * SIZE)
    (root / "journal.db").write_bytes(b"x")
    return root


def runs(root: Path) -> set[str]:
    return {path.name for path in (root / "runs").iterdir()}


class Disk:
    """So much is free, and more with every run whose logs are gone."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._before = len(runs(root))

    def __call__(self, _: Path) -> int:
        return 100 + SIZE * (self._before - len(runs(self._root)))


def test_the_oldest_logs_go_first_and_no_more_than_has_to(tmp_path: Path) -> None:
    root = state(tmp_path)
    assert Space(root, run=12, free=Disk(root)).free(100 + 2 * SIZE) == 2 * SIZE
    assert runs(root) == {"10", "11", "12", "notes"}


def test_nothing_goes_where_there_is_enough(tmp_path: Path) -> None:
    root = state(tmp_path)
    assert Space(root, run=12, free=Disk(root)).free(100) == 0
    assert len(runs(root)) == 6


def test_this_run_the_one_before_it_and_what_is_in_use_always_stay(tmp_path: Path) -> None:
    root = state(tmp_path)
    space = Space(root, run=12, free=Disk(root))
    assert space.free(0) == 3 * SIZE
    assert runs(root) == {"11", "12", "notes"}
    assert space.free(1 << 40) == 0
    assert (root / "work" / "layers" / "file").exists()
    assert (root / "journal.db").exists()


def test_checkouts_that_nobody_holds_and_nobody_has_used_since_go_last(tmp_path: Path) -> None:
    root, cache = state(tmp_path / "state"), tmp_path / "cache"
    store = TreeStore(cache, hint="")
    held = {name: store.hold(name, written) for name in ("old", "held", "used")}
    for name in ("old", "used"):
        held[name].release()
    for name in held:
        os.utime(cache / name, (0, 0))
    space = Space(root, run=12, checkouts=cache, free=Disk(root))
    store.hold("used", written).release()
    assert space.free(100 + SIZE) == SIZE
    assert {path.name for path in cache.iterdir() if path.is_dir()} == {"old", "held", "used"}
    assert space.free(1 << 40) >= 3 * SIZE
    assert {path.name for path in cache.iterdir() if path.is_dir()} == {"held", "used"}
    held["held"].release()


def written(directory: Path) -> Extent:
    directory.mkdir()
    (directory / "file").write_bytes(b"x" * SIZE)
    return extent(directory)


def test_a_state_without_logs(tmp_path: Path) -> None:
    assert Space(tmp_path, run=1).free(1 << 60) == 0
