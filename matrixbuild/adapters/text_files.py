"""Small text files of a directory that somebody names; new ones, that must not replace another or that may."""

from __future__ import annotations

import os
from pathlib import Path

from matrixbuild.adapters.lock_file import replace_file
from matrixbuild.core.problems import Problem, RefusedError, UnusableError

MAX_BYTES = 4 * 1024 * 1024


def read_text(path: Path) -> str | None:
    """What is in a file; None where there is none. Raises UnusableError where it cannot be read, or is no text of a sensible size."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(f"{path} cannot be read: {error.strerror}", "check its permissions") from error
    if len(data) > MAX_BYTES:
        raise _unusable(f"{path} is larger than {MAX_BYTES // 1024 // 1024} MiB", "it cannot be what it is taken for")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _unusable(f"{path} is not UTF-8 text", "save it as UTF-8") from error


def write_new(path: Path, text: str) -> None:
    """Write a file where there is none; directories above it are made. Raises RefusedError where there is one, UnusableError where it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError:
        there = path if path.exists() or path.is_symlink() else path.parent
        hint = "name another file: nothing that is there is overwritten"
        raise RefusedError(Problem(summary=f"{there} is there already", hint=hint, code="exists")) from None
    except OSError as error:
        raise _unusable(f"cannot write {path}: {error.strerror}", "check the directory's permissions and the space left") from error


def write_over(path: Path, text: str) -> None:
    """Write a file as a whole, in place of one that is there. Raises UnusableError where it cannot be."""
    try:
        # A name that is not UTF-8 (a lone surrogate) becomes the \udcXX that JSON writes for it; a link stays one.
        replace_file(Path(os.path.realpath(path)), text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise _unusable(f"cannot write {path}: {error.strerror or error}", "check its directory, its permissions and the space left") from error


def _unusable(summary: str, hint: str) -> UnusableError:
    return UnusableError(Problem(summary=summary, hint=hint, code="file"))
