"""The directory of an attempt, in the layout of transcripts -> what was said in it, for core.failures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from matrixbuild.core.failures.said import Said
from matrixbuild.core.logstream import Reading
from matrixbuild.core.problems import InvalidError, Problem

MOST = 256 * 1024
"""Bytes at the beginning and at the end of what was said: an error is told last, and what the program is first."""
MOST_MANIFEST = 64 * 1024 * 1024

_HINT = "an attempt's directory holds the files exit and stderr, and mostly run-manifest.json (.matrixbuild/NAME/runs/RUN/BUILD/ATTEMPT)"


def said_in(directory: Path) -> Said:
    """Raises InvalidError for a directory that is none of an attempt, or of one that has not ended. A run manifest that cannot be read is none: a
    program that is killed leaves half of one."""
    status = _status(directory)
    reading = _measured(directory / "stream.ndjson")
    known = _known(directory / "class.json")
    return Said(
        exit=status if status >= 0 else None,
        signal=-status if status < 0 else None,
        ended_by_us=known if isinstance(known, str) else None,
        manifest=_manifest(directory / "run-manifest.json"),
        stderr=_ends(directory / "stderr"),
        stdout=_ends(directory / "stdout"),
        peak=reading.peak,
        limit=reading.limit,
        privileged=_privileged(directory / "command"),
    )


def _status(directory: Path) -> int:
    if not directory.is_dir():
        raise InvalidError(Problem(summary=f"{directory} is no directory", hint=_HINT, code="attempt"))
    path = directory / "exit"
    try:
        return int(path.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        what = "is the directory of an attempt that has not ended" if (directory / "stderr").exists() else "is not the directory of an attempt"
        raise InvalidError(Problem(summary=f"{directory} {what}: there is no file exit", hint=_HINT, code="attempt")) from None
    except ValueError:
        raise InvalidError(Problem(summary=f"{path} holds no exit status", hint=_HINT, code="attempt")) from None


def _manifest(path: Path) -> Mapping[str, object] | None:
    try:
        if path.stat().st_size > MOST_MANIFEST:
            return None
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _ends(path: Path) -> str:
    """Its beginning and its end. Raises OSError."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        head = file.read(MOST)
        file.seek(max(MOST, size - MOST))
        return (head + file.read(MOST)).decode(errors="replace")


def _measured(path: Path) -> Reading:
    reading = Reading()
    if path.exists():
        with path.open("rb") as file:
            for line in file:
                reading.feed(line)
    return reading


def _known(path: Path) -> object:
    """Whose doing the end was, where whoever kept the attempt said so."""
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    known = found.get("known") if isinstance(found, dict) else None
    return known.get("endedByUs") if isinstance(known, dict) else None


def _privileged(path: Path) -> bool:
    """Whether the last call allowed privileged steps."""
    try:
        words = json.loads(path.read_text(encoding="utf-8").strip().rpartition("\n")[2])
    except (FileNotFoundError, ValueError):
        return False
    return isinstance(words, list) and any(word in ("-P", "--allow-privileged") for word in words)
