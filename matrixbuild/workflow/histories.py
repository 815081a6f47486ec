"""A source's directory and a range of its repository's history -> the source before and after, and the paths that differ."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from matrixbuild.adapters.git import Git, Place, changed, merge_base, place, resolve, tracked, untracked
from matrixbuild.adapters.git_tree import GitTree, Objects, check_submodules, git_tree, objects
from matrixbuild.adapters.sources import Mixed, Source
from matrixbuild.core.listing import Kind
from matrixbuild.core.problems import InvalidError, Problem, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """`old` and `new` are revisions, `new` None for the worktree; `apart`: from where their histories part (`A...B`)."""

    old: str
    new: str | None = None
    apart: bool = False

    @classmethod
    def of(cls, text: str) -> Range:
        """`A..B` or `A...B`; a side that is left out is HEAD, as git has it. Raises UsageError for anything else."""
        apart = "..." in text
        old, found, new = text.partition("..." if apart else "..")
        if found and (old or new) and ".." not in new:
            return cls(old=old or "HEAD", new=new or "HEAD", apart=apart)
        raise UsageError(
            Problem(summary=f"{text!r} is not a range of commits", hint="write A..B or A...B; --since A is A to the worktree", code="usage")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A source at two times. `unseen` are files that git ignores: nothing tells what they were, so that they are the same in both.

    `before_is` and `after_is` name the two; `manifest_changed` tells of the manifest's own file. `submodules` are (path, commit) of those whose
    contents are not known.
    """

    before: Source
    after: Source
    before_is: str
    after_is: str
    paths: tuple[str, ...]
    unseen: frozenset[str]
    submodules: tuple[tuple[str, str], ...]
    manifest_changed: bool


@contextmanager
def history(source: Source, found: Range, *, manifest: Path, without: tuple[Path, ...]) -> Iterator[History]:
    """`without` are the (absolute) paths that the source lacks.

    Raises InvalidError for revisions that git does not know; UnusableError where the source is in no repository, or git fails.
    """
    where = place(source.root)
    old = resolve(where.git, found.old)
    new = resolve(where.git, found.new) if found.new else None
    if found.apart and new:
        old = merge_base(where.git, old, new)
    with objects(where.git) as store:
        reader = _Reader(source=source, where=where, store=store, without=without)
        yield reader.between(old, new, manifest) if new else reader.since(old, manifest)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    source: Source
    where: Place
    store: Objects
    without: tuple[Path, ...]

    def since(self, commit: str, manifest: Path) -> History:
        """From a commit to the worktree. What git says is unchanged is taken from the worktree: so filters and submodules do not matter there."""
        known = tracked(self.where.git)
        old = self._old_tree(commit)
        differ = {*changed(self.where.git, commit), *untracked(self.where.git)}
        differ |= {path for path, unwatched in known.items() if unwatched and self._differs(old, path)}
        # Of a repository in this one git tells the directory alone: then everything in it may differ.
        differ |= {path for path in _leaves(self.source) if _in_any(path, differ)}
        paths = tuple(sorted(path for path in differ if path in old.listing.entries or path in self.source.listing.entries))
        inside = tuple(path for path in old.submodules if path in differ)
        kept = [path for path in _leaves(self.source) if path not in differ]
        before = Mixed(
            self.source.root, [(old, [path for path in paths if path in old.listing.entries]), (self.source, kept)], _check(inside, commit)
        )
        return History(
            before=before,
            after=self.source,
            before_is=commit[:12],
            after_is="the worktree",
            paths=paths,
            unseen=self._unseen(known),
            submodules=tuple((path, commit) for path in inside),
            manifest_changed=self._manifest_changed(manifest, commit, None),
        )

    def between(self, old: str, new: str, manifest: Path) -> History:
        """From a commit to a commit."""
        unseen = self._unseen(tracked(self.where.git))
        trees = [self._old_tree(old), self._tree(new)]
        before, after = (Mixed(self.source.root, [(tree, _leaves(tree)), (self.source, sorted(unseen))], tree.check) for tree in trees)
        paths = changed(self.where.git, old, new)
        return History(
            before=before,
            after=after,
            before_is=old[:12],
            after_is=new[:12],
            paths=tuple(path for path in paths if any(path in tree.listing.entries for tree in trees)),
            unseen=unseen,
            submodules=tuple((path, tree.commit) for tree in trees for path in tree.submodules),
            manifest_changed=self._manifest_changed(manifest, old, new),
        )

    def _tree(self, commit: str) -> GitTree:
        without = tuple(path.relative_to(self.source.root).as_posix() for path in self.without if path.is_relative_to(self.source.root))
        return git_tree(self.store, self.where.git, commit, root=self.source.root, prefix=self.where.prefix, without=without)

    def _old_tree(self, commit: str) -> GitTree:
        """Empty where the directory was not there yet."""
        try:
            return self._tree(commit)
        except InvalidError:
            return GitTree(self.source.root, commit, {}, (), self.store)

    def _differs(self, old: GitTree, path: str) -> bool:
        """Of a file that git was told not to look at; one that is not checked out (a sparse checkout) counts as unchanged."""
        here = path in self.source.listing.entries
        return here and (path not in old.listing.entries or old.fingerprint(path) != self.source.fingerprint(path))

    def _unseen(self, known: Collection[str]) -> frozenset[str]:
        """What is in the worktree and git does not have and would not take: ignored files, and directories without any file."""
        seen = {*known, *untracked(self.where.git)}
        return frozenset(path for path in _leaves(self.source) if path not in seen and not _in_any(path, seen))

    def _manifest_changed(self, manifest: Path, old: str, new: str | None) -> bool:
        directory = manifest.resolve().parent
        git = Git(directory=directory)
        if git.attempt("rev-parse", "--show-toplevel").line != str(self.where.root):
            return False
        return manifest.name in changed(git, old, new)


def _leaves(source: Source) -> tuple[str, ...]:
    """Every path but those of directories that something is in."""
    entries = source.listing.entries
    parents = {posixpath.dirname(path) for path in entries}
    return tuple(path for path in entries if entries[path].kind is not Kind.DIRECTORY or path not in parents)


def _in_any(path: str, directories: Collection[str]) -> bool:
    while path := posixpath.dirname(path):
        if path in directories:
            return True
    return False


def _check(submodules: tuple[str, ...], commit: str) -> Callable[[str], None]:
    return lambda path: check_submodules(path, submodules, commit)
