"""A directory, a revision or a range of git's -> its repository, commits, and which paths differ: git itself is asked, and changes nothing."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matrixbuild.core.problems import InvalidError, Problem, UnusableError

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
"""A commit written in full."""

_OPTIONS = ("-c", "core.quotePath=false", "-c", "core.fsmonitor=false")
_LOGIN = re.compile(r"(?<=://)[^/@\s']*@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """Runs git in a directory, or over a bare repository; with an `index` of its own instead of the repository's."""

    directory: Path
    bare: bool = False
    index: str = ""

    def command(self, *words: str) -> list[str]:
        return ["git", *_OPTIONS, *(["--git-dir", str(self.directory)] if self.bare else ["-C", str(self.directory)]), *words]

    def run(self, *words: str, accept: Sequence[int] = (0,)) -> Ran:
        """Raises UnusableError where git is not installed, or ends with another code than the accepted ones."""
        ran = self.attempt(*words)
        if ran.code not in accept:
            raise UnusableError(Problem(summary=f"git {words[0]} failed in {self.directory}: {ran.said}", hint=_hint(ran.said), code="git"))
        return ran

    def attempt(self, *words: str) -> Ran:
        """However it ends. Raises UnusableError where git is not installed."""
        try:
            # Of a session of its own it has no terminal that it, or an ssh below it, could ask on.
            done = subprocess.run(  # noqa: S603 (git, with words of our own)
                self.command(*words), stdin=subprocess.DEVNULL, capture_output=True, env=self._environment(), start_new_session=True, check=False
            )
        except FileNotFoundError as error:
            raise missing() from error
        return Ran(code=done.returncode, out=done.stdout, said=_said(done.stderr))

    def _environment(self) -> dict[str, str]:
        return environment(os.environ) | ({"GIT_INDEX_FILE": self.index} if self.index else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How git ended: `said` is what it complained of, in one line and without anybody's login."""

    code: int
    out: bytes
    said: str

    @property
    def line(self) -> str:
        return os.fsdecode(self.out).removesuffix("\n")

    @property
    def paths(self) -> tuple[str, ...]:
        """Of NUL-separated output; bytes that are not UTF-8 become surrogates."""
        return tuple(os.fsdecode(path) for path in self.out.split(b"\0") if path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A directory in the worktree of a repository: `prefix` is its path from the worktree's root, with a trailing slash (empty for the root)."""

    directory: Path
    root: Path
    prefix: str

    @property
    def git(self) -> Git:
        return Git(directory=self.directory)


def place(directory: Path) -> Place:
    """Raises UnusableError where a directory is in no worktree, or git is not installed."""
    ran = Git(directory=directory).attempt("rev-parse", "--show-toplevel", "--show-prefix")
    if ran.code:
        known = "not a git repository" in ran.said or "must be run in a work tree" in ran.said
        summary = f"{directory} is in no git repository" if known else f"git cannot use {directory}: {ran.said}"
        hint = "name the changed files instead of a range" if known else _hint(ran.said)
        raise UnusableError(Problem(summary=summary, hint=hint, code="git"))
    root, _, prefix = ran.line.partition("\n")
    return Place(directory=directory, root=Path(root), prefix=prefix)


def resolve(git: Git, revision: str) -> str:
    """The full id of the commit that a revision names (a branch, a tag, a commit, `HEAD~2`). Raises InvalidError where it names none."""
    ran = git.attempt("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}") if revision and not revision.startswith("-") else None
    if ran is None or ran.code or not COMMIT.fullmatch(ran.line):
        shallow = git.attempt("rev-parse", "--is-shallow-repository").line == "true"
        hint = "this clone is shallow: `git fetch --unshallow` gets the rest" if shallow else "a branch, a tag or a commit that this clone has"
        raise InvalidError(Problem(summary=f"git knows no commit {revision!r} in {git.directory}", hint=hint, code="unknown-revision"))
    return ran.line


def merge_base(git: Git, one: str, other: str) -> str:
    """Where the histories of two commits part. Raises InvalidError where they have nothing in common."""
    ran = git.run("merge-base", one, other, accept=(0, 1))
    if ran.code:
        hint = "in a shallow clone `git fetch --unshallow` gets the rest of the history"
        raise InvalidError(Problem(summary=f"{one[:12]} and {other[:12]} have no commit in common", hint=hint, code="no-merge-base"))
    return ran.line


def changed(git: Git, old: str, new: str | None = None) -> tuple[str, ...]:
    """The paths below the directory that differ between two commits, or a commit and the worktree (without untracked files), sorted."""
    ran = git.run(
        "diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--ignore-submodules=none", "--relative", *filter(None, (old, new)), "--", "."
    )
    return tuple(sorted(ran.paths))


def untracked(git: Git) -> tuple[str, ...]:
    """The files below the directory that git does not have and would take, sorted; of another repository the directory alone."""
    return tuple(sorted(path.rstrip("/") for path in git.run("ls-files", "-z", "--others", "--exclude-standard", "--", ".").paths))


def tracked(git: Git) -> Mapping[str, bool]:
    """The files below the directory that git has, each with whether it was told not to look at them (assume-unchanged, skip-worktree)."""
    found = git.run("ls-files", "-z", "-v", "--", ".").paths
    return {entry[2:]: entry[0].islower() or entry[0] == "S" for entry in found}


def environment(outer: Mapping[str, str]) -> dict[str, str]:
    """What git is run with: nothing that points it elsewhere, nothing that makes it ask or take a lock."""
    kept = {name: value for name, value in outer.items() if not name.startswith("GIT_")}
    return {**kept, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}


def missing() -> UnusableError:
    return UnusableError(Problem(summary="git is not installed", hint="install it, or name the changed files instead of a range", code="git"))


def without_login(text: str) -> str:
    """A text with whatever stands before the `@` of a URL taken out."""
    return _LOGIN.sub("", text)


def _said(stderr: bytes) -> str:
    lines = [line for line in os.fsdecode(stderr).splitlines() if line.strip()]
    # The first `fatal:` or `error:` is the cause; what follows are its consequences and advice.
    found = next((line for line in lines if line.startswith(("fatal: ", "error: "))), lines[-1] if lines else "it says nothing")
    return without_login(found.removeprefix("fatal: ").removeprefix("error: "))


def _hint(said: str) -> str:
    if "dubious ownership" in said:
        return "somebody else owns it: `git config --global --add safe.directory DIRECTORY` says that you trust it"
    return "run the same command by hand to see more"
