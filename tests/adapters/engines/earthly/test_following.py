"""A file that grows, begins late, is begun again, or ends in the middle of a line: what is told of it meanwhile, and what is known at the end."""

from __future__ import annotations

import base64
import json
import threading
from pathlib import Path

import pytest

from matrixbuild.adapters.engines.earthly.following import following
from matrixbuild.core.usage import UNMEASURED, Progress, Usage

PATIENCE = 20


class Told:
    """Remembers what it was told, and wakes who waits for it."""

    def __init__(self) -> None:
        self.all: list[Progress] = []
        self._changed = threading.Condition()

    def __call__(self, progress: Progress) -> None:
        with self._changed:
            self.all.append(progress)
            self._changed.notify_all()

    def wait_for(self, line: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: any(progress.line == line for progress in self.all), timeout=PATIENCE)


def log(text: str, stream: int = 1) -> bytes:
    return json.dumps({"deltaLog": {"commandId": "a/1", "stream": stream, "data": base64.b64encode(text.encode()).decode()}}).encode() + b"\n"


def add(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_a_file_that_never_comes(tmp_path: Path) -> None:
    told = Told()
    with following(tmp_path / "none", told, every=0.01) as found:
        pass
    assert (told.all, found.usage, found.progress, found.peak, found.limit) == ([], UNMEASURED, Progress(), None, None)


def test_progress_is_told_while_the_file_grows(tmp_path: Path) -> None:
    path, told = tmp_path / "stream.json", Told()
    with following(path, told, every=0.01):
        add(path, log("one"))
        told.wait_for("one")
        add(path, log("two")[:20])
        add(path, log("two")[20:])
        told.wait_for("two")


def test_copies_that_have_ended_are_told_as_they_become_more(tmp_path: Path) -> None:
    def copy(which: str, **said: object) -> bytes:
        return json.dumps({"deltaManifest": {"fields": {"commands": {which: said}}}}).encode() + b"\n"

    path, told = tmp_path / "stream.json", list[frozenset[tuple[str, int]]]()
    with following(path, Told(), copied=told.append, every=3600):
        add(path, copy("a/1", name="COPY x /x", sourceLocation={"file": "/cache/Earthfile", "startLine": 7}))
        add(path, copy("a/2", name="RUN x", sourceLocation={"file": "/cache/Earthfile", "startLine": 8}, status="RUN_STATUS_SUCCESS"))
        add(path, copy("a/3", name="COPY y /y", sourceLocation={"file": "/cache/Earthfile", "startLine": 9}, status="RUN_STATUS_FAILURE"))
        add(path, copy("a/1", status="RUN_STATUS_SUCCESS"))
    assert told == [frozenset({("/cache/Earthfile", 7)})]


def test_what_comes_before_the_end_is_read_to_it(tmp_path: Path) -> None:
    path, told = tmp_path / "stream.json", Told()
    with following(path, told, every=3600) as found:
        sample = json.dumps({"cpu": {"usage": {"total": 2_000_000_000}}, "memory": {"usage": {"usage": 7, "max": 9, "limit": 10}}})
        add(path, log("one") + log(sample, stream=99) + log("last").rstrip(b"\n"))
    assert [progress.line for progress in told.all] == ["one", "last"]
    assert (found.progress.line, found.usage, found.peak, found.limit) == ("last", Usage(memory=7, cpu=2.0), 9, 10)


def test_half_a_line_at_the_end_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "stream.json"
    with following(path, Told(), every=3600) as found:
        add(path, log("one") + log("two")[:25])
    assert found.progress.line == "one"


def test_a_file_that_is_begun_again(tmp_path: Path) -> None:
    path, told = tmp_path / "stream.json", Told()
    with following(path, told, every=0.01):
        add(path, log("a long line of the first") + b'{"half')
        told.wait_for("a long line of the first")
        path.write_bytes(log("short"))
        told.wait_for("short")


def test_an_endless_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "stream.json"
    with following(path, Told(), every=3600) as found:
        add(path, b"x" * 6_000_000 + b"\n" + log("after"))
    assert found.progress.line == "after"


def test_a_measurement_is_no_sign_of_life(tmp_path: Path) -> None:
    path = tmp_path / "stream.json"
    with following(path, Told(), every=3600) as found:
        start = found.heard
        add(path, log("{}", stream=99))
    assert found.heard == start
    with following(path, Told(), every=3600) as found:
        start = found.heard
        add(path, log("printed"))
    assert found.heard > start


def test_a_build_that_shows_no_sign_of_life_is_told_once(tmp_path: Path) -> None:
    path, told = tmp_path / "stream.json", threading.Semaphore(0)
    with following(path, Told(), silence=0.05, silent=told.release, every=0.01):
        add(path, log("{}", stream=99))
        assert told.acquire(timeout=PATIENCE)
        assert not told.acquire(timeout=0.2)


def test_a_build_that_lives_is_let_be(tmp_path: Path) -> None:
    path, told, silent = tmp_path / "stream.json", Told(), threading.Event()
    with following(path, told, silence=3600, silent=silent.set, every=0.01):
        add(path, log("one"))
        told.wait_for("one")
    assert not silent.is_set()


class BrokenError(Exception):
    pass


def broken(_: Progress) -> None:
    raise BrokenError


def test_what_the_listener_raises_is_raised_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "stream.json"
    path.write_bytes(log("one"))
    with pytest.raises(BrokenError), following(path, broken, every=0.01):
        pass


def test_an_error_of_the_block_itself_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "stream.json"
    path.write_bytes(log("one"))
    with pytest.raises(KeyError), following(path, broken, every=0.01):
        raise KeyError


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), following(tmp_path, Told(), every=0.01):
        pass


def test_no_thread_is_left(tmp_path: Path) -> None:
    before = threading.active_count()
    with following(tmp_path / "stream.json", Told(), every=3600):
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
