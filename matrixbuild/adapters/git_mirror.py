"""The URL of a repository -> a bare copy of it in a cache directory, that answers without a network for what it has."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from matrixbuild.adapters.git import COMMIT, Git, without_login
from matrixbuild.core.names import sha256
from matrixbuild.core.problems import InvalidError, Problem, UnusableError, did_you_mean

_NAMESPACES = {"branch": "refs/heads/", "tag": "refs/tags/"}
_EVERYTHING = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


def cache_directory(environment: Mapping[str, str]) -> Path:
    """`$XDG_CACHE_HOME/matrixbuild`, or below `~/.cache`; a relative XDG_CACHE_HOME counts as none (XDG base directory specification)."""
    home = environment.get("XDG_CACHE_HOME", "")
    return (Path(home) if home.startswith("/") else Path(environment.get("HOME", "") or Path.home()) / ".cache") / "matrixbuild"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """Branches and tags of one repository with all their commits. `url` may hold a login, which no message shows."""

    directory: Path
    url: str

    @property
    def git(self) -> Git:
        return Git(directory=self.directory, bare=True)

    def has(self, commit: str) -> bool:
        """Whether a commit (in full) is there; asks no network."""
        return self.directory.exists() and self.git.attempt("cat-file", "-e", f"{commit}^{{commit}}").code == 0

    def knows(self, ref: str) -> bool:
        """Whether `resolve` has an answer; asks no network."""
        if not self.directory.exists():
            return False
        return bool(COMMIT.fullmatch(ref) and self.has(ref)) or any(self._commit(f"{space}{ref}") for space in _NAMESPACES.values())

    def resolve(self, ref: str) -> str:
        """The commit of a branch, a tag or a commit in full; asks no network.

        Raises InvalidError where there is none, and where a branch and a tag of that name are different commits.
        """
        if COMMIT.fullmatch(ref) and self.has(ref):
            return ref
        found = {kind: commit for kind, space in _NAMESPACES.items() if (commit := self._commit(f"{space}{ref}"))}
        if len(set(found.values())) == 1:
            return next(iter(found.values()))
        if found:
            summary, hint = f"{ref!r} is a branch and a tag of {without_login(self.url)}, and they differ", "give the commit itself, in full"
        else:
            summary = f"{without_login(self.url)} has no branch, tag or commit {ref!r}"
            hint = did_you_mean(ref, self._refs()) or "a commit has to be written in full"
        raise InvalidError(Problem(summary=summary, hint=hint, code="unknown-revision"))

    def _refs(self) -> Sequence[str]:
        return os.fsdecode(self.git.run("for-each-ref", "--format=%(refname:lstrip=2)", *_NAMESPACES.values()).out).splitlines()

    def _commit(self, ref: str) -> str:
        ran = self.git.attempt("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        return ran.line if ran.code == 0 else ""


def mirror(cache: Path, url: str, *, commit: str = "") -> Mirror:
    """The mirror of a repository below `cache`, cloned or brought up to date; where it has `commit` already, no network is asked.

    Several processes may do so at once. A clone is there as a whole or not at all. Raises UnusableError naming the fetch that failed; that a commit
    which no branch or tag has (any more) could not be had either is not told here: see `Mirror.has`.
    """
    found = known_mirror(cache, url)
    if commit and found.has(commit):
        return found
    with _alone(found.directory):
        # Another process may have fetched it while this one waited.
        if not (commit and found.has(commit)):
            _fetch(found)
        if commit and not found.has(commit):
            # Its branch was rewritten or removed: many servers give it all the same. The ref keeps git from tidying it away.
            found.git.attempt("fetch", "--quiet", "--no-tags", "--", url, f"+{commit}:refs/matrixbuild/{commit}")
    return found


def known_mirror(cache: Path, url: str) -> Mirror:
    """The mirror of a repository as it is, there or not; asks no network."""
    return Mirror(directory=cache / "git" / f"{sha256(os.fsencode(url)).partition(':')[2][:40]}.git", url=url)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Hold what is beside a directory while the block runs; whoever comes later waits."""
    try:
        directory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(directory.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        summary = f"cannot use the cache {directory.parent}: {error.strerror or error}"
        raise UnusableError(Problem(summary=summary, hint="check its permissions and the space left, or set XDG_CACHE_HOME", code="cache")) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _fetch(found: Mirror) -> None:
    if found.directory.exists():
        _run_fetch(found, found.directory, "--prune")
        return
    fresh = found.directory.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)  # what a killed clone left
    Git(directory=fresh.parent).run("init", "--quiet", "--bare", str(fresh))
    _run_fetch(found, fresh)
    fresh.rename(found.directory)


def _run_fetch(found: Mirror, directory: Path, *options: str) -> None:
    ran = Git(directory=directory, bare=True).attempt("fetch", "--quiet", "--no-tags", *options, "--", found.url, *_EVERYTHING)
    if ran.code:
        shown = without_login(found.url)
        hint = "check the address and the network; git must be able to log in without asking (a credential helper, an SSH key)"
        # What git says may hold the address in a form of its own.
        said = without_login(ran.said.replace(found.url, shown))
        raise UnusableError(Problem(summary=f"git fetch {shown} failed: {said}", hint=hint, code="git"))
