"""The name of a build -> the attempts whose logs are meant, and what they say."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from matrixbuild.adapters.attempt_logs import attempt_directory
from matrixbuild.adapters.journal import read_journal
from matrixbuild.adapters.log_reading import followed
from matrixbuild.adapters.state import holder_of
from matrixbuild.core.events import State
from matrixbuild.core.journal import AttemptRecord
from matrixbuild.core.naming import slug
from matrixbuild.core.problems import InvalidError, Problem, did_you_mean

_PAUSE = 0.2
"""Between looks for the next attempt of a build that rests, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptLog:
    """The log of one attempt."""

    state: Path
    build: str
    run: int
    number: int

    @property
    def directory(self) -> Path:
        return attempt_directory(self.state, self.run, slug(self.build), self.number)


def chosen(states: Sequence[Path], build: str) -> AttemptLog:
    """The last attempt of a build. Raises InvalidError where nothing of that name was tried."""
    found = [attempt for state in states for attempt in _tried(state, build)]
    if not found:
        raise _unknown(states, build)
    return max(found, key=lambda each: (_started(each[1]), each[1].run, each[1].number))[0]


def failed(states: Sequence[Path], build: str = "") -> list[AttemptLog]:
    """The attempts of a build that failed, in all runs that are known; without a name the last attempt of each build that failed in the last run of
    each manifest. Raises InvalidError where nothing of that name was tried."""
    if build:
        found = [each for state in states for each in _tried(state, build)]
        if not found:
            raise _unknown(states, build)
        return [log for log, attempt in found if attempt.kind]
    return [log for state in states for log, attempt in _last_run(state) if attempt.state is State.FAILED]


def following(log: AttemptLog) -> Iterator[str]:
    """What an attempt says, and those after it, as long as their run goes on."""
    while True:
        yield from followed(log.directory, partial(_held, log.state))
        later = [each for each, _ in _tried(log.state, log.build) if (each.run, each.number) > (log.run, log.number)]
        if later:
            log = later[0]
        elif not _held(log.state) or _final(log):
            return
        else:
            time.sleep(_PAUSE)


def _held(state: Path) -> bool:
    return holder_of(state) is not None


def _final(log: AttemptLog) -> bool:
    return any(each == log and attempt.state.final for each, attempt in _tried(log.state, log.build))


def _tried(state: Path, build: str) -> list[tuple[AttemptLog, AttemptRecord]]:
    with read_journal(state) as journal:
        return [(_log(state, attempt), attempt) for attempt in (journal.attempts_of(build) if journal else ()) if attempt.number]


def _last_run(state: Path) -> list[tuple[AttemptLog, AttemptRecord]]:
    with read_journal(state) as journal:
        runs = journal.runs(1) if journal else ()
        return [(_log(state, attempt), attempt) for run in runs for attempt in (journal.attempts(run.number) if journal else ()) if attempt.number]


def _log(state: Path, attempt: AttemptRecord) -> AttemptLog:
    return AttemptLog(state=state, build=attempt.build, run=attempt.run, number=attempt.number)


def _started(attempt: AttemptRecord) -> float:
    return attempt.started or 0.0


def _unknown(states: Sequence[Path], build: str) -> InvalidError:
    names = {log.build for state in states for log, _ in _last_run(state)}
    hint = did_you_mean(build, names) or "`matrixbuild status` names the builds of the last run"
    return InvalidError(Problem(summary=f"no attempt of a build {build!r} is known here", hint=hint, code="unknown-build"))
