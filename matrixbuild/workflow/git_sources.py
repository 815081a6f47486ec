"""A source in git -> its mirror in the cache, asked for what was never seen, and its files at one commit."""

from __future__ import annotations

import os
import weakref
from pathlib import Path

from matrixbuild.adapters.git import without_login
from matrixbuild.adapters.git_mirror import Mirror, cache_directory, known_mirror, mirror
from matrixbuild.adapters.git_tree import Objects, git_tree
from matrixbuild.adapters.sources import Source
from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.workflow.options import Options
from matrixbuild.workflow.sources import Fetch


def mirror_of(git: str, ref: str, commit: str, options: Options, fetch: Fetch) -> Mirror | None:
    """The mirror of a repository that knows `commit`, or with "" the ref; None where it would have to be fetched, and `fetch` forbids it.

    Raises UnusableError where it cannot be had (offline: naming the command that would fetch it).
    """
    cache = cache_directory(os.environ)
    found = known_mirror(cache, git)
    seen = found.has(commit) if commit else found.knows(ref)
    if seen and (commit or fetch is not Fetch.CURRENT or options.offline):
        return found
    if fetch is Fetch.NEVER and not options.offline:
        return None
    if not options.offline:
        return mirror(cache, git, commit=commit)
    command = f"git fetch {without_login(git)} {commit or ref}"
    hint = f"run the same command without --offline once: it does `{command}` into the cache; or give a checkout with --source"
    summary = f"{without_login(git)} at {ref} is not in the cache, and --offline forbids to fetch it"
    raise UnusableError(Problem(summary=summary, hint=hint, code="offline"))


def tree_at(found: Mirror, commit: str, ref: str) -> Source:
    """A repository at one of its commits. Raises UnusableError where the mirror does not have it and its server no longer gives it."""
    if not mirror(cache_directory(os.environ), found.url, commit=commit).has(commit):
        raise UnusableError(_lost(found, commit, ref))
    held = Objects(found.git)
    tree = git_tree(held, found.git, commit, root=Path(f"{without_login(found.url)}@{ref}"))
    weakref.finalize(tree, held.close)
    return tree


def _lost(found: Mirror, commit: str, ref: str) -> Problem:
    summary = f"{without_login(found.url)} no longer has the commit {commit[:12]}, which the lock pins for {ref}"
    hint = "its history was rewritten: `matrixbuild lock update --source` pins what is there now"
    return Problem(summary=summary, hint=hint, code="lost-commit")
