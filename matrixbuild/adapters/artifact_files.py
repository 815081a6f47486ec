"""Artifacts on this machine: whether what a lock records below out/ is still there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from matrixbuild.core.lock import LockedArtifact


def artifacts_intact(directory: Path, names: tuple[str, ...], locked: Mapping[str, LockedArtifact]) -> bool:
    """Whether `directory` holds every file in `locked`, unchanged, and each of `names` at all (one that is a directory is locked file by file)."""
    return all((directory / name).exists() for name in names) and all(_intact(directory / name, entry) for name, entry in locked.items())


def _intact(path: Path, locked: LockedArtifact) -> bool:
    try:
        if path.stat().st_size != locked.size:
            return False
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == locked.sha256
    except OSError:
        # Whatever keeps us from reading it, it cannot be counted on: the build runs again and tells.
        return False
