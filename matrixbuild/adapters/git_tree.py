"""A directory at a commit -> a source as the directory itself would be, checked out: the same listing, the same fingerprints."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from matrixbuild.adapters.git import Git, environment, missing
from matrixbuild.adapters.lfs import is_pointer
from matrixbuild.adapters.sources import fingerprint_of, parents
from matrixbuild.core.listing import Entry, Kind, Listing
from matrixbuild.core.names import sha256
from matrixbuild.core.problems import InvalidError, Problem, Severity, UnusableError

_SYMLINK, _SUBMODULE = "120000", "160000"
_ELSEWHERE = "give {} as source.path or with --source; an impact can be asked of named files instead of a range"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The SHA-256 of a content, as `sha256:<hex>`; whether it is a pointer of Git LFS."""

    digest: str
    pointer: bool


class Objects:
    """Contents of a repository by object id, from one process of git's that lives as long as this; safe to use from several threads."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._lock = threading.Lock()
        self._facts: dict[str, Facts] = {}
        try:
            self._process = subprocess.Popen(  # noqa: S603 (git, with words of our own)
                git.command("cat-file", "--batch"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment(os.environ),
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise missing() from error

    def read(self, name: str) -> bytes:
        """The content of an object. Raises UnusableError where the repository lacks it (a partial clone) or git ends."""
        with self._lock:
            try:
                return self._read(name)
            except (OSError, ValueError) as error:
                summary = f"git cat-file cannot read {name[:12]} in {self._git.directory}: {error}"
                hint = "`git fsck` and `git fetch` repair a clone that lacks something"
                raise UnusableError(Problem(summary=summary, hint=hint, code="git")) from error

    def _read(self, name: str) -> bytes:
        requests, answers = self._process.stdin, self._process.stdout
        if requests is None or answers is None or self._process.poll() is not None:
            raise ValueError("it has ended")
        requests.write(f"{name}\n".encode())
        requests.flush()
        header = answers.readline().split()
        if len(header) != 3:
            raise ValueError("it is not in this clone")
        size = int(header[2])
        data = answers.read(size + 1)
        if len(data) != size + 1:
            raise ValueError("it ended early")
        return data[:-1]

    def facts(self, name: str) -> Facts:
        """What is to be known of an object's content; it is read once."""
        if name not in self._facts:
            data = self.read(name)
            self._facts[name] = Facts(digest=sha256(data), pointer=is_pointer(data))
        return self._facts[name]

    def close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.wait()


@contextmanager
def objects(git: Git) -> Iterator[Objects]:
    """Objects that are let go of at the end of the block."""
    found = Objects(git)
    try:
        yield found
    finally:
        found.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Blob:
    entry: Entry
    name: str


class GitTree:
    """A directory at a commit, as adapters.sources.Source; `root` is where it would be checked out.

    `submodules` are the paths of other repositories in it: of them the listing has the directory alone, and reading one is an error, as is
    reading a file that only Git LFS has. Contents are those that were committed: no filter or line ending of .gitattributes is applied.
    """

    def __init__(
        self, root: Path, commit: str, blobs: dict[str, _Blob], submodules: tuple[str, ...], objects: Objects, *, strict: bool = True
    ) -> None:
        self.root = root
        self.commit = commit
        self.submodules = submodules
        self._blobs = blobs
        self._objects = objects
        self._strict = strict
        self.listing = Listing(entries=dict(_entries(blobs, submodules)))

    def open(self, path: str) -> bytes:
        """Raises UnusableError for what the commit does not hold itself: a submodule, a file of Git LFS."""
        self.check(path)
        name = self._blobs[path].name
        self._check_pointer(path, self._objects.facts(name))
        return self._objects.read(name)

    def text(self, path: str) -> str | None:
        self.check(path)
        entry = self.listing.entries.get(path)
        return self.open(path).decode("utf-8", "surrogateescape") if entry and entry.kind is Kind.FILE else None

    def fingerprint(self, path: str) -> str:
        entry = self.listing.entries[path]
        if entry.kind is not Kind.FILE:
            self.check(path)
            return fingerprint_of(entry, "")
        facts = self._objects.facts(self._blobs[path].name)
        self._check_pointer(path, facts)
        return fingerprint_of(entry, facts.digest)

    def lfs_pointers(self) -> tuple[str, ...]:
        """The files that only Git LFS has, sorted."""
        files = (path for path, blob in self._blobs.items() if blob.entry.kind is Kind.FILE)
        return tuple(sorted(path for path in files if self._objects.facts(self._blobs[path].name).pointer))

    def checked_out(self) -> GitTree:
        """The same as git alone would check it out: pointers are files like others, and submodules are empty directories."""
        return GitTree(self.root, self.commit, self._blobs, self.submodules, self._objects, strict=False)

    def _check_pointer(self, path: str, facts: Facts) -> None:
        if facts.pointer and self._strict:
            summary = f"{path} is kept by Git LFS, and {self.commit[:12]} holds only a pointer to it"
            hint = _ELSEWHERE.format("a clone with Git LFS")
            raise UnusableError(Problem(summary=summary, hint=hint, code="lfs"))

    def check(self, path: str) -> None:
        """Raise UnusableError for what is at or in a submodule."""
        if self._strict:
            check_submodules(path, self.submodules, self.commit)


def absent(tree: GitTree) -> tuple[Problem, ...]:
    """Warnings of what a commit names and does not hold itself: a build that may read it would find other things than its author has."""
    submodules = [(path, "is a submodule", "an empty directory") for path in tree.submodules]
    pointers = [(path, "is kept by Git LFS", "a pointer") for path in tree.lfs_pointers()]
    hint = "where builds need it, clone the repository with all of it, and give that directory as source.path or with --source"
    return tuple(
        Problem(summary=f"{path} {what}: builds find {found} in its place", hint=hint, code="absent", severity=Severity.WARNING)
        for path, what, found in (*submodules, *pointers)
    )


def check_submodules(path: str, submodules: Iterable[str], commit: str) -> None:
    """Raise UnusableError for what is at or in a submodule."""
    for inside in (each for each in submodules if path == each or path.startswith(f"{each}/")):
        summary = f"{inside} is a submodule, and what is in it at {commit[:12]} is not known here"
        hint = _ELSEWHERE.format("a clone with its submodules")
        raise UnusableError(Problem(summary=summary, hint=hint, code="submodule"))


def git_tree(objects: Objects, git: Git, commit: str, *, root: Path, prefix: str = "", without: tuple[str, ...] = ()) -> GitTree:
    """The directory `prefix` (with a trailing slash; empty for the root) at a commit, without the paths `without` (relative to it).

    Raises InvalidError where the commit has no such directory.
    """
    tree = f"{commit}:{prefix.rstrip('/')}" if prefix else f"{commit}^{{tree}}"
    if git.attempt("cat-file", "-t", tree).line != "tree":
        hint = "it was added later, or moved"
        raise InvalidError(Problem(summary=f"there is no directory {prefix.rstrip('/')} at {commit[:12]}", hint=hint, code="no-source"))
    blobs: dict[str, _Blob] = {}
    submodules: list[str] = []
    for line in git.run("ls-tree", "-r", "-z", "--full-tree", tree).paths:
        description, _, path = line.partition("\t")
        mode, _, name = description.split()
        if any(path == each or path.startswith(f"{each}/") for each in without):
            continue
        if mode == _SUBMODULE:
            submodules.append(path)
            continue
        blobs[path] = _Blob(entry=_entry(mode, name, objects), name=name)
    return GitTree(root, commit, blobs, tuple(submodules), objects)


def _entry(mode: str, name: str, objects: Objects) -> Entry:
    if mode == _SYMLINK:
        return Entry(kind=Kind.SYMLINK, mode=0o777, target=os.fsdecode(objects.read(name)))
    return Entry(kind=Kind.FILE, mode=0o755 if int(mode, 8) & 0o100 else 0o644)


def _entries(blobs: dict[str, _Blob], submodules: tuple[str, ...]) -> Iterator[tuple[str, Entry]]:
    directory = Entry(kind=Kind.DIRECTORY, mode=0o755)
    for path in (*blobs, *submodules):
        yield from ((parent, directory) for parent in parents(path))
        yield path, blobs[path].entry if path in blobs else directory
