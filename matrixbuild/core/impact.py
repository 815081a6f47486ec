"""Changed files, what builds go through and (where both are known) their keys before and after -> which builds and cells are affected, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from matrixbuild.core.build import Build
from matrixbuild.core.footprint import Footprint, Reach
from matrixbuild.core.graph import Address
from matrixbuild.core.listing import Listing
from matrixbuild.core.reading import Reading


class Effect(StrEnum):
    """What becomes of a build; MAY_CHANGE where the contents of before are not known."""

    CHANGED = "changed"
    NEW = "new"
    GONE = "gone"
    MAY_CHANGE = "may-change"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """One changed file: the Earthly targets and the builds that it affects itself, not through what they need; sorted, none where it affects none."""

    path: str
    targets: tuple[str, ...] = ()
    builds: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        return {"path": self.path, "targets": list(self.targets), "builds": list(self.builds)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """One build. `files` are the changed ones that affect it itself, each with the Earthly targets it reaches on the build's path, `through` the
    builds it needs that are affected, `inputs` which of its own inputs differ (args, bases, commands, files, secrets), where that is known."""

    build: str
    effect: Effect
    files: tuple[tuple[str, tuple[str, ...]], ...]
    through: tuple[str, ...]
    inputs: tuple[str, ...]
    cells: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        return {
            "name": self.build,
            "effect": self.effect.value,
            "files": [{"path": path, "targets": list(targets)} for path, targets in self.files],
            "through": list(self.through),
            "inputs": list(self.inputs),
            "cells": list(self.cells),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """`exact`: the source was analysed at both sides; else what is said is what may change. `total` counts all builds of the manifest now."""

    name: str
    exact: bool
    files: tuple[Reached, ...]
    builds: tuple[Affected, ...]
    total: int
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        return {
            "kind": "Impact",
            "impactVersion": 1,
            "name": self.name,
            "exact": self.exact,
            "counts": {"builds": self.total, "affected": len(self.builds), "cells": len({cell for build in self.builds for cell in build.cells})},
            "files": [file.to_dict() for file in self.files],
            "builds": [build.to_dict() for build in self.builds],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """A source as it is at one time: by the demands' addresses what each goes through and reads, and the key of its build.

    A demand that the source cannot be planned with is in none of them, nor is its build in `builds`.
    """

    listing: Listing
    builds: tuple[Build, ...]
    keys: Mapping[Address, str]
    readings: Mapping[Address, Reading]
    footprints: Mapping[Address, Footprint]


Found = dict[str, tuple[str, ...]]
"""Path -> the Earthly targets that it reaches."""


def possible(side: Side, paths: Sequence[str]) -> tuple[Affected, ...]:
    """The builds that changes of some paths may affect, whatever those held before: at least every one whose key differs. Sorted by name."""
    reach, own = Reach(side.listing), _Evidence()
    for alike in _alike(side.keys, side):
        found = _reached(reach, side, alike[0], paths)
        for address in alike:
            own.add(side.keys[address], found)
    names = {build.name for build in side.builds if own.of(build.key)}
    affected = _spread(side.builds, names)
    return tuple(_affected(build, Effect.MAY_CHANGE, own, affected) for build in side.builds if build.name in affected)


def certain(before: Side, after: Side, paths: Sequence[str]) -> tuple[Affected, ...]:
    """The builds that are others at two sides, those that are gone last. `paths` are all that differ in the source."""
    own = _Evidence()
    reaches = [(side, Reach(side.listing)) for side in (before, after)]
    others_now = [address for address in {**before.keys, **after.keys} if before.keys.get(address) != after.keys.get(address)]
    for alike in _alike(others_now, before, after):
        inputs, responsible = _explained(before, after, alike[0], paths)
        found = [_reached(reach, side, alike[0], responsible) for side, reach in reaches if alike[0] in side.keys]
        for key in {side.keys[address] for address in alike for side in (before, after) if address in side.keys}:
            own.add(key, *found, inputs=inputs)
    (old_keys, old_names), (new_keys, new_names) = (
        [{build.key for build in side.builds}, {build.name for build in side.builds}] for side in (before, after)
    )
    effects = {build.name: Effect.CHANGED if build.name in old_names else Effect.NEW for build in after.builds if build.key not in old_keys}
    gone = [build for build in before.builds if build.key not in new_keys and build.name not in new_names]
    others = frozenset({*effects, *(build.name for build in gone)})
    found_now = (_affected(build, effects[build.name], own, others) for build in after.builds if build.name in effects)
    return (*found_now, *(_affected(build, Effect.GONE, own, others) for build in gone))


def reached_files(builds: Sequence[Affected], paths: Sequence[str]) -> tuple[Reached, ...]:
    """The same seen from the files, in their order."""
    found: defaultdict[str, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
    for build in builds:
        for path, targets in build.files:
            found[path].append((build.build, targets))
    return tuple(
        Reached(path=path, targets=_joined(targets for _, targets in found[path]), builds=tuple(name for name, _ in found[path])) for path in paths
    )


def differing(old: Reading, new: Reading) -> tuple[str, ...]:
    """Which inputs of a demand are others, sorted. `args`: other ones are in use, as the manifest gives the same values to both sides."""
    pairs = {
        "args": (old.used, new.used),
        "bases": (old.bases, new.bases),
        "commands": (old.commands, new.commands),
        "files": (old.files, new.files),
        "secrets": (old.secrets, new.secrets),
    }
    return tuple(name for name, (before, after) in pairs.items() if before != after)


def _explained(before: Side, after: Side, address: Address, paths: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which inputs of a demand differ, and the changed files that can be why: those it reads, and the texts it goes through where that is not all."""
    old, new = before.readings.get(address), after.readings.get(address)
    if old is None or new is None:
        return (), tuple(paths)
    inputs = differing(old, new)
    read = {path for path, _ in set(old.files) ^ set(new.files)}
    # A directory comes and goes with what is in it, and an arg comes into use where a file that is read names it.
    known = all(any(_within(path, each) for each in paths) for path in read)
    explained = not inputs or (bool(read) and known and {*inputs} <= {"args", "files"})
    texts = {text for side in (before, after) for text, _ in side.footprints[address].texts}
    reasons = tuple(path for path in paths if path in read or (path in texts and not explained))
    return inputs, reasons if reasons or not inputs else tuple(paths)


def _alike(addresses: Iterable[Address], *sides: Side) -> Iterable[Sequence[Address]]:
    """Addresses that share what they go through and read, as thousands do: what affects one affects all of them."""
    found: defaultdict[tuple[int, ...], list[Address]] = defaultdict(list)
    for address in addresses:
        found[tuple(id(each.get(address)) for side in sides for each in (side.footprints, side.readings))].append(address)
    return found.values()


def _within(directory: str, path: str) -> bool:
    return path == directory or path.startswith(f"{directory}/")


def _reached(reach: Reach, side: Side, address: Address, paths: Iterable[str]) -> Found:
    found, read = side.footprints[address], {path for path, _ in side.readings[address].files}
    reached = {path: reach.targets(found, path) or ((found.target,) if path in read else ()) for path in paths}
    return {path: targets for path, targets in reached.items() if targets}


class _Evidence:
    """By build key: what its demands are reached by, and which of their inputs differ."""

    def __init__(self) -> None:
        self._found: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._inputs: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, key: str, *found: Found, inputs: Iterable[str] = ()) -> None:
        self._inputs[key].update(inputs)
        for path, targets in (item for each in found for item in each.items()):
            self._found[key][path].update(targets)

    def of(self, key: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
        return tuple((path, tuple(sorted(targets))) for path, targets in sorted(self._found[key].items()))

    def inputs(self, key: str) -> tuple[str, ...]:
        return tuple(sorted(self._inputs[key]))


def _affected(build: Build, effect: Effect, own: _Evidence, affected: Collection[str]) -> Affected:
    return Affected(
        build=build.name,
        effect=effect,
        files=own.of(build.key),
        through=tuple(name for name, _ in build.needs if name in affected),
        inputs=own.inputs(build.key),
        cells=tuple(str(cell) for cell, _ in build.cells),
    )


def _spread(builds: Sequence[Build], names: set[str]) -> frozenset[str]:
    """The builds of these names, and all that need one of them."""
    needed_by: defaultdict[str, list[str]] = defaultdict(list)
    for build in builds:
        for need, _ in build.needs:
            needed_by[need].append(build.name)
    found, waiting = set(names), list(names)
    while waiting:
        fresh = {name for name in needed_by[waiting.pop()] if name not in found}
        found |= fresh
        waiting += fresh
    return frozenset(found)


def _joined(parts: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(sorted({each for part in parts for each in part}))
