"""Final image names and what the lock and the registry hold under them: which are created, which move, which must not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from matrixbuild.core.build import Build
from matrixbuild.core.cells import Cell
from matrixbuild.core.changes import Reason, Why
from matrixbuild.core.indexes import Index
from matrixbuild.core.lock import LockedBuild, LockedImage
from matrixbuild.core.lock_merge import Holdings
from matrixbuild.core.names import short
from matrixbuild.core.problems import Place, Problem


class ImageAction(StrEnum):
    """What happens to an image name."""

    CREATE = "create"
    MOVE = "move"
    LEAVE = "leave"

    @property
    def symbol(self) -> str:
        return _SYMBOLS[self]


_NEW, _CHANGED = Reason(why=Why.NEW), Reason(why=Why.CHANGED)
_MISSING, _UNCHANGED = Reason(why=Why.MISSING), Reason(why=Why.UNCHANGED)
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
    indexes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Name:
    """One final image name of one image: who publishes it, for which cells, and what the lock has for it and for the build."""

    ref: str
    build: Build
    cells: tuple[Cell, ...]
    held: LockedBuild | None
    same: LockedBuild | None
    index: LockedImage | None
    """What the lock has under the name, where that is an index."""

    @property
    def locked(self) -> str:
        """The digest that the lock has under the name, or nothing."""
        image = self.index or (self.held.image if self.held else None)
        return image.digest if image else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """One name of an index: what the lock has for the name and for the images; `image` is None where it has no such name, or no image under it."""

    ref: str
    index: Index
    held: tuple[LockedBuild, ...]
    image: LockedImage | None
    was_index: bool
    new: str

    @classmethod
    def of(cls, index: Index, held: Holdings, keeping: Keeping) -> _Listed:
        ref = str(index.ref)
        before = held.indexes.get(ref)
        holder = held.by_name[held.by_ref[ref]] if ref in held.by_ref else None
        same = [entry.image if entry and child.key not in keeping.adopted else None for child in index.children for entry in [held.same(child)]]
        as_before = before is not None and None not in same and {pair for image in same if image for pair in image.platforms} == set(before.platforms)
        return cls(
            ref=ref,
            index=index,
            held=tuple(held.children[ref]) if before else (holder,) if holder else (),
            image=before or (holder.image if holder else None),
            was_index=before is not None,
            new=keeping.indexes.get(ref, before.digest if before and as_before else ""),
        )

    @property
    def unchanged(self) -> bool:
        """Whether the lock has the name for exactly these builds."""
        return self.was_index and {entry.key for entry in self.held} == {child.key for child in self.index.children}


def planned(
    builds: Sequence[Build], held: Holdings, keeping: Keeping, *, whole: bool, tagged: bool = True, indexes: Sequence[Index] = ()
) -> tuple[tuple[PlannedImage, ...], list[Problem]]:
    """Every final image name of the builds, sorted, and what is wrong with them; with `whole`, also those that only the lock still holds. Where
    builds are not `tagged`, only those that the lock holds: each is left as it is. `indexes` are all of the manifest."""
    if not tagged:
        return _kept(builds, held, whole=whole), []
    sharing: defaultdict[str, list[_Name]] = defaultdict(list)
    for name in (name for build in builds for name in _names(build, held)):
        sharing[name.ref].append(name)
    listed = [_Listed.of(index, held, keeping) for index in indexes if str(index.ref) in sharing]
    of_index = {one.ref for one in listed}
    names = [first for ref, (first, *_) in sharing.items() if ref not in of_index]
    gone = set(held.by_ref) - sharing.keys() if whole else set()
    images = [*(_image(name, keeping) for name in names), *(_index_image(one, keeping) for one in listed), *(_left_over(ref, held) for ref in gone)]
    found = [*(_problem(name, keeping) for name in names), *(_index_problem(one, keeping) for one in listed)]
    return tuple(sorted(images, key=lambda image: image.ref)), [problem for problem in found if problem]


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
    if not cells:
        return []
    same = held.same(build)
    return [
        _Name(
            ref=ref,
            build=build,
            cells=tuple(cells[ref]),
            held=held.by_name[held.by_ref[ref]] if ref in held.by_ref else None,
            same=same,
            index=held.indexes.get(ref),
        )
        for ref in sorted(cells)
    ]


def _image(name: _Name, keeping: Keeping) -> PlannedImage:
    new = _known_digest(name, keeping)
    locked = name.locked
    old = keeping.tags.get(name.ref, locked) or ""
    action, reason = _action(old=old, locked=locked, new=new)
    return PlannedImage(ref=name.ref, action=action, reason=reason, build=name.build.name, old=old, new=new)


def _known_digest(name: _Name, keeping: Keeping) -> str:
    """The digest of the build where it is known before an engine runs, else nothing."""
    locked = name.same.image.digest if name.same and name.same.image else ""
    return keeping.adopted.get(name.build.key, locked)


def _action(*, old: str, locked: str, new: str) -> tuple[ImageAction, Reason]:
    if old and old == new:
        return ImageAction.LEAVE, _UNCHANGED
    if not old:
        return ImageAction.CREATE, _MISSING if locked else _NEW
    return ImageAction.MOVE, _CHANGED


def _index_image(one: _Listed, keeping: Keeping) -> PlannedImage:
    locked = one.image.digest if one.image else ""
    old = keeping.tags.get(one.ref, locked) or ""
    action, reason = _action(old=old, locked=locked, new=one.new)
    names = one.index.names
    return PlannedImage(ref=one.ref, action=action, reason=reason, build=names[0], old=old, new=one.new, index=names)


def _left_over(ref: str, held: Holdings) -> PlannedImage:
    image = held.indexes.get(ref) or held.by_name[held.by_ref[ref]].image
    return PlannedImage(ref=ref, action=ImageAction.LEAVE, reason=Reason(why=Why.GONE), build="", old=image.digest if image else "")


def _problem(name: _Name, keeping: Keeping) -> Problem | None:
    # --overwrite is a person's word for this very name: it lets both through.
    if name.ref in keeping.overwrite:
        return None
    if name.held and (name.held.key != name.build.key or name.index):
        told = _other_cell(name.ref, name.build, name.cells, [name.held], keeping.defaults)
        return told or (None if keeping.mutable else _immutable(name.ref, name.build, name.locked or name.held.key))
    found = keeping.tags.get(name.ref)
    if keeping.mutable or not found:
        return None
    # A run that died after it had published left tags that no lock knows: they hold what their build has.
    ours = {_known_digest(name, keeping), name.locked}
    return None if found in ours else _drifted(name.ref, name.build.name, name.build.place, found, known=name.held is not None)


def _index_problem(one: _Listed, keeping: Keeping) -> Problem | None:
    if one.ref in keeping.overwrite:
        return None
    first = one.index.children[0]
    if one.held and not one.unchanged:
        told = _other_cell(one.ref, first, one.index.cells, one.held, keeping.defaults, without=one.index.axes)
        return told or (None if keeping.mutable else _immutable_index(one))
    found = keeping.tags.get(one.ref)
    if keeping.mutable or not found:
        return None
    ours = {one.new, one.image.digest if one.image else ""}
    whose = f"the index of {' and '.join(one.index.names)}"
    return None if found in ours else _drifted(one.ref, whose, first.place, found, known=bool(one.held))


def _other_cell(
    ref: str, build: Build, cells: Sequence[Cell], entries: Sequence[LockedBuild], defaults: Mapping[str, str], *, without: Sequence[str] = ()
) -> Problem | None:
    """design.md 6: the lock holds the name for cells that differ from all of the build's on an axis that both name."""
    held = [(text, _values(text)) for entry in entries for text, refs in entry.cells if ref in refs]
    ours = [(str(cell), {axis: value.text for axis, value in cell.values}) for cell in cells]
    if not held or any(not _apart(old, new, defaults).difference(without) for _, old in held for _, new in ours):
        return None
    axes = sorted(_apart(held[0][1], ours[0][1], defaults).difference(without))
    return Problem(
        summary=f"{ref} belongs to {held[0][0]} in the lock, and {build.name} would publish it for {ours[0][0]}",
        place=build.place,
        hint=f"put {' and '.join(axes)} into the tag of {build.target}, or let it go to another cell with --overwrite {ref}",
        code="ref-of-another-cell",
    )


def _immutable_index(one: _Listed) -> Problem:
    keys = {entry.key for entry in one.held}
    changed = next((child for child in one.index.children if child.key not in keys), None)
    if changed is None or not one.was_index:
        return _immutable(one.ref, one.index.children[0], one.image.digest if one.image else "", what="what it lists")
    return _immutable(one.ref, changed, one.image.digest if one.image else "")


def _immutable(ref: str, build: Build, digest: str, *, what: str = "") -> Problem:
    return Problem(
        summary=f"{ref} is published ({short(digest)}), {what or build.name} has changed since, and tags are immutable",
        place=build.place,
        hint=f"give the release a new tag, or let this one move with --overwrite {ref} (all of them: publish.tags: mutable)",
        code="immutable-tag",
    )


def _drifted(ref: str, whose: str, place: Place, found: str, *, known: bool) -> Problem:
    return Problem(
        summary=f"{ref} holds {found} in the registry, which is not what the lock says, and tags are immutable"
        if known
        else f"{ref} holds {found} in the registry, which no lock of this manifest knows, and tags are immutable",
        place=place,
        hint=f"find out who put it there; --overwrite {ref} gives it the digest of {whose}",
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
