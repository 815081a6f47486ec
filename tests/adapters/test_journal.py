"""What is recorded is there again, whatever becomes of the process; what cannot be recorded or read is told, naming the file."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from matrixbuild.adapters.journal import Journal, open_journal, read_journal
from matrixbuild.adapters.journal_schema import VERSION
from matrixbuild.core.events import State
from matrixbuild.core.journal import AttemptRecord, Result, RunRecord
from matrixbuild.core.lock import LockedArtifact, LockedImage
from matrixbuild.core.lock_merge import Output
from matrixbuild.core.problems import UnusableError
from matrixbuild.core.usage import UNMEASURED, Making, Sample, Usage
from tests.checkout import ROOT

KEY = f"sha256:{'1' * 64}"
IMAGE = LockedImage(digest=f"sha256:{'a' * 64}", media_type="application/vnd.oci.image.manifest.v1+json", size=7, platforms=(("linux/amd64", KEY),))
SPENT = Usage(memory=3 << 30, cpu=1.5, made=(Making(target="+base", seconds=2.5), Making(target="./sub+lib", seconds=0.25, part=0.5)))
LEFT = Output(image=IMAGE, artifacts=(("edge.iso", LockedArtifact(sha256="b" * 64, size=3)),))
MEND = "move it away and apply again: images are found in the registry, everything else is built anew"


def attempt(build: str = "a", *, run: int = 1, number: int = 1, state: State = State.BUILT, seconds: float | None = 2.0) -> AttemptRecord:
    ended = None if seconds is None else 100.0 + seconds
    return AttemptRecord(run=run, build=build, key=KEY, number=number, state=state, started=100.0, ended=ended)


def result(output: Output = LEFT) -> Result:
    return Result(key=KEY, build="a", run=1, finished=102.0, output=output)


def test_what_is_recorded_is_there_again(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        run = journal.begin(pid=7, now=99.0)
        journal.planned(run.number, builds=2)
        journal.attempted(attempt(state=State.RUNNING, seconds=None))
        journal.attempted(replace(attempt(), usage=SPENT), result())
        journal.attempted(AttemptRecord(run=1, build="b", key=KEY, number=0, state=State.SKIPPED, ended=103.0, summary="a"))
        journal.end(run.number, exit_code=4, now=104.0)
    with read_journal(tmp_path) as again:
        assert again is not None
        assert again.runs() == (RunRecord(number=1, pid=7, started=99.0, builds=2, ended=104.0, exit=4),)
        assert [(each.build, each.state, each.seconds) for each in again.attempts(1)] == [("a", State.BUILT, 2.0), ("b", State.SKIPPED, None)]
        assert again.results([KEY, "sha256:other"]) == {KEY: result()}
        assert again.samples() == {"a": (Sample(seconds=2.0, usage=SPENT),)}
        assert [each.usage for each in again.attempts(1)] == [SPENT, UNMEASURED]


def test_what_ended_together_is_one_transaction(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal, read_journal(tmp_path) as reader:
        assert reader is not None
        journal.all_attempted([(attempt(), result()), (attempt("b", state=State.RUNNING, seconds=None), None)])
        assert [each.build for each in reader.attempts(1)] == ["a", "b"]
        with pytest.raises(UnusableError):
            journal.all_attempted([(attempt("c"), None), (replace(attempt("d"), key=None), None)])  # type: ignore[arg-type]
        journal.all_attempted([])
        assert [each.build for each in reader.attempts(1)] == ["a", "b"]


FIRST_VERSION = """
CREATE TABLE runs (number INTEGER PRIMARY KEY, pid INTEGER NOT NULL, started REAL NOT NULL, builds INTEGER, ended REAL, exit INTEGER);
CREATE TABLE attempts (
  run INTEGER NOT NULL, build TEXT NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL, state TEXT NOT NULL,
  started REAL, ended REAL, kind TEXT NOT NULL DEFAULT '', summary TEXT NOT NULL DEFAULT '', PRIMARY KEY (run, build, number)
) WITHOUT ROWID;
CREATE TABLE results (key TEXT PRIMARY KEY, build TEXT NOT NULL, run INTEGER NOT NULL, finished REAL NOT NULL, output TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO runs VALUES (1, 7, 99.0, 1, 104.0, 0);
INSERT INTO attempts VALUES (1, 'a', 1, '{key}', 'built', 100.0, 102.0, '', '');
PRAGMA application_id = 1835166316;
PRAGMA user_version = 1;
"""


def test_a_journal_of_the_first_version_is_read_as_it_is_and_renewed_by_the_next_run(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "journal.db") as made:
        made.executescript(FIRST_VERSION.replace("{key}", KEY))
    made.close()
    before = (tmp_path / "journal.db").read_bytes()
    with read_journal(tmp_path) as reader:
        assert reader is not None
        assert reader.attempts(1) == reader.attempts_of("a") == (attempt(),)
        assert reader.samples() == {"a": (Sample(seconds=2.0),)}
    assert (tmp_path / "journal.db").read_bytes() == before
    for _ in range(2):
        with open_journal(tmp_path) as journal:
            assert journal.attempts(1)[0] == attempt()
            journal.attempted(replace(attempt("b"), usage=SPENT))
            assert journal.samples() == {"a": (Sample(seconds=2.0),), "b": (Sample(seconds=2.0, usage=SPENT),)}


def test_a_journal_that_does_not_know_earthly_targets_yet_is_read_as_it_is_and_renewed_by_the_next_run(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "journal.db") as made:
        second = "ALTER TABLE attempts ADD COLUMN memory INTEGER; ALTER TABLE attempts ADD COLUMN cpu REAL; UPDATE attempts SET memory = 7, cpu = 0.5;"
        made.executescript(FIRST_VERSION.replace("{key}", KEY) + second + "PRAGMA user_version = 2;")
    made.close()
    measured = Sample(seconds=2.0, usage=Usage(memory=7, cpu=0.5))
    with read_journal(tmp_path) as reader:
        assert reader is not None
        assert reader.samples() == {"a": (measured,)}
        assert reader.attempts(1) == (replace(attempt(), usage=measured.usage),)
    with open_journal(tmp_path) as journal:
        journal.attempted(replace(attempt("b"), usage=SPENT))
        assert journal.samples() == {"a": (measured,), "b": (Sample(seconds=2.0, usage=SPENT),)}


def test_targets_that_are_none_are_told_with_the_file(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        journal.attempted(replace(attempt(), usage=SPENT))
    for text, why in (("[]", "Unexpected type list (expected dict)"), ('{"+a": {"seconds": "1"}}', "Unexpected type str (expected float) in 'seconds'")):
        with sqlite3.connect(tmp_path / "journal.db") as broken:
            broken.execute("UPDATE attempts SET made = ?", (text,))
        broken.close()
        with open_journal(tmp_path) as journal:
            for ask in (journal.samples, lambda: journal.attempts(1)):
                with pytest.raises(UnusableError) as caught:
                    ask()
                summary = f"the journal {tmp_path / 'journal.db'} is broken: what it holds of a is no attempt ({why})"
                assert [problem.summary for problem in caught.value.problems] == [summary]


def test_runs_are_counted_and_old_ones_forgotten(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        for number in range(1, 206):
            assert journal.begin(pid=1, now=float(number)).number == number
            journal.attempted(attempt(run=number, seconds=float(number)))
        assert [run.number for run in journal.runs(1000)] == list(range(205, 5, -1))
        assert journal.attempts(5) == ()
        assert [sample.seconds for sample in journal.samples()["a"]] == [float(number) for number in range(186, 206)]


def test_the_last_result_of_a_key_counts(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        journal.attempted(attempt(), result())
        journal.attempted(attempt(number=2), result(Output(image=IMAGE, narrowed=True)))
        assert journal.results([KEY])[KEY].output == Output(image=IMAGE, narrowed=True)


def test_there_is_nothing_to_read_where_nothing_ran(tmp_path: Path) -> None:
    with read_journal(tmp_path) as journal:
        assert journal is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_a_killed_run_left_empty_is_none(tmp_path: Path) -> None:
    (tmp_path / "journal.db").touch()
    with read_journal(tmp_path) as journal:
        assert journal is None
    with open_journal(tmp_path) as opened:
        assert opened.runs() == ()


def test_it_is_read_while_another_process_writes(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal, read_journal(tmp_path) as none:
        assert none is not None
        journal.begin(pid=1, now=1.0)
        assert len(none.runs()) == 1
        journal.attempted(attempt(), result())
        assert len(none.results([KEY])) == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from matrixbuild.adapters.journal import open_journal
from tests.adapters.test_journal import attempt, result
with open_journal(Path(sys.argv[1])) as journal:
    journal.begin(pid=1, now=1.0)
    journal.attempted(attempt(), result())
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_result_outlives_the_process(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    with read_journal(tmp_path) as journal:
        assert journal is not None
        assert journal.results([KEY]) == {KEY: result()}
        assert journal.runs()[0].stopped


@contextmanager
def told(path: Path, summary: str, hint: str) -> Iterator[None]:
    with pytest.raises(UnusableError) as caught:
        yield
    assert str(caught.value) == summary.replace("JOURNAL", str(path / "journal.db"))
    assert caught.value.problems[0].hint == hint


def make(directory: Path) -> Path:
    with open_journal(directory) as journal:
        journal.attempted(attempt(), result())
    return directory / "journal.db"


class TestFilesThatAreNone:
    def test_something_else(self, tmp_path: Path) -> None:
        (tmp_path / "journal.db").write_bytes(b"these are no tables\n" * 100)
        before = (tmp_path / "journal.db").read_bytes()
        for opened in (open_journal, read_journal):
            with told(tmp_path, "the journal JOURNAL is broken: file is not a database", MEND), opened(tmp_path):
                pass
        assert (tmp_path / "journal.db").read_bytes() == before

    def test_a_database_of_something_else(self, tmp_path: Path) -> None:
        with sqlite3.connect(tmp_path / "journal.db") as other:
            other.execute("CREATE TABLE notes (text)")
        other.close()
        with told(tmp_path, "JOURNAL is no journal of matrixbuild", "move it away, then apply again"), open_journal(tmp_path):
            pass

    def test_a_newer_one(self, tmp_path: Path) -> None:
        path = make(tmp_path)
        with sqlite3.connect(path) as newer:
            newer.execute(f"PRAGMA user_version = {VERSION + 1}")
        newer.close()
        summary = f"the journal JOURNAL is of a newer matrixbuild than this one: version {VERSION + 1}, and this one knows {VERSION}"
        for opened in (open_journal, read_journal):
            with told(tmp_path, summary, "update matrixbuild"), opened(tmp_path):
                pass

    def test_one_that_was_cut_off(self, tmp_path: Path) -> None:
        path = make(tmp_path)
        path.write_bytes(path.read_bytes()[:5000])
        with told(tmp_path, "the journal JOURNAL is broken: database disk image is malformed", MEND), open_journal(tmp_path) as journal:
            journal.results([KEY])

    def test_a_result_that_is_none(self, tmp_path: Path) -> None:
        path = make(tmp_path)
        with sqlite3.connect(path) as other:
            other.execute("UPDATE results SET output = '{}'")
        other.close()
        summary = "the journal JOURNAL is broken: what it holds of a is no result (Missing required field in 'artifacts')"
        with told(tmp_path, summary, MEND), open_journal(tmp_path) as journal:
            journal.results([KEY])


HINT = "check its directory, its permissions, the space left and how many files may be open"


def opened(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY)
    except OSError:
        return None


def test_too_many_open_files(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = max(int(path.name) for path in Path("/dev/fd").iterdir() if path.name.isdecimal())
    held: list[int] = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 1, limits[1]))
        while (handle := opened(tmp_path)) is not None:
            held.append(handle)
        with told(tmp_path, "cannot open the journal JOURNAL: unable to open database file", HINT), open_journal(tmp_path):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for handle in held:
            os.close(handle)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a megabyte, where this process may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_told_and_what_was_recorded_stays(small_disk: Path) -> None:
    recorded = 0
    with told(small_disk, "cannot write the journal JOURNAL: database or disk is full", HINT), open_journal(small_disk) as journal:
        for number in range(1, 100_000):
            journal.attempted(attempt(f"{number:0>500}"), result())
            recorded = number
    assert recorded > 10
    with read_journal(small_disk) as again:
        assert again is not None
        assert len(again.attempts(1)) == recorded


def test_a_journal_that_may_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "journal.db").mkdir()
    with told(tmp_path, "cannot open the journal JOURNAL: unable to open database file", HINT), open_journal(tmp_path):
        pass


def test_journal_is_what_open_journal_gives(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        assert isinstance(journal, Journal)
        assert journal.path == tmp_path / "journal.db"
