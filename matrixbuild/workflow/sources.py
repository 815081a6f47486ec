"""The source that a manifest declares -> its files as each build sees them: a directory or a commit, with layers over it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING

from matrixbuild.adapters.overlay import Layer, Overlay, SecretFile, check_secret_files, local_layer
from matrixbuild.adapters.source import Snapshot, snapshot
from matrixbuild.adapters.sources import Source
from matrixbuild.adapters.state import STATE_DIRECTORY
from matrixbuild.core import surroundings
from matrixbuild.core.declared import Text
from matrixbuild.core.inputs import Pairs
from matrixbuild.core.listing import Kind
from matrixbuild.core.names import LAYOUT_PREFIX
from matrixbuild.core.pins import answers
from matrixbuild.core.problems import MatrixbuildError, Problem, Severity
from matrixbuild.workflow.options import Options
from matrixbuild.workflow.projects import OUTPUT_DIRECTORY, Project

# What only a source in git needs is imported where one is met: a directory costs nothing of it.
if TYPE_CHECKING:
    from matrixbuild.adapters.git_mirror import Mirror
    from matrixbuild.adapters.git_tree import GitTree

Variant = tuple[int, ...]
"""Which of the manifest's `source.files` are laid over the source, by their index."""


class Fetch(Enum):
    """When a repository's server is asked: never; where what is wanted was never seen; or also for where an unpinned ref is now."""

    NEVER = auto()
    UNSEEN = auto()
    CURRENT = auto()


class Trees:
    """The source for each variant. `commit` is that of a git source, "" of a directory; `pin` is what the lock keeps of it; `mirror` has a git
    source at its other commits."""

    def __init__(self, base: Source, layers: Sequence[Layer], *, pin: Pairs, commit: str = "", mirror: Mirror | None = None) -> None:
        self._base = base
        self._layers = layers
        self._made: dict[tuple[Variant, bool], Overlay] = {}
        self.pin = pin
        self.commit = commit
        self.mirror = mirror

    def of(self, variant: Variant, *, reveal: bool = False) -> Source:
        """As builds of a variant see it; with `reveal` its secrets can be read."""
        if not variant:
            return self._base
        key = (variant, reveal)
        if key not in self._made:
            self._made[key] = Overlay(self._base, [self._layers[index] for index in variant], reveal=reveal)
        return self._made[key]

    def checked_out(self, variant: Variant) -> Source:
        """As builds of a variant find it on the disk: secrets in it, files of Git LFS as pointers and submodules as empty directories, which no build
        of a plan reads."""
        tree = self._tree()
        return Overlay(self._base if tree is None else tree.checked_out(), [self._layers[index] for index in variant], reveal=True)

    def absent(self) -> tuple[Problem, ...]:
        """What a commit names and does not hold: warnings, for a build that reads it is an error."""
        tree = self._tree()
        if tree is None:
            return ()
        from matrixbuild.adapters.git_tree import absent

        return absent(tree)

    def _tree(self) -> GitTree | None:
        """The source where it is a commit."""
        if isinstance(self._base, Snapshot):
            return None
        from matrixbuild.adapters.git_tree import GitTree

        return self._base if isinstance(self._base, GitTree) else None

    def pointers(self, read: Iterable[tuple[str, str]]) -> tuple[Problem, ...]:
        """What builds read of a directory (path and fingerprint) and Git LFS has elsewhere: warnings, for a build may want just that."""
        base = self._base
        if not isinstance(base, Snapshot):
            return ()
        seen = set(read)
        found = [path for path in base.pointers({path for path, _ in seen}) if (path, base.fingerprint(path)) in seen]
        hint = "`git lfs pull` in that directory fetches the file"
        summary = "{} is kept by Git LFS, and this directory holds only a pointer to it, which builds copy"
        return tuple(Problem(summary=summary.format(path), hint=hint, code="lfs", severity=Severity.WARNING) for path in found)

    def aside(self, variant: Variant) -> Source:
        """As `of`; but what is read of it is read by no build (`unread`)."""
        return Overlay(self._base, [self._layers[index] for index in variant]) if variant else self._base

    def check_secrets(self, variants: Iterable[Variant]) -> None:
        """Raise UnusableError for secrets of these variants that this machine does not have."""
        check_secret_files(self._layers[index] for index in sorted({index for variant in variants for index in variant}))

    def hidden(self, variant: Variant) -> frozenset[str]:
        """The files of a variant whose content is secret."""
        return frozenset(layer.path for index in variant if isinstance(layer := self._layers[index], SecretFile))

    def remember(self) -> None:
        """Keep for later processes what this one has read of a directory: of a commit git itself knows it."""
        if isinstance(self._base, Snapshot):
            self._base.remember()

    def over(self, base: Source) -> Trees:
        """The same layers over another source: the manifest's at another time."""
        return Trees(base, self._layers, pin=self.pin, commit=self.commit, mirror=self.mirror)

    def laid(self, index: int) -> frozenset[str]:
        """The files that one of the layers lays over the source."""
        return frozenset(path for path, entry in self._layers[index].entries.items() if entry.kind is not Kind.DIRECTORY)

    @property
    def unread(self) -> tuple[int, ...]:
        """The layers of which nothing was read yet, by their index."""
        touched = set[int]().union(*(made.touched for made in self._made.values()))
        return tuple(index for index, layer in enumerate(self._layers) if id(layer) not in touched)


def open_trees(declared: surroundings.Source, project: Project, options: Options, *, registry: str, pinned: Pairs, fetch: Fetch) -> Trees | None:
    """The source of a manifest. `registry` is the manifest's, `pinned` what the lock holds of the source. None, where it is in git, would
    have to be fetched, and `fetch` forbids it. A directory that stands in for the source leaves the pin as it was.

    Raises UnusableError where it cannot be had (offline: naming the command that would fetch it), InvalidError for files that are not there.
    """
    base = project.manifest.parent
    without = excluded(project, registry)
    layers = [_layer(file, base, without) for file in declared.files]
    written = str(options.source) if options.source else declared.path.value if declared.path else ""
    if written:
        if fetch is Fetch.NEVER and not os.path.isdir(options.source or base / written):  # noqa: PTH112 (Path.is_dir raises for too long a name)
            return None
        place = None if options.source or not declared.path else declared.path.place
        found = snapshot(options.source or base / written, named=written, place=place, without=without, project=project.root)
        return Trees(found, layers, pin=_pin_beside(declared, pinned) if options.source else (("path", written),))
    return _git_trees(declared, layers, options, pinned, fetch)


def excluded(project: Project, registry: str) -> tuple[Path, ...]:
    """What is no part of a source, though it may be in its directory: what matrixbuild itself writes. Absolute."""
    without = [project.root / STATE_DIRECTORY, project.root / OUTPUT_DIRECTORY, project.lock]
    if registry.startswith(LAYOUT_PREFIX):
        without.append(project.manifest.parent / registry.removeprefix(LAYOUT_PREFIX))
    return tuple(path.resolve() for path in without)


def base_variant(declared: surroundings.Source) -> Variant:
    """The files that every cell has: what the source says of itself is read with them."""
    return tuple(index for index, file in enumerate(declared.files) if not file.when)


def git_and_ref(declared: surroundings.Source) -> Pairs:
    """What a pin of a source in git answers; nothing of a directory."""
    if declared.git is None:
        return ()
    from matrixbuild.adapters.git import without_login

    return (("git", without_login(declared.git.value)), ("ref", declared.ref.value if declared.ref else ""))


def _pin_beside(declared: surroundings.Source, pinned: Pairs) -> Pairs:
    """The pin of a manifest that another directory stands in for: what that holds is nobody else's."""
    wanted = git_and_ref(declared)
    if not wanted:
        return (("path", declared.path.value),) if declared.path else ()
    return pinned if answers(pinned, wanted) else wanted


def _git_trees(declared: surroundings.Source, layers: Sequence[Layer], options: Options, pinned: Pairs, fetch: Fetch) -> Trees | None:
    from matrixbuild.workflow.git_sources import mirror_of, tree_at

    wanted = git_and_ref(declared)
    git, ref = declared.git.value if declared.git else "", dict(wanted)["ref"]
    commit = dict(pinned)["commit"] if answers(pinned, wanted) else ""
    with _told_at(declared.git):
        found = mirror_of(git, ref, commit, options, fetch)
    if found is None:
        return None
    with _told_at(declared.ref):
        commit = commit or found.resolve(ref)
        tree = tree_at(found, commit, ref)
    return Trees(tree, layers, pin=(("commit", commit), *wanted), commit=commit, mirror=found)


@contextmanager
def _told_at(written: Text | None) -> Iterator[None]:
    """What is wrong with a repository is told where the manifest names it; a line that holds a login is not shown."""
    from matrixbuild.adapters.git import without_login

    try:
        yield
    except MatrixbuildError as error:
        place = written.place if written else None
        if place and without_login(place.text) != place.text:
            place = replace(place, text="")
        raise type(error)(*(replace(each, place=each.place or place) for each in error.problems)) from error


def _layer(file: surroundings.SourceFile, base: Path, without: tuple[Path, ...]) -> Layer:
    if file.secret:
        return SecretFile(path=file.to, name=file.secret.value, version=file.version, place=file.place)
    origin = file.origin.value if file.origin else ""
    return local_layer(base / origin, named=origin, to=file.to, place=file.place, without=without)
