"""A directory is made once, whole, used by all, and removed when nobody has used it for long."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from matrixbuild.adapters.tree_files import Extent
from matrixbuild.adapters.tree_store import TREE, Held, TreeStore
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.problems import Problem, UnusableError
from tests.processes import until

DAY = 86400.0


class Writer:
    """Writes one file, and counts how often it was asked to."""

    def __init__(self, text: str = "made\n") -> None:
        self.text = text
        self.times = 0

    def __call__(self, directory: Path) -> Extent:
        self.times += 1
        directory.mkdir()
        (directory / "f").write_text(self.text)
        (directory / "d").mkdir()
        return Extent(entries=2, size=len(self.text))


def store(tmp_path: Path) -> TreeStore:
    return TreeStore(tmp_path / "store", hint="free some there")


def left(tmp_path: Path) -> list[str]:
    """What there is beside the lock."""
    return sorted(path.name for path in (tmp_path / "store").iterdir() if path.name != ".lock")


def test_it_is_made_once(tmp_path: Path) -> None:
    write = Writer()
    first, again = store(tmp_path).hold("one", write), store(tmp_path).hold("one", write)
    assert first.path == again.path == tmp_path / "store/one" / TREE
    assert (first.path / "f").read_text() == "made\n"
    assert write.times == 1
    assert (tmp_path / "store").stat().st_mode & 0o777 == 0o700
    for held in (first, again):
        held.release()
    assert left(tmp_path) == ["one"]


def _later(tmp_path: Path) -> None:
    """Until the filesystem's clock has moved on: a change in the very moment of making is not told from it."""
    made = (tmp_path / "store/one/whole").stat().st_ctime_ns
    probe = tmp_path / "probe"
    probe.touch()
    until(lambda: not probe.write_text("") and probe.stat().st_ctime_ns > made)


TAMPERINGS: list[Callable[[Path], object]] = [
    lambda place: (place / TREE / "f").write_text("other"),
    lambda place: (place / TREE / "f").chmod(0o755),
    lambda place: (place / TREE / "d").rmdir(),
    lambda place: (place / TREE / "d/new").touch(),
    lambda place: (place / "whole").unlink(),
    lambda place: (place / "whole").write_text("half"),
    lambda place: (place / TREE).rename(place / "gone"),
    shutil.rmtree,
]


@pytest.mark.parametrize("tamper", TAMPERINGS)
def test_one_that_was_tampered_with_is_made_anew(tmp_path: Path, tamper: Callable[[Path], object]) -> None:
    write = Writer()
    store(tmp_path).hold("one", write).release()
    _later(tmp_path)
    tamper(tmp_path / "store/one")
    held = store(tmp_path).hold("one", write)
    assert write.times == 2
    assert (held.path / "f").read_text() == "made\n"
    assert sorted(path.name for path in held.path.iterdir()) == ["d", "f"]
    assert left(tmp_path) == ["one"]
    held.release()
    store(tmp_path).hold("one", write).release()
    assert write.times == 2


def test_contents_that_a_crash_of_the_machine_cut_off_are_made_anew(tmp_path: Path) -> None:
    """As after a power failure: the marker is there and older than nothing, and a file has lost its bytes."""
    write = Writer()
    store(tmp_path).hold("one", write).release()
    (tmp_path / "store/one" / TREE / "f").write_text("")
    marker = tmp_path / "store/one/whole"
    marker.write_text(marker.read_text())
    store(tmp_path).hold("one", write).release()
    assert write.times == 2


def test_when_writing_fails_nothing_is_left(tmp_path: Path) -> None:
    def write(directory: Path) -> Extent:
        Writer()(directory)
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        store(tmp_path).hold("one", write)
    assert left(tmp_path) == []


def _failing(number: int) -> Callable[[Path], Extent]:
    def write(directory: Path) -> Extent:
        Writer()(directory)
        raise OSError(number, os.strerror(number))

    return write


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_a_failure_that_may_pass(tmp_path: Path, number: int) -> None:
    with pytest.raises(BuildFailed) as caught:
        store(tmp_path).hold("one", _failing(number))
    assert caught.value.failure == Failure(
        kind=FailureKind.DISK, summary=f"no space left for the source's files in {tmp_path / 'store'}", hint="free some there"
    )
    assert left(tmp_path) == []


def test_a_directory_that_may_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(UnusableError) as caught:
        store(tmp_path).hold("one", _failing(errno.EACCES))
    summary = f"cannot make the source's files in {tmp_path / 'store'}: Permission denied"
    assert caught.value.problems == (Problem(summary=summary, hint="check that it may be written", code="cache"),)


def test_threads_that_want_one_at_once_have_the_same(tmp_path: Path) -> None:
    together = threading.Barrier(8)
    found: list[Held] = []

    def take() -> None:
        together.wait()
        found.append(store(tmp_path).hold("one", Writer()))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {held.path for held in found} == {tmp_path / "store/one" / TREE}
    assert len({os.fstat(held.lease).st_ino for held in found}) == 1
    assert left(tmp_path) == ["one"]
    for held in found:
        held.release()


def test_threads_that_find_one_tampered_with_make_it_anew_together(tmp_path: Path) -> None:
    store(tmp_path).hold("one", Writer()).release()
    _later(tmp_path)
    (tmp_path / "store/one" / TREE / "f").write_text("other")
    test_threads_that_want_one_at_once_have_the_same(tmp_path)
    assert (tmp_path / "store/one" / TREE / "f").read_text() == "made\n"


class TestCleaning:
    def test_what_was_long_unused_goes(self, tmp_path: Path) -> None:
        for name in ("one", "two"):
            store(tmp_path).hold(name, Writer()).release()
        now = time.time()
        store(tmp_path).clean(now=now + 13 * DAY)
        assert left(tmp_path) == ["one", "two"]
        os.utime(tmp_path / "store/two", (now + 10 * DAY, now + 10 * DAY))
        store(tmp_path).clean(now=now + 15 * DAY)
        assert left(tmp_path) == ["two"]

    def test_using_it_keeps_it(self, tmp_path: Path) -> None:
        store(tmp_path).hold("one", Writer()).release()
        old = time.time() - 20 * DAY
        os.utime(tmp_path / "store/one", (old, old))
        write = Writer()
        store(tmp_path).hold("one", write).release()
        store(tmp_path).clean()
        assert left(tmp_path) == ["one"]
        assert write.times == 0

    def test_one_in_use_stays_however_old(self, tmp_path: Path) -> None:
        held = store(tmp_path).hold("one", Writer())
        store(tmp_path).clean(now=time.time() + 100 * DAY)
        assert left(tmp_path) == ["one"]
        held.release()
        store(tmp_path).clean(now=time.time() + 100 * DAY)
        assert left(tmp_path) == []

    def test_nothing_there_is_nothing_to_clean(self, tmp_path: Path) -> None:
        store(tmp_path).clean()
        assert not (tmp_path / "store").exists()

    def test_what_another_process_uses_stays_until_it_dies(self, tmp_path: Path) -> None:
        with other_process(tmp_path, HOLDING) as other:
            assert said(other) == "held"
            store(tmp_path).clean(now=time.time() + 100 * DAY)
            assert left(tmp_path) == ["one"]
            other.send_signal(signal.SIGKILL)
            other.wait()
        store(tmp_path).clean(now=time.time() + 100 * DAY)
        assert left(tmp_path) == []

    def test_what_a_killed_process_was_making_is_no_checkout_and_goes(self, tmp_path: Path) -> None:
        with other_process(tmp_path, MAKING) as other:
            assert said(other) == "making"
            half = left(tmp_path)
            store(tmp_path).clean(now=time.time() + DAY)
            assert left(tmp_path) == half
            other.send_signal(signal.SIGKILL)
            other.wait()
        write = Writer()
        store(tmp_path).hold("one", write).release()
        assert write.times == 1
        store(tmp_path).clean(now=time.time() + DAY)
        assert left(tmp_path) == ["one"]


HOLDING = """
import sys, time
from pathlib import Path
from tests.adapters.test_tree_store import Writer, store
held = store(Path(sys.argv[1])).hold("one", Writer())
print("held", flush=True)
time.sleep(60)
"""
MAKING = """
import sys, time
from pathlib import Path
from tests.adapters.test_tree_store import Writer, store
def write(directory):
    Writer()(directory)
    print("making", flush=True)
    time.sleep(60)
store(Path(sys.argv[1])).hold("one", write)
"""


def other_process(tmp_path: Path, program: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()
