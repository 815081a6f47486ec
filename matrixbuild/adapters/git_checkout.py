"""A commit -> a directory with the files as git would check them out, and nothing of the repository changed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from matrixbuild.adapters.git import Git, Ran
from matrixbuild.core.problems import Problem, UnusableError

_NO_HOOKS = ("-c", "core.hooksPath=/dev/null", "-c", "core.sparseCheckout=false")


@contextmanager
def checked_out(root: Path, commit: str) -> Iterator[Path]:
    """The worktree at `root` as it was at a commit, in a directory that goes at the end of the block. It has an empty `.git`, so that it counts as
    the root of a project; submodules are empty directories. Line endings and filters are those of a checkout.

    Raises UnusableError where git fails.
    """
    with tempfile.TemporaryDirectory(prefix="matrixbuild-") as directory:
        tree = Path(directory).resolve() / "tree"
        tree.mkdir()
        git = replace(Git(directory=root), index=str(Path(directory) / "index"))
        _done(git.attempt(*_NO_HOOKS, "read-tree", commit), commit)
        _done(git.attempt(*_NO_HOOKS, "checkout-index", "--all", "--quiet", f"--prefix={tree}/"), commit)
        (tree / ".git").touch()
        yield tree


def _done(ran: Ran, commit: str) -> None:
    if ran.code:
        summary = f"git cannot check out {commit[:12]}: {ran.said}"
        raise UnusableError(Problem(summary=summary, hint="run `git checkout` of it in a clone to see more", code="git"))
