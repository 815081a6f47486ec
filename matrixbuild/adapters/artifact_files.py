"""Artifacts on this machine: whether what a lock records below out/ is still there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from matrixbuild.core.lock import LockedArtifact


def artifacts_intact(directory: Path, names: tuple[str, ...], locked: Mapping[str, LockedArtifact]) -> bool:
    """Whether `directory` holds every file in `locked`, unchanged, and each of `names` at all: one that is a directory is locked file by file, and
    what nothing in `locked` speaks for is a directory without files."""
    known = {above for name in locked for above in (name, *map(str, PurePosixPath(name).parents))}
    there = all((directory / name).exists() and (name in known or _is_bare(directory / name)) for name in names)
    return there and all(_intact(directory / name, entry) for name, entry in locked.items())


def _is_bare(path: Path) -> bool:
    """Whether there is no file whose contents a lock would record (of links it records none)."""
    if path.is_symlink():
        return True
    return path.is_dir() and all(Path(folder, file).is_symlink() for folder, _, files in os.walk(path) for file in files)


def _intact(path: Path, locked: LockedArtifact) -> bool:
    try:
        if path.stat().st_size != locked.size:
            return False
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == locked.sha256
    except OSError:
        # Whatever keeps us from reading it, it cannot be counted on: the build runs again and tells.
        return False
