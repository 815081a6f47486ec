"""Pins before and after an update, and what upstream did in between -> the report of `lock update`, as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from matrixbuild.core.impact import Reached
from matrixbuild.core.inputs import Pairs
from matrixbuild.core.lock import Picks, Pins
from matrixbuild.core.pins import NOTHING
from matrixbuild.core.plan import PlannedBuild


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One pin that is another one: `old` is empty where there was none, `new` where nothing needs it any more."""

    name: str
    old: str
    new: str

    def to_dict(self) -> dict[str, object]:
        return {"name": self.name, "old": self.old, "new": self.new}


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionMove:
    """What a range of versions came to, before and after; `old` is empty where it was not pinned, `new` where the manifest no longer has it."""

    axis: str
    pick: str
    old: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def gained(self) -> tuple[str, ...]:
        return tuple(version for version in self.new if version not in self.old)

    @property
    def lost(self) -> tuple[str, ...]:
        return tuple(version for version in self.old if version not in self.new)

    def to_dict(self) -> dict[str, object]:
        return {
            "axis": self.axis,
            "range": self.pick,
            "old": list(self.old),
            "new": list(self.new),
            "gained": list(self.gained),
            "lost": list(self.lost),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit of the source, with the first line of its message."""

    id: str
    subject: str

    def to_dict(self) -> dict[str, object]:
        return {"commit": self.id, "subject": self.subject}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """What happened in the source's repository between two commits.

    `commits` are the newest ones that only the new one has, `count` how many there are. `rewritten`: the old commit is no ancestor of the new one.
    `files` are those that differ, each with what it reaches; `overlaid` are (path, where from) of files that the manifest lays over the source and
    that upstream changed under them. `notes` say what could not be looked at.
    """

    git: str
    ref: str
    old: str
    new: str
    commits: tuple[Commit, ...] = ()
    count: int = 0
    rewritten: bool = False
    files: tuple[Reached, ...] = ()
    overlaid: Pairs = ()
    notes: tuple[str, ...] = ()

    @property
    def targets(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The Earthly targets that the changes reach, each with the files, sorted."""
        names = sorted({target for file in self.files for target in file.targets})
        return tuple((name, tuple(file.path for file in self.files if name in file.targets)) for name in names)

    def to_dict(self) -> dict[str, object]:
        return {
            "git": self.git,
            "ref": self.ref,
            "old": self.old,
            "new": self.new,
            "commits": [commit.to_dict() for commit in self.commits],
            "commitCount": self.count,
            "rewritten": self.rewritten,
            "files": [file.to_dict() for file in self.files],
            "targets": [{"target": target, "files": list(files)} for target, files in self.targets],
            "overlaid": [{"path": path, "from": origin} for path, origin in self.overlaid],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LockUpdate:
    """What an update of a lock moves, and what that rebuilds.

    `builds` are those that would be built (or retired) because of it, as the plan has them; `pending` counts those that are to be built anyway.
    `held` are image names that would have to move for it, though tags are immutable; `notes` say why the two are not told
    apart. `written` is False of a dry run, and where nothing moved.
    """

    name: str
    upstream: Upstream | None = None
    engine: Move | None = None
    versions: tuple[VersionMove, ...] = ()
    images: tuple[Move, ...] = ()
    generations: tuple[Move, ...] = ()
    builds: tuple[PlannedBuild, ...] = ()
    pending: int = 0
    held: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    written: bool = False

    @property
    def compared(self) -> bool:
        """Whether it is known which builds have to run for it alone."""
        return not self.notes

    @property
    def moved(self) -> bool:
        return bool(self.upstream or self.engine or self.versions or self.images or self.generations)

    def to_dict(self) -> dict[str, object]:
        """As schemas/lock-update.schema.json describes it."""
        return {
            "kind": "LockUpdate",
            "lockUpdateVersion": 1,
            "name": self.name,
            "written": self.written,
            "source": self.upstream.to_dict() if self.upstream else None,
            "engine": self.engine.to_dict() if self.engine else None,
            "versions": [move.to_dict() for move in self.versions],
            "images": [move.to_dict() for move in self.images],
            "generations": [move.to_dict() for move in self.generations],
            "builds": [_build_dict(build) for build in self.builds],
            "pending": self.pending,
            "held": list(self.held),
            "notes": list(self.notes),
        }


def _build_dict(build: PlannedBuild) -> dict[str, object]:
    reasons = [reason.to_dict() for reason in build.reasons]
    return {"name": build.name, "action": build.action.value, "reasons": reasons, "key": build.key, "cells": list(build.cells)}


def engine_move(before: Pins | None, after: Pins) -> Move | None:
    old = (before or NOTHING).engine
    return Move(name="engine", old=old, new=after.engine) if old != after.engine else None


def moves(old: Pairs, new: Pairs) -> tuple[Move, ...]:
    """By name, sorted, what differs."""
    before, after = dict(old), dict(new)
    names = sorted({*before, *after})
    return tuple(Move(name=name, old=before.get(name, ""), new=after.get(name, "")) for name in names if before.get(name, "") != after.get(name, ""))


def version_moves(before: Pins | None, after: Pins) -> tuple[VersionMove, ...]:
    """By axis and range, sorted, what differs."""
    old, new = dict(_flat((before or NOTHING).versions)), dict(_flat(after.versions))
    names = sorted({*old, *new})
    return tuple(
        VersionMove(axis=axis, pick=pick, old=old.get((axis, pick), ()), new=new.get((axis, pick), ()))
        for axis, pick in names
        if old.get((axis, pick)) != new.get((axis, pick))
    )


def _flat(versions: tuple[tuple[str, Picks], ...]) -> Iterator[tuple[tuple[str, str], tuple[str, ...]]]:
    return (((axis, pick), found) for axis, picks in versions for pick, found in picks)
