"""Git repositories made in a test's directory, untouched by whatever this machine's git is told."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository with a worktree."""

    root: Path

    def git(self, *words: str) -> str:
        who = {f"GIT_{role}_{field}": value for role in ("AUTHOR", "COMMITTER") for field, value in (("NAME", "t"), ("EMAIL", "t@example.com"))}
        # What a hook of the repository that the tests run in would hand on must not reach this one.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        command = ["git", "-c", "protocol.file.allow=always", *words]
        done = subprocess.run(command, cwd=self.root, env={**inherited, **who, **quiet}, check=True, capture_output=True)
        return os.fsdecode(done.stdout).strip()

    def write(self, files: Mapping[str, str]) -> None:
        for path, text in files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text)

    def commit(self, message: str = "change") -> str:
        """Commit everything that git would take; the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")


def repository(root: Path, files: Mapping[str, str] | None = None) -> Repository:
    root.mkdir(parents=True, exist_ok=True)
    made = Repository(root=root)
    made.git("init", "--quiet", "--initial-branch=main")
    made.write(files or {})
    return made
