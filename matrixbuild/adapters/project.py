"""A manifest's path -> the root of the project it belongs to."""

from __future__ import annotations

from pathlib import Path


def project_root(manifest: Path) -> Path:
    """The nearest directory above the manifest that holds `.git`, else the manifest's own (design.md 3); in a git worktree `.git` is a file."""
    home = manifest.resolve().parent
    return next((directory for directory in (home, *home.parents) if (directory / ".git").exists()), home)
