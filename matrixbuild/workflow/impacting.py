"""A manifest and changed files, or a range of its source's history -> which builds and cells that affects."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matrixbuild.adapters.git_tree import check_submodules
from matrixbuild.adapters.sources import Source
from matrixbuild.core.expand import Expansion
from matrixbuild.core.footprint import Reach
from matrixbuild.core.impact import Affected, Impact, Side, certain, possible, reached_files
from matrixbuild.core.inputs import Pairs
from matrixbuild.core.listing import Kind, Listing
from matrixbuild.core.problems import Place, Problem, UnusableError, UsageError
from matrixbuild.workflow.histories import History, Range, history
from matrixbuild.workflow.options import Options
from matrixbuild.workflow.planning import engine_kind
from matrixbuild.workflow.projects import Project
from matrixbuild.workflow.reading import open_manifest
from matrixbuild.workflow.sides import Sides
from matrixbuild.workflow.sources import excluded

_NAMED = 3
"""So many of a note's files are named; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An impact, and the warnings of the manifest."""

    impact: Impact
    warnings: tuple[Problem, ...]


def impact_of_paths(manifest: Path, words: Sequence[str], *, source: Path | None = None) -> Found:
    """What changes of some files may affect, whatever was in them. `words` are paths from the working directory or from the source's root; a
    directory stands for all files in it. `source` stands in for `spec.source`.

    Raises InvalidError and UnusableError as a plan does.
    """
    start = _Start.of(manifest, source)
    side = start.sides.side(start.source)
    meant = [start.meant(word) for word in words]
    builds = possible(side, tuple(dict.fromkeys(path for paths in meant for each in paths for path in each)))
    affecting = {path for build in builds for path, _ in build.files}
    # Of what a word may mean, what affects nothing is not worth a line of its own.
    paths = [path for word, means in zip(words, meant, strict=True) for path in _shown(word, means, affecting)]
    notes = [_manifest_note("changed")] if any(_same(Path(word), manifest) for word in words) else []
    return start.found(side, builds, tuple(dict.fromkeys(paths)), notes, exact=False)


def impact_of_range(manifest: Path, found: Range, *, source: Path | None = None) -> Found:
    """What is another build at the end of a range of history than at its beginning. `source` stands in for `spec.source`.

    Raises as `impact_of_paths`, InvalidError for an unknown revision, and UnusableError where the source is in no git repository of this machine.
    """
    start = _Start.of(manifest, source)
    if source is None and start.expansion.manifest.source.git:
        raise _no_history(start.expansion.manifest.source.place)
    with history(start.source, found, manifest=manifest, without=start.without) as told:
        after = start.sides.side(told.after)
        before, missing = start.sides.as_far_as_possible(told.before)
        for side in (before, after):
            _check_submodules(side, told)
    notes = [
        *([_manifest_note(f"differs between {told.before_is} and {told.after_is}")] if told.manifest_changed else []),
        *(f"{told.before_is}: {each}" for each in missing),
        *_unseen_note(after, told.unseen),
    ]
    return start.found(after, certain(before, after, told.paths), told.paths, notes, exact=True)


def _no_history(place: Place) -> UnusableError:
    """A copy that is kept to build from has the commits that were asked for, and no history."""
    summary = "the source is a git repository elsewhere, and commits are compared where its history is"
    return UnusableError(Problem(summary=summary, place=place, hint="name a clone of it: --source DIR", code="no-history"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """What both ways begin with."""

    project: Project
    expansion: Expansion
    source: Source
    without: tuple[Path, ...]
    sides: Sides

    @classmethod
    def of(cls, manifest: Path, instead: Path | None) -> _Start:
        opened = open_manifest(manifest, Options(source=instead))
        expansion, project = opened.expansion, opened.project
        pins: Pairs = opened.lock.pins.images if opened.lock else ()
        return cls(
            project=project,
            expansion=expansion,
            source=opened.trees.of(()),
            without=excluded(project, expansion.manifest.registry.value),
            sides=Sides(expansion=expansion, pins=pins, trees=opened.trees, engine=engine_kind(opened)),
        )

    def found(self, side: Side, builds: Sequence[Affected], paths: Sequence[str], notes: Sequence[str], *, exact: bool) -> Found:
        impact = Impact(
            name=self.expansion.manifest.name,
            exact=exact,
            files=reached_files(builds, paths),
            builds=tuple(builds),
            total=len(side.builds),
            notes=tuple(notes),
        )
        return Found(impact=impact, warnings=self.expansion.warnings)

    def meant(self, word: str) -> tuple[tuple[str, ...], ...]:
        """What a word can mean: for each path in the source that it can be, the files there; nothing where it is outside."""
        if not word:
            raise UsageError(Problem(summary="an empty path names no file", hint="name changed files, or give none", code="usage"))
        from_here, from_source = Path.cwd() / word, self.source.root / word
        here, there = _inside(self.source.root, from_here), _inside(self.source.root, from_source)
        if here is None and from_here.exists() and not from_source.exists():
            return ()
        found = [path for path in dict.fromkeys((here, there)) if path is not None and not self._excluded(path)]
        present = [path for path in found if path in self.source.listing.entries or not path]
        # Where there is nothing (any more), both may be meant.
        return tuple(_files(self.source.listing, path) for path in present[:1] or found)

    def _excluded(self, path: str) -> bool:
        whole = self.source.root / path
        return ".git" in path.split("/") or any(whole == each or whole.is_relative_to(each) for each in self.without)


def _inside(root: Path, path: Path) -> str | None:
    """A path from the root, None where it is not below. Links on the way are followed, but not one at its end: that may be what changed."""
    real = Path(os.path.normpath(path))
    real = real.parent.resolve() / real.name
    if not real.is_relative_to(root):
        return None
    found = real.relative_to(root).as_posix()
    return "" if found == "." else found


def _files(listing: Listing, path: str) -> tuple[str, ...]:
    """A file itself; for a directory all files in it."""
    if path and (path not in listing.entries or listing.entries[path].kind is not Kind.DIRECTORY):
        return (path,)
    below = f"{path}/" if path else ""
    return tuple(sorted(each for each, entry in listing.entries.items() if each.startswith(below) and entry.kind is not Kind.DIRECTORY))


def _shown(word: str, meant: Sequence[Sequence[str]], affecting: set[str]) -> Sequence[str]:
    """The files of a word that are told: of what it can mean, what affects something, else the first."""
    if len(meant) > 1:
        meant = [paths for paths in meant if affecting.intersection(paths)] or meant[:1]
    return [path for paths in meant for path in paths] if meant else [word]


def _same(path: Path, other: Path) -> bool:
    return path.resolve() == other.resolve()


def _manifest_note(what: str) -> str:
    return f"the manifest itself {what}: what that affects is not told here but by `plan`"


def _unseen_note(side: Side, unseen: frozenset[str]) -> list[str]:
    read = {path for reading in side.readings.values() for path, _ in reading.files}
    names = sorted(read & unseen)
    if not names:
        return []
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return [f"git ignores {', '.join(names[:_NAMED])}{more}, which builds read: they count as unchanged"]


def _check_submodules(side: Side, told: History) -> None:
    reach = Reach(side.listing)
    for path, commit in told.submodules:
        if any(reach.targets(found, path) for found in side.footprints.values()):
            check_submodules(path, (path,), commit)
