"""What is wrong, where, and what to do about it, as values that are collected and shown once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from matrixbuild.core.exit_codes import ExitCode as ExitCode  # noqa: PLC0414 (named on purpose: others import it from here)


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    REMARK = "remark"
    """Nothing is wrong; `lint` alone tells such things."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A spot in a file a person wrote: 1-based line and column; `text` is the offending line, `width` how much of it the caret underlines."""

    file: str
    line: int
    column: int = 1
    text: str = ""
    width: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to tell a person: one sentence, where, and one hint; `code` names the kind of problem for machines."""

    summary: str
    place: Place | None = None
    hint: str = ""
    code: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.summary}"


class MatrixbuildError(Exception):
    """A message for a person: shown without a traceback at the one boundary in cli/main; anything else that escapes is a bug."""

    exit_code = ExitCode.RUNTIME

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class InvalidError(MatrixbuildError):
    """The manifest, what it refers to, or the plan made of it is wrong (or nothing is selected)."""

    exit_code = ExitCode.INVALID


class RefusedError(MatrixbuildError):
    """Stale plan, drift, lock mismatch, or an image name that must not move."""

    exit_code = ExitCode.REFUSED


class BusyError(MatrixbuildError):
    """Another live run holds the state."""

    exit_code = ExitCode.BUSY


class UnusableError(MatrixbuildError):
    """The environment lacks something: a program, a daemon, a registry, a secret, a source."""

    exit_code = ExitCode.UNUSABLE


class UsageError(MatrixbuildError):
    """The command line is wrong."""

    exit_code = ExitCode.USAGE


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint naming the nearest of `known`, or the empty string where nothing is near."""
    import difflib

    names = sorted(set(known))
    near = [name for name in names if name.casefold() == word.casefold()] or difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else ""
