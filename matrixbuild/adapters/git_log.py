"""Two commits of a repository -> what happened in between: commits with their subjects, and the paths that differ."""

from __future__ import annotations

import os
from dataclasses import dataclass

from matrixbuild.adapters.git import Git


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """`commits` are (id, first line of the message), newest first; `count` is how many there are in all; `rewritten` as in core.pin_moves."""

    commits: tuple[tuple[str, str], ...]
    count: int
    rewritten: bool


def log_between(git: Git, old: str, new: str, *, most: int) -> Log:
    """The commits that `new` has and `old` has not, the newest `most` of them. Raises UnusableError where the repository lacks one."""
    between = f"{old}..{new}"
    # NUL cannot be in a subject; a newline cannot either, but what ends a record should not hang on that.
    words = git.run("log", "-z", f"--max-count={most}", "--format=%H %s", between, "--").paths
    commits = tuple((id_, subject) for id_, _, subject in (word.partition(" ") for word in words))
    count = int(git.run("rev-list", "--count", between, "--").line)
    rewritten = git.run("merge-base", "--is-ancestor", old, new, accept=(0, 1)).code == 1
    return Log(commits=commits, count=count, rewritten=rewritten)


def paths_between(git: Git, old: str, new: str) -> tuple[str, ...]:
    """The paths that differ between two commits, sorted; a repository without a worktree will do."""
    ran = git.run("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-ext-diff", "--ignore-submodules=none", old, new)
    return tuple(sorted(os.fsdecode(path) for path in ran.out.split(b"\0") if path))
