"""A small project whose source is in git, and the repository that it is from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.projects import EARTHFILE, FILES, MANIFEST, Ended, SmallProject, small_project
from tests.repositories import Repository, repository

GIT_MANIFEST = MANIFEST.replace("source: {path: src}", "source: {git: GIT, ref: main}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitProject:
    """`project` has a manifest about `upstream`, the branch main; `url` is where that is."""

    project: SmallProject
    upstream: Repository

    @property
    def url(self) -> str:
        return f"file://{self.upstream.root}"

    @property
    def lock(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.project.lock.read_text())
        return found

    @property
    def kept(self) -> Path:
        return self.project.root / ".matrixbuild" / "small" / "pins.json"

    def move(self, **files: str) -> str:
        """Upstream commits new contents of its files; the commit."""
        self.upstream.write({name.replace("_", "."): text for name, text in files.items()})
        return self.upstream.commit(f"change {', '.join(files).replace('_', '.')}")

    def update(self, *words: str) -> dict[str, Any]:
        ended = self.project.run("lock", "update", "small.yaml", "--format", "json", *words)
        assert ended.code == 0, ended.err
        found: dict[str, Any] = ended.json()
        return found

    def run(self, *words: str) -> Ended:
        return self.project.run(*words)


def git_project(root: Path, *, manifest: str = GIT_MANIFEST, registry: str = "oci-layout:registry", earthfile: str = EARTHFILE) -> GitProject:
    files = {path.removeprefix("src/"): text for path, text in {**FILES, "src/Earthfile": earthfile}.items()}
    upstream = repository(root / "upstream", files)
    upstream.commit("first")
    text = manifest.replace("GIT", f"file://{upstream.root}")
    return GitProject(project=small_project(root / "project", manifest=text, registry=registry, files={}), upstream=upstream)
