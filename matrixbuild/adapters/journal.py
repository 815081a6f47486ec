"""The journal of a state directory: runs, attempts and results in one SQLite file, so that a run killed at any moment loses nothing finished."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from matrixbuild.adapters.journal_schema import check, is_new, prepare
from matrixbuild.core.documents import DocumentError
from matrixbuild.core.events import State
from matrixbuild.core.journal import AttemptRecord, Result, RunRecord, output_from_dict, output_to_dict
from matrixbuild.core.problems import Problem, UnusableError

NAME = "journal.db"
_RUNS_KEPT = 200
_SAMPLES = 20
_BROKEN = frozenset({"SQLITE_NOTADB", "SQLITE_CORRUPT"})
_MEND = "move it away and apply again: images are found in the registry, everything else is built anew"
_RUN = "number, pid, started, builds, ended, exit"
_ATTEMPT = "run, build, key, number, state, started, ended, kind, summary"


class Journal:
    """An open journal; one thread uses it. Every method raises UnusableError that names the file for what keeps it from being read or written.

    What says that something is finished is on the disk when the method returns; the rest outlives a kill, but not a loss of power.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path

    def begin(self, *, pid: int, now: float) -> RunRecord:
        """A new run, with the next number. What is older than the last runs is forgotten."""
        with self._written(durable=False) as connection:
            number = connection.execute("SELECT coalesce(max(number), 0) + 1 FROM runs").fetchone()[0]
            connection.execute("INSERT INTO runs (number, pid, started) VALUES (?, ?, ?)", (number, pid, now))
            for table, column in (("runs", "number"), ("attempts", "run"), ("results", "run")):
                connection.execute(f"DELETE FROM {table} WHERE {column} <= ?", (number - _RUNS_KEPT,))  # noqa: S608 (our own names)
        return RunRecord(number=number, pid=pid, started=now)

    def planned(self, run: int, *, builds: int) -> None:
        with self._written(durable=False) as connection:
            connection.execute("UPDATE runs SET builds = ? WHERE number = ?", (builds, run))

    def end(self, run: int, *, exit_code: int, now: float) -> None:
        with self._written(durable=True) as connection:
            connection.execute("UPDATE runs SET ended = ?, exit = ? WHERE number = ?", (now, exit_code, run))

    def attempted(self, attempt: AttemptRecord, result: Result | None = None) -> None:
        """Record where an attempt stands now; with what it left, where it is built."""
        row = (*(getattr(attempt, name) for name in _ATTEMPT.split(", ")),)
        with self._written(durable=attempt.state.final) as connection:
            connection.execute(f"INSERT OR REPLACE INTO attempts ({_ATTEMPT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608
            if result:
                output = json.dumps(output_to_dict(result.output), sort_keys=True)
                values = (result.key, result.build, result.run, result.finished, output)
                connection.execute("INSERT OR REPLACE INTO results (key, build, run, finished, output) VALUES (?, ?, ?, ?, ?)", values)

    def runs(self, most: int = _RUNS_KEPT) -> tuple[RunRecord, ...]:
        """The last runs, the newest first."""
        rows = self._read(f"SELECT {_RUN} FROM runs ORDER BY number DESC LIMIT ?", most)  # noqa: S608
        return tuple(RunRecord(**dict(zip(_RUN.split(", "), row, strict=True))) for row in rows)

    def attempts(self, run: int) -> tuple[AttemptRecord, ...]:
        """All attempts of a run, by build and number."""
        rows = self._read(f"SELECT {_ATTEMPT} FROM attempts WHERE run = ? ORDER BY build, number", run)  # noqa: S608
        return tuple(self._attempt(row) for row in rows)

    def attempts_of(self, build: str) -> tuple[AttemptRecord, ...]:
        """All attempts of a build that are known, by run and number."""
        rows = self._read(f"SELECT {_ATTEMPT} FROM attempts WHERE build = ? ORDER BY run, number", build)  # noqa: S608
        return tuple(self._attempt(row) for row in rows)

    def _attempt(self, row: tuple[Any, ...]) -> AttemptRecord:
        fields = dict(zip(_ATTEMPT.split(", "), row, strict=True))
        try:
            return AttemptRecord(**{**fields, "state": State(fields["state"])})
        except ValueError as error:
            raise self._broken(f"what it holds of {fields['build']} is no attempt ({error})") from error

    def results(self, keys: Iterable[str]) -> Mapping[str, Result]:
        """What builds of these keys left, as far as it is known."""
        wanted = frozenset(keys)
        rows = self._read("SELECT key, build, run, finished, output FROM results")
        return {row[0]: self._result(row) for row in rows if row[0] in wanted}

    def _result(self, row: tuple[Any, ...]) -> Result:
        key, build, run, finished, output = row
        try:
            return Result(key=key, build=build, run=run, finished=finished, output=output_from_dict(json.loads(output)))
        except (ValueError, DocumentError) as error:
            raise self._broken(f"what it holds of {build} is no result ({error})") from error

    def _broken(self, why: str) -> UnusableError:
        return UnusableError(Problem(summary=f"the journal {self.path} is broken: {why}", hint=_MEND, code="broken-journal"))

    def durations(self) -> Mapping[str, tuple[float, ...]]:
        """How many seconds the last attempts took that built a build, by its name, the newest last."""
        found: dict[str, list[float]] = {}
        for build, seconds in self._read("SELECT build, ended - started FROM attempts WHERE state = 'built' AND started IS NOT NULL ORDER BY ended"):
            found.setdefault(build, []).append(seconds)
        return {build: tuple(times[-_SAMPLES:]) for build, times in found.items()}

    def _read(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with _told(self.path, "read"):
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def _written(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        """One transaction; `durable`: it is on the disk at the end."""
        with _told(self.path, "write"):
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # A full disk has rolled it back already.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


@contextmanager
def open_journal(state: Path) -> Iterator[Journal]:
    """The journal of a state directory that this process holds; made where there is none. Raises UnusableError (see Journal)."""
    path = state / NAME
    with _told(path, "open"):
        connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    try:
        with _told(path, "open"):
            if is_new(connection):
                prepare(connection)
            check(connection, path)
            # Where the file system cannot share memory this stays the rollback journal: slower, and as safe.
            connection.execute("PRAGMA journal_mode = WAL")
        yield Journal(connection, path)
    finally:
        connection.close()


@contextmanager
def read_journal(state: Path) -> Iterator[Journal | None]:
    """The journal of a state directory that another process may be writing; None where there is none. Raises UnusableError (see Journal)."""
    path = state / NAME
    if not path.exists() or not path.stat().st_size:
        yield None
        return
    with _told(path, "read"):
        connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, isolation_level=None, timeout=10)
    try:
        with _told(path, "read"):
            new = is_new(connection)
            if not new:
                check(connection, path)
        yield None if new else Journal(connection, path)
    finally:
        connection.close()


@contextmanager
def _told(path: Path, verb: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(tuple(_BROKEN)):
            raise UnusableError(Problem(summary=f"the journal {path} is broken: {error}", hint=_MEND, code="broken-journal")) from error
        hint = "check its directory, its permissions, the space left and how many files may be open"
        raise UnusableError(Problem(summary=f"cannot {verb} the journal {path}: {error}", hint=hint, code="journal")) from error
