"""Final image names and what the lock and the registry hold under them: which are created, which move, which must not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from matrixbuild.core.build import Build
from matrixbuild.core.cells import Cell
from matrixbuild.core.changes import Reason, Why
from matrixbuild.core.lock import LockedBuild
from matrixbuild.core.lock_merge import Holdings
from matrixbuild.core.problems import Problem


class ImageAction(StrEnum):
    """What happens to an image name."""

    CREATE = "create"
    MOVE = "move"
    LEAVE = "leave"

    @property
    def symbol(self) -> str:
        return _SYMBOLS[self]


_SYMBOLS = {ImageAction.CREATE: "+", ImageAction.MOVE: "~", ImageAction.LEAVE: "="}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedImage:
    """What happens to one image name: `old` and `new` are digests, empty where there is none, or none before the build has run.

    `build` is empty where the name belongs to no build of the manifest any more; its tag is left alone.
    """

    ref: str
    action: ImageAction
    reason: Reason
    build: str
    old: str = ""
    new: str = ""
    index: tuple[str, ...] = ()
    """The builds whose images it lists, where it is the name of an index; `build` is the first of them."""

    def to_dict(self) -> dict[str, object]:
        told = {"build": self.build, "old": self.old, "new": self.new}
        shown = {"ref": self.ref, "action": self.action.value, "reason": self.reason.to_dict(), **{key: text for key, text in told.items() if text}}
        return shown | ({"index": list(self.index)} if self.index else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How image names are kept: see plan.Rules and plan.RegistryState."""

    mutable: bool = False
    overwrite: frozenset[str] = frozenset()
    defaults: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str | None] = field(default_factory=dict)
    adopted: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Name:
    """One final image name: who publishes it, for which cells, and what the lock has for it and for the build."""

    ref: str
    build: Build
    cells: tuple[Cell, ...]
    holder: str
    held: LockedBuild | None
    same: LockedBuild | None


def planned(
    builds: Sequence[Build], held: Holdings, keeping: Keeping, *, whole: bool, tagged: bool = True
) -> tuple[tuple[PlannedImage, ...], list[Problem]]:
    """Every final image name of the builds, sorted, and what is wrong with them; with `whole`, also those that only the lock still holds. Where
    builds are not `tagged`, only those that the lock holds: each is left as it is."""
    if not tagged:
        return _kept(builds, held, whole=whole), []
    sharing: defaultdict[str, list[_Name]] = defaultdict(list)
    for name in (name for build in builds for name in _names(build, held)):
        sharing[name.ref].append(name)
    names = [first for first, *_ in sharing.values()]
    gone = set(held.by_ref) - {name.ref for name in names} if whole else set()
    images = [*(_of_index(_image(first, keeping), (first, *others)) for first, *others in sharing.values()), *(_left_over(ref, held) for ref in gone)]
    problems = [problem for name in names if (problem := _problem(name, keeping))]
    return tuple(sorted(images, key=lambda image: image.ref)), problems


def _kept(builds: Sequence[Build], held: Holdings, *, whole: bool) -> tuple[PlannedImage, ...]:
    publishing = {str(ref): build.name for build in builds for ref in build.refs}
    images = [replace(_left_over(ref, held), build=name, reason=Reason(why=Why.UNCHANGED)) for ref, name in publishing.items() if ref in held.by_ref]
    gone = [_left_over(ref, held) for ref in held.by_ref if whole and ref not in publishing]
    return tuple(sorted((*images, *gone), key=lambda image: image.ref))


def _names(build: Build, held: Holdings) -> list[_Name]:
    cells: defaultdict[str, list[Cell]] = defaultdict(list)
    for cell, refs in build.cells:
        for ref in refs:
            cells[str(ref)].append(cell)
    same = held.same(build)
    return [
        _Name(ref=ref, build=build, cells=tuple(cells[ref]), holder=holder, held=held.by_name[holder] if holder else None, same=same)
        for ref in sorted(cells)
        for holder in [held.by_ref.get(ref, "")]
    ]


def _image(name: _Name, keeping: Keeping) -> PlannedImage:
    new = _known_digest(name, keeping)
    locked = name.held.image.digest if name.held and name.held.image else ""
    old = keeping.tags.get(name.ref, locked) or ""
    action, why = _action(old=old, locked=locked, new=new)
    return PlannedImage(ref=name.ref, action=action, reason=Reason(why=why), build=name.build.name, old=old, new=new)


def _of_index(image: PlannedImage, names: Sequence[_Name]) -> PlannedImage:
    """The name of an index: its digest is known when all its builds have run."""
    return replace(image, index=tuple(sorted(name.build.name for name in names)), new="") if names[0].build.index else image


def _known_digest(name: _Name, keeping: Keeping) -> str:
    """The digest of the build where it is known before an engine runs, else nothing."""
    locked = name.same.image.digest if name.same and name.same.image else ""
    return keeping.adopted.get(name.build.key, locked)


def _action(*, old: str, locked: str, new: str) -> tuple[ImageAction, Why]:
    if old and old == new:
        return ImageAction.LEAVE, Why.UNCHANGED
    if not old:
        return ImageAction.CREATE, Why.MISSING if locked else Why.NEW
    return ImageAction.MOVE, Why.CHANGED


def _left_over(ref: str, held: Holdings) -> PlannedImage:
    image = held.by_name[held.by_ref[ref]].image
    return PlannedImage(ref=ref, action=ImageAction.LEAVE, reason=Reason(why=Why.GONE), build="", old=image.digest if image else "")


def _problem(name: _Name, keeping: Keeping) -> Problem | None:
    # --overwrite is a person's word for this very name: it lets both through.
    if name.ref in keeping.overwrite:
        return None
    if name.held and name.held.key != name.build.key:
        return _other_cell(name, keeping.defaults) or (None if keeping.mutable else _immutable(name, name.held))
    found = keeping.tags.get(name.ref)
    if keeping.mutable or not found:
        return None
    # A run that died after it had published left tags that no lock knows: they hold what their build has.
    ours = {_known_digest(name, keeping), name.held.image.digest if name.held and name.held.image else ""}
    return None if found in ours else _drifted(name, found)


def _other_cell(name: _Name, defaults: Mapping[str, str]) -> Problem | None:
    """design.md 6: the lock holds the name for cells that differ from all of the build's on an axis that both name."""
    held = [(text, _values(text)) for text, refs in (name.held.cells if name.held else ()) if name.ref in refs]
    ours = [(str(cell), {axis: value.text for axis, value in cell.values}) for cell in name.cells]
    if not held or any(not _apart(old, new, defaults) for _, old in held for _, new in ours):
        return None
    axes = sorted(_apart(held[0][1], ours[0][1], defaults))
    return Problem(
        summary=f"{name.ref} belongs to {held[0][0]} in the lock, and {name.build.name} would publish it for {ours[0][0]}",
        place=name.build.place,
        hint=f"put {' and '.join(axes)} into the tag of {name.build.target}, or let it go to another cell with --overwrite {name.ref}",
        code="ref-of-another-cell",
    )


def _immutable(name: _Name, held: LockedBuild) -> Problem:
    digest = held.image.digest if held.image else held.key
    return Problem(
        summary=f"{name.ref} is published ({digest[:19]}), {name.build.name} has changed since, and tags are immutable",
        place=name.build.place,
        hint=f"give the release a new tag, or let this one move with --overwrite {name.ref} (all of them: publish.tags: mutable)",
        code="immutable-tag",
    )


def _drifted(name: _Name, found: str) -> Problem:
    return Problem(
        summary=f"{name.ref} holds {found} in the registry, which is not what the lock says, and tags are immutable"
        if name.held
        else f"{name.ref} holds {found} in the registry, which no lock of this manifest knows, and tags are immutable",
        place=name.build.place,
        hint=f"find out who put it there; --overwrite {name.ref} gives it the digest of {name.build.name}",
        code="tag-drifted",
    )


def _apart(old: Mapping[str, str], new: Mapping[str, str], defaults: Mapping[str, str]) -> set[str]:
    """The axes by which two cells differ; one that only one of them names counts with its default, else not at all."""
    pairs = {axis: (old.get(axis, defaults.get(axis)), new.get(axis, defaults.get(axis))) for axis in old.keys() | new.keys()}
    return {axis for axis, (left, right) in pairs.items() if left is not None and right is not None and left != right}


def _values(text: str) -> dict[str, str]:
    """`arch=amd64,os=ubuntu-24.04` as a mapping; a comma inside a value belongs to the value."""
    values: dict[str, str] = {}
    axis = ""
    for part in text.split(",") if text else []:
        if "=" in part:
            axis, _, values[axis] = part.partition("=")
        elif axis:
            values[axis] += f",{part}"
    return values
