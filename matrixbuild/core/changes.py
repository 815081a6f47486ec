"""A build and the entry that the lock has for it become the reasons why it is built again."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from matrixbuild.core.build import NEED_TOKEN, Build
from matrixbuild.core.demand import need_token
from matrixbuild.core.inputs import comparable
from matrixbuild.core.lock import LockedBuild


class Why(StrEnum):
    """Kinds of reason (design.md 7); the last three say why nothing is done."""

    NEW = "new"
    CHANGED = "changed"
    NEED_CHANGED = "need-changed"
    BASE_MOVED = "base-moved"
    MISSING = "missing-in-registry"
    MISSING_ARTIFACT = "missing-artifact"
    EXPIRED = "expired"
    FORCED = "forced"
    ADOPTED = "in-registry"
    UNCHANGED = "unchanged"
    GONE = "not-in-manifest"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Change:
    """One input that is another one than in the lock.

    `field` is args, artifacts, bases, commands, engine, files, secrets, generation, image, keyVersion or needs; `name` which of them (an ARG, a
    path), empty where there is only one; `how` is added, removed or modified.
    """

    field: str
    name: str = ""
    how: str = "modified"

    def to_dict(self) -> dict[str, object]:
        return {"field": self.field, "name": self.name, "how": self.how}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why something is done: `changes` of CHANGED, `build` of NEED_CHANGED (the need's name), `ref`, `old` and `new` digest of BASE_MOVED."""

    why: Why
    changes: tuple[Change, ...] = ()
    build: str = ""
    ref: str = ""
    old: str = ""
    new: str = ""

    def to_dict(self) -> dict[str, object]:
        changes = [change.to_dict() for change in self.changes]
        told = {"build": self.build, "ref": self.ref, "old": self.old, "new": self.new}
        return {"kind": self.why.value, **({"changes": changes} if changes else {}), **{key: text for key, text in told.items() if text}}


def reasons(build: Build, entry: LockedBuild, *, engine: str) -> tuple[Reason, ...]:
    """Why a build no longer has the key that the lock holds: never none. `engine` is the lock's."""
    old, new = entry.inputs, build.inputs
    moved, bases = _bases(dict(old.bases), dict(new.bases))
    needs = dict(old.needs)
    changed = [
        *_differences("args", {name: _plain(value) for name, value in old.args}, {name: _plain(value) for name, value in new.args}),
        *_differences("files", *comparable(old.files, new.files)),
        *([Change(field="commands")] if old.target != new.target else []),
        *([Change(field="engine")] if engine != build.engine else []),
        *([Change(field="generation", how="removed")] if old.generation and not new.generation else []),
        *bases,
        *_differences("secrets", dict(old.secrets), dict(new.secrets)),
        *artifact_changes(build, entry),
        *_differences("needs", dict.fromkeys(needs, ""), {name: "" for name, _ in new.needs}),
    ]
    later = [Reason(why=Why.NEED_CHANGED, build=name) for name, key in new.needs if needs.get(name, key) != key]
    forced = [Reason(why=Why.FORCED)] if new.generation not in ("", old.generation) else []
    if not (changed or moved or later or forced):
        # What the lock does not record besides: the paths that artifacts are taken from, else how keys are made.
        changed = [Change(field="artifacts", name=path) for path, _ in build.artifacts] or [Change(field="keyVersion")]
    told = [Reason(why=Why.CHANGED, changes=tuple(sorted(changed)))] if changed else []
    return (*forced, *told, *later, *moved)


def artifact_changes(build: Build, entry: LockedBuild) -> list[Change]:
    """Artifacts that are called otherwise than in the lock: names are not in the key, but the files have to be written.

    A directory is locked file by file, and an empty one not at all: a name that the lock lacks is a change only where it takes another one's place.
    """
    names = {name for _, name in build.artifacts}
    locked = {_artifact_of(file, names) for file, _ in entry.artifacts}
    if locked <= names and entry.key == build.key:
        return []
    return _differences("artifacts", dict.fromkeys(locked, ""), dict.fromkeys(names, ""))


def _artifact_of(file: str, names: set[str]) -> str:
    """`iso/boot/grub.cfg` -> `iso`, where that is the name of an artifact, else the file itself."""
    above = file
    while above and above not in names:
        above = posixpath.dirname(above)
    return above or file


def _plain(value: str) -> str:
    """An arg without the keys of its needs: another key there is told as the need's change."""
    return NEED_TOKEN.sub(lambda token: need_token(token["target"], ""), value)


def _bases(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[list[Reason], list[Change]]:
    moved = [ref for ref in sorted(old.keys() & new.keys()) if old[ref] != new[ref] and old[ref] and new[ref]]
    others = _differences("bases", {ref: old[ref] for ref in old if ref not in moved}, {ref: new[ref] for ref in new if ref not in moved})
    return [Reason(why=Why.BASE_MOVED, ref=ref, old=old[ref], new=new[ref]) for ref in moved], others


def _differences(field: str, old: Mapping[str, str], new: Mapping[str, str]) -> list[Change]:
    return [
        Change(field=field, name=name, how="added" if name not in old else "removed" if name not in new else "modified")
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
