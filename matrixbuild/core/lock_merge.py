"""A lock and what builds became give the next lock: finished builds are recorded, reused ones stay, retired ones go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from matrixbuild.core.build import Build
from matrixbuild.core.lock import Lock, LockedArtifact, LockedBuild, LockedImage, Pins

Slot = tuple[str, str]
"""A target and the text of a cell: what stays the same when a build gets another key or another name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What a build left, as it is recorded: an artifact's key is its file name; `narrowed` as in core.lock.LockedBuild."""

    image: LockedImage | None = None
    artifacts: tuple[tuple[str, LockedArtifact], ...] = ()
    narrowed: bool = False


class Holdings:
    """A lock, looked up by build key, name, slot and image name."""

    def __init__(self, lock: Lock | None) -> None:
        self.by_name: dict[str, LockedBuild] = dict(lock.builds) if lock else {}
        self.by_key = {entry.key: name for name, entry in reversed(self.by_name.items())}
        self.by_slot = {slot: name for name, entry in self.by_name.items() for slot in slots_held(name, entry)}
        self.by_ref = {ref: name for name, entry in self.by_name.items() for _, refs in entry.cells for ref in refs}
        self.indexes: dict[str, LockedImage] = dict(lock.indexes) if lock else {}
        self.children = _children(self.by_name, self.indexes)
        """Of each index, by image name: the entries whose images it lists."""

    def same(self, build: Build) -> LockedBuild | None:
        """The entry with the build's key, whatever it is called."""
        if not self.by_name:
            return None
        entry = self.by_name.get(build.name)
        if entry and entry.key == build.key:
            return entry
        return self.by_name[self.by_key[build.key]] if build.key in self.by_key else None

    def before(self, build: Build) -> str | None:
        """The name of the entry that the build takes the place of: the one of its name, else the first that holds one of its cells."""
        if not self.by_name:
            return None
        if build.name in self.by_name:
            return build.name
        return next((self.by_slot[slot] for slot in slots(build) if slot in self.by_slot), None)


def _children(entries: Mapping[str, LockedBuild], indexes: Mapping[str, LockedImage]) -> dict[str, list[LockedBuild]]:
    found: dict[str, list[LockedBuild]] = {ref: [] for ref in indexes}
    if indexes:
        for entry in entries.values():
            for ref in {ref for _, refs in entry.cells for ref in refs if ref in found}:
                found[ref].append(entry)
    return found


def slots(build: Build) -> tuple[Slot, ...]:
    return tuple((build.target, str(cell)) for cell, _ in build.cells)


def slots_held(name: str, entry: LockedBuild) -> tuple[Slot, ...]:
    target = name.partition("[")[0].partition("@")[0]
    return tuple((target, cell) for cell, _ in entry.cells)


def merge(
    lock: Lock | None,
    builds: Sequence[Build],
    outputs: Mapping[str, Output],
    *,
    name: str,
    pins: Pins,
    tagged: bool = True,
    selected: frozenset[str] | None = None,
    commit: str = "",
    indexes: Mapping[str, LockedImage] | None = None,
) -> Lock:
    """The lock after publishing.

    `builds` are all of the manifest; `outputs` those that were built in this run, by key. A build whose key the lock holds is reused: its
    digests stay. What is neither (it failed, or is not among the `selected` names) keeps the entry it had, for the cells nothing else took
    over. Entries that nothing follows are retired and go, unless only some builds were selected. With `tagged` False (`publish: none`) each
    cell keeps the image names that the lock already holds for it under the key, and gets no other. `commit` is that of the source, where it is
    in git: what is built or found in the registry now is of it. `indexes` are those that were published in this run, by image name.
    """
    held = Holdings(lock)
    chosen = [build for build in builds if selected is None or build.name in selected]
    done = {build.name: entry for build in chosen if (entry := _recorded(build, outputs.get(build.key), held.same(build), commit, tagged=tagged))}
    finished = {slot for build in builds if build.name in done for slot in slots(build)}
    wanted = {slot for build in builds for slot in slots(build)}
    kept = {
        old: remaining
        for old, entry in held.by_name.items()
        if old not in done and (remaining := _remaining(old, entry, finished, wanted if selected is None else None))
    }
    entries = kept | done
    own = {str(ref) for build in chosen if build.name in done for ref in build.refs if not build.index_of(ref)} if tagged else set()
    published = {**held.indexes, **(indexes or {})}
    return Lock(name=name, pins=pins, builds=tuple(sorted(entries.items())), indexes=_named(published, entries, own))


def _named(indexes: Mapping[str, LockedImage], entries: Mapping[str, LockedBuild], own: set[str]) -> tuple[tuple[str, LockedImage], ...]:
    """The indexes whose image names some entry still has, but for those that are an image's `own` now."""
    if not indexes:
        return ()
    refs = {ref for entry in entries.values() for _, held in entry.cells for ref in held}
    return tuple(sorted((ref, index) for ref, index in indexes.items() if ref in refs - own))


def _recorded(build: Build, output: Output | None, before: LockedBuild | None, commit: str, *, tagged: bool) -> LockedBuild | None:
    kept = Output(image=before.image, artifacts=before.artifacts, narrowed=before.narrowed) if before else None
    if (left := output or kept) is None:
        return None
    return LockedBuild(
        key=build.key,
        inputs=build.inputs,
        image=left.image,
        cells=_cells(build) if tagged else _cells_as_before(build, before),
        artifacts=left.artifacts,
        # An entry that is reused stays as it was, one of a time without these fields too.
        opaque=before.opaque if before and output is None else build.opaque,
        commit=before.commit if before and output is None else commit,
        narrowed=left.narrowed,
    )


def _cells(build: Build) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple(sorted((str(cell), tuple(map(str, refs))) for cell, refs in build.cells))


def _cells_as_before(build: Build, before: LockedBuild | None) -> tuple[tuple[str, tuple[str, ...]], ...]:
    held = dict(before.cells) if before else {}
    return tuple(sorted((str(cell), held.get(str(cell), ())) for cell, _ in build.cells))


def _remaining(name: str, entry: LockedBuild, finished: set[Slot], wanted: set[Slot] | None) -> LockedBuild | None:
    """The entry on the cells that no finished build has taken over; None where there are none, or none that is still wanted."""
    left = tuple(slot for slot in slots_held(name, entry) if slot not in finished)
    if wanted is not None and wanted.isdisjoint(left):
        return None
    cells = {cell for _, cell in left}
    return replace(entry, cells=tuple(each for each in entry.cells if each[0] in cells)) if cells else None
