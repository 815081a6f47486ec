"""An SQLite file -> a journal of the form that this program knows: made where it is new, refused where it is something else."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from matrixbuild.core.problems import Problem, UnusableError

VERSION = 3
_APPLICATION = 0x6D62_6A6C  # "mbjl": tells our file from any other SQLite database

_TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE runs (number INTEGER PRIMARY KEY, pid INTEGER NOT NULL, started REAL NOT NULL, builds INTEGER, ended REAL, exit INTEGER);
CREATE TABLE attempts (
  run INTEGER NOT NULL, build TEXT NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL, state TEXT NOT NULL,
  started REAL, ended REAL, kind TEXT NOT NULL DEFAULT '', summary TEXT NOT NULL DEFAULT '', memory INTEGER, cpu REAL, made TEXT,
  PRIMARY KEY (run, build, number)
) WITHOUT ROWID;
CREATE INDEX attempts_of_builds ON attempts (build, state, ended);
CREATE TABLE results (key TEXT PRIMARY KEY, build TEXT NOT NULL, run INTEGER NOT NULL, finished REAL NOT NULL, output TEXT NOT NULL) WITHOUT ROWID;
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {VERSION};
COMMIT;
"""
# One transaction: a run that is killed here leaves an empty file, which is as good as none.

_STEPS = {
    1: "ALTER TABLE attempts ADD COLUMN memory INTEGER; ALTER TABLE attempts ADD COLUMN cpu REAL;",
    2: "ALTER TABLE attempts ADD COLUMN made TEXT;",
}
"""What makes of a journal of each earlier version one of the next."""


def prepare(connection: sqlite3.Connection) -> None:
    """Make the tables of a new journal. Raises sqlite3.Error."""
    connection.executescript(_TABLES)


def renew(connection: sqlite3.Connection) -> None:
    """Make a journal of an earlier version one of this version, all of it or nothing. Raises sqlite3.Error."""
    version = version_of(connection)
    if version < VERSION:
        steps = "".join(_STEPS[number] for number in range(version, VERSION))
        connection.executescript(f"BEGIN IMMEDIATE; {steps} PRAGMA user_version = {VERSION}; COMMIT;")


def version_of(connection: sqlite3.Connection) -> int:
    """Raises sqlite3.Error."""
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found


def is_new(connection: sqlite3.Connection) -> bool:
    """Whether nothing was ever written. Raises sqlite3.Error."""
    return not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Raise UnusableError for a file of something else or of a newer program; sqlite3.Error as it comes."""
    application, version = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    if application != _APPLICATION or version < 1:
        raise UnusableError(Problem(summary=f"{path} is no journal of matrixbuild", hint="move it away, then apply again", code="broken-journal"))
    if version > VERSION:
        summary = f"the journal {path} is of a newer matrixbuild than this one: version {version}, and this one knows {VERSION}"
        raise UnusableError(Problem(summary=summary, hint="update matrixbuild", code="newer-journal"))
