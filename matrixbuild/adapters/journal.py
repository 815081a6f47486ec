"""The journal of a state directory: runs, attempts and results in one SQLite file, so that a run killed at any moment loses nothing finished."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from matrixbuild.adapters.journal_schema import check, is_new, prepare, renew, version_of
from matrixbuild.core import documents
from matrixbuild.core.documents import DocumentError
from matrixbuild.core.events import State
from matrixbuild.core.journal import AttemptRecord, Result, RunRecord, output_from_dict, output_to_dict
from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.usage import Making, Sample, Usage

NAME = "journal.db"
_RUNS_KEPT = 200
_SAMPLES = 20
_BROKEN = frozenset({"SQLITE_NOTADB", "SQLITE_CORRUPT"})
_MEND = "move it away and apply again: images are found in the registry, everything else is built anew"
_RUN = "number, pid, started, builds, ended, exit"
_ATTEMPT = "run, build, key, number, state, started, ended, kind, summary"
_USAGE = ("memory", "cpu", "made")
_SINCE = {"memory": 2, "cpu": 2, "made": 3}
"""The versions of the journal that measure these; an earlier one is renewed by the next run, and read as it is until then."""
_MAKING = frozenset({"seconds", "part"})

Move = tuple[AttemptRecord, Result | None]
"""Where an attempt stands now; with what it left, where it is built."""


class Journal:
    """An open journal; one thread uses it. Every method raises UnusableError that names the file for what keeps it from being read or written.

    What says that something is finished is on the disk when the method returns; the rest outlives a kill, but not a loss of power.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, *, version: int) -> None:
        self._connection = connection
        self._usage = ", ".join(name if version >= _SINCE[name] else f"NULL AS {name}" for name in _USAGE)
        self._durable: bool | None = None
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
        self.all_attempted([(attempt, result)])

    def all_attempted(self, moves: Sequence[Move]) -> None:
        """The same for several at once: one transaction, so that what ended together costs one wait for the disk."""
        if not moves:
            return
        with self._written(durable=any(attempt.state.final for attempt, _ in moves)) as connection:
            connection.executemany(_INSERT_ATTEMPT, [_row(attempt) for attempt, _ in moves])
            connection.executemany(_INSERT_RESULT, [_result_row(result) for _, result in moves if result])

    def runs(self, most: int = _RUNS_KEPT) -> tuple[RunRecord, ...]:
        """The last runs, the newest first."""
        rows = self._read(f"SELECT {_RUN} FROM runs ORDER BY number DESC LIMIT ?", most)  # noqa: S608
        return tuple(RunRecord(**dict(zip(_RUN.split(", "), row, strict=True))) for row in rows)

    def attempts(self, run: int) -> tuple[AttemptRecord, ...]:
        """All attempts of a run, by build and number."""
        rows = self._read(f"SELECT {_ATTEMPT}, {self._usage} FROM attempts WHERE run = ? ORDER BY build, number", run)  # noqa: S608
        return tuple(self._attempt(row) for row in rows)

    def attempts_of(self, build: str) -> tuple[AttemptRecord, ...]:
        """All attempts of a build that are known, by run and number."""
        rows = self._read(f"SELECT {_ATTEMPT}, {self._usage} FROM attempts WHERE build = ? ORDER BY run, number", build)  # noqa: S608
        return tuple(self._attempt(row) for row in rows)

    def _attempt(self, values: tuple[Any, ...]) -> AttemptRecord:
        row, usage = values[: -len(_USAGE)], values[-len(_USAGE) :]
        fields = dict(zip(_ATTEMPT.split(", "), row, strict=True))
        try:
            return AttemptRecord(**{**fields, "state": State(fields["state"]), "usage": _usage(*usage)})
        except (ValueError, DocumentError) as error:
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

    def samples(self) -> Mapping[str, tuple[Sample, ...]]:
        """The last attempts that built a build, by its name, the newest last."""
        found: dict[str, list[tuple[Any, ...]]] = {}
        for build, *sample in self._read(
            f"SELECT build, ended - started, {self._usage} FROM attempts WHERE state = 'built' AND started IS NOT NULL ORDER BY ended"  # noqa: S608
        ):
            found.setdefault(build, []).append(tuple(sample))
        return {build: tuple(self._sample(build, *sample) for sample in samples[-_SAMPLES:]) for build, samples in found.items()}

    def _sample(self, build: str, seconds: float, *usage: Any) -> Sample:
        try:
            return Sample(seconds=seconds, usage=_usage(*usage))
        except (ValueError, DocumentError) as error:
            raise self._broken(f"what it holds of {build} is no attempt ({error})") from error

    def _read(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with _told(self.path, "read"):
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def _written(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        """One transaction; `durable`: it is on the disk at the end."""
        with _told(self.path, "write"):
            if durable is not self._durable:
                self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                self._durable = durable
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # A full disk has rolled it back already.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


_INSERT_ATTEMPT = f"INSERT OR REPLACE INTO attempts ({_ATTEMPT}, {', '.join(_USAGE)}) VALUES ({', '.join('?' * 12)})"  # noqa: S608
_ENCODED = json.JSONEncoder(sort_keys=True).encode
_INSERT_RESULT = "INSERT OR REPLACE INTO results (key, build, run, finished, output) VALUES (?, ?, ?, ?, ?)"


def _row(attempt: AttemptRecord) -> tuple[object, ...]:
    """As _INSERT_ATTEMPT has it."""
    spent = attempt.usage
    times = (attempt.started, attempt.ended)
    made = json.dumps({each.target: {"seconds": each.seconds, "part": each.part} for each in spent.made}) if spent.made else None
    said = (attempt.kind, attempt.summary)
    return attempt.run, attempt.build, attempt.key, attempt.number, attempt.state, *times, *said, spent.memory, spent.cpu, made


def _usage(memory: int | None, cpu: float | None, made: str | None) -> Usage:
    """Raises ValueError or DocumentError for what `_row` does not give."""
    found = documents.entries(json.loads(made), lambda value: documents.mapping(value, _MAKING)) if made else ()
    return Usage(memory=memory, cpu=cpu, made=tuple(_making(target, value) for target, value in found))


def _making(target: str, value: Mapping[str, object]) -> Making:
    seconds, part = (documents.field(value, name, lambda found: documents.is_a(found, float)) for name in ("seconds", "part"))
    return Making(target=target, seconds=seconds, part=part)


def _result_row(result: Result) -> tuple[object, ...]:
    output = _ENCODED(output_to_dict(result.output))
    return result.key, result.build, result.run, result.finished, output


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
            renew(connection)
            # Where the file system cannot share memory this stays the rollback journal: slower, and as safe.
            connection.execute("PRAGMA journal_mode = WAL")
            version = version_of(connection)
        yield Journal(connection, path, version=version)
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
            version = version_of(connection)
        yield None if new else Journal(connection, path, version=version)
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
