"""Where the things of a manifest are: itself, its lock, the project's root with state and artifacts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from matrixbuild.adapters.lock_file import lock_path
from matrixbuild.adapters.project import project_root
from matrixbuild.adapters.state import STATE_DIRECTORY

OUTPUT_DIRECTORY = "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    manifest: Path
    lock: Path
    root: Path

    @property
    def output(self) -> Path:
        return self.root / OUTPUT_DIRECTORY

    def state(self, name: str) -> Path:
        return self.root / STATE_DIRECTORY / name


def project_of(path: Path) -> Project:
    return Project(manifest=path, lock=lock_path(path), root=project_root(path))
