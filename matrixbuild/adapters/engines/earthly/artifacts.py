"""What a wrapper wrote to its own directory -> the artifacts of an order, each put in place as a whole, with digest and size."""

from __future__ import annotations

import os
import shutil
import stat
import uuid
from pathlib import Path

from matrixbuild.adapters.engines.base import Order
from matrixbuild.adapters.engines.embedded.exports import described, is_directory, remove
from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.wrapper import is_whole

ARTIFACT_HINT = "artifacts are what the target's SAVE ARTIFACT commands name; a pattern means one of them"

Described = tuple[str, str, int]


def put_artifacts(written: Path, order: Order) -> tuple[Described, ...]:
    """Move the artifacts of an order from where its wrapper (core.wrapper.artifacts_wrapper) wrote them to where they belong, and tell of each file
    its name, sha256 digest and size in bytes.

    Nothing is put in place before all of them are there. Raises BuildFailed (syntax) where a path means nothing, several things or a device, and
    OSError.
    """
    found = [(_one(written / str(number), path), name) for number, (path, name) in enumerate(order.artifacts)]
    for file, name in found:
        _check(file, name)
    for file, name in found:
        _put(file, order.output / name)
    return tuple(each for _, name in found for each in described(order.output / name, name))


def _one(directory: Path, path: str) -> Path:
    """What was written for a path: the one thing in the directory, or (for the whole of the artifacts) the directory."""
    inside = sorted(directory.iterdir()) if directory.is_dir() else []
    if inside and is_whole(path):
        return directory
    if len(inside) == 1:
        return inside[0]
    told = "matches nothing" if not inside else f"matches {len(inside)} paths: {', '.join(f'/{each.name}' for each in inside[:3])}"
    raise BuildFailed(Failure(kind=FailureKind.SYNTAX, summary=f"the artifact {path} {told}", hint=ARTIFACT_HINT))


def _check(file: Path, name: str) -> None:
    entries = [Path(folder, each) for folder, folders, files in os.walk(file) for each in (*folders, *files)] if is_directory(file) else [file]
    for entry in entries:
        mode = entry.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
            summary = f"{name} is or holds a device or a pipe: {entry.name}"
            raise BuildFailed(Failure(kind=FailureKind.SYNTAX, summary=summary, hint="only files, directories and links can be artifacts"))


def _put(file: Path, to: Path) -> None:
    """As a whole: nobody ever sees half of it, and what stood there before is replaced."""
    to.parent.mkdir(parents=True, exist_ok=True)
    beside = to.parent / f".{to.name}.{uuid.uuid4().hex}"
    try:
        _move(file, beside)
        if is_directory(beside) or is_directory(to):
            remove(to)
        beside.replace(to)
    finally:
        remove(beside)


def _move(file: Path, to: Path) -> None:
    if not is_directory(file):
        shutil.move(file, to)
        return
    # A directory that nobody may write cannot be moved either, and neither could what is in it where the move has to be a copy.
    modes = {Path(folder).relative_to(file): Path(folder).stat().st_mode for folder, _, _ in os.walk(file)}
    for folder in modes:
        (file / folder).chmod(0o700)
    shutil.move(file, to)
    for folder, mode in sorted(modes.items(), reverse=True):
        (to / folder).chmod(mode & 0o777)
