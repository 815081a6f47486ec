"""Pins of a lock, of an apply that was not published and of a manifest as it is now -> which count, and which are new (design.md 10)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from matrixbuild.core.build import Build
from matrixbuild.core.inputs import Pairs
from matrixbuild.core.lock import Lock, Picks, Pins
from matrixbuild.core.lock_merge import slots, slots_held

NOTHING = Pins(source=(), engine="")
"""What a manifest begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Pins that an apply resolved or drew and did not publish; `over` are the generations that the lock had in place of those it drew."""

    pins: Pins
    over: Pairs = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Which kinds of pins are meant."""

    source: bool = False
    versions: bool = False
    images: bool = False
    engine: bool = False


EVERYTHING = Parts(source=True, versions=True, images=True, engine=True)


def kept(lock: Pins | None, pins: Pins) -> Kept | None:
    """What is to be kept of an apply's pins until its lock is written; None where the lock has them all."""
    if not any(added(lock, pins)):
        return None
    before = dict(lock.generations) if lock else {}
    drawn = tuple((name, token) for name, token in pins.generations if before.get(name) != token)
    over = tuple((name, before[name]) for name, _ in drawn if name in before)
    return Kept(pins=replace(pins, generations=drawn), over=over)


def remembered(lock: Pins | None, found: Kept | None, *, source: Pairs) -> Pins | None:
    """The lock's pins, and beside them those that were kept. A token that was drawn goes before the lock's as long as that is the one it took the
    place of. `source` is `git` and `ref` of the manifest: of two commits the one that answers it counts."""
    if lock is None or found is None:
        return lock or (found.pins if found else None)
    drawn, over, now = dict(found.pins.generations), dict(found.over), dict(lock.generations)
    standing = {name: token for name, token in drawn.items() if now.get(name) == over.get(name)}
    return Pins(
        source=lock.source if answers(lock.source, source) or not answers(found.pins.source, source) else found.pins.source,
        engine=lock.engine or found.pins.engine,
        images=_joined(found.pins.images, lock.images),
        versions=_joined_versions(found.pins.versions, lock.versions),
        generations=_joined(lock.generations, tuple(standing.items())),
    )


def answers(pinned: Pairs, source: Pairs) -> bool:
    """Whether a pin of a source has a commit for `git` and `ref` of another."""
    known, wanted = dict(pinned), dict(source)
    return bool(known.get("commit")) and all(known.get(name) == wanted.get(name) for name in ("git", "ref"))


def without(pins: Pins, parts: Parts) -> Pins:
    """The pins that stay when these parts move."""
    return Pins(
        source=() if parts.source else pins.source,
        engine="" if parts.engine else pins.engine,
        images=() if parts.images else pins.images,
        versions=() if parts.versions else pins.versions,
        generations=pins.generations,
    )


def carried(generations: Pairs, builds: Sequence[Build], lock: Lock | None) -> Pairs:
    """The tokens of builds that there are. One whose build has another name now goes to those that took over its cells: without it they would
    have their old keys again, and images of before under them."""
    names = {build.name for build in builds}
    found = {name: token for name, token in generations if name in names}
    held = dict(lock.builds) if lock else {}
    lost = [(name, token) for name, token in generations if name not in names and name in held]
    if lost:
        here = {slot: build.name for build in builds for slot in slots(build)}
        for name, token in lost:
            for slot in slots_held(name, held[name]):
                if slot in here:
                    found.setdefault(here[slot], token)
    return tuple(sorted(found.items()))


def with_token(generations: Pairs, names: frozenset[str], token: str) -> Pairs:
    return tuple(sorted({**dict(generations), **dict.fromkeys(names, token)}.items()))


def added(lock: Pins | None, pins: Pins, unpinned: Sequence[str] = ()) -> Iterator[str]:
    """What a lock lacks that these pins have, or that is not even pinned yet (base images), each as a person would call it."""
    old = lock or NOTHING
    source = dict(pins.source)
    if source.get("commit") and old.source != pins.source:
        yield f"the commit of {source['git']} at {source['ref']}"
    if old.engine != pins.engine:
        yield f"the engine {pins.engine}"
    known = {(axis, pick): versions for axis, picks in old.versions for pick, versions in picks}
    yield from (
        f"the {axis} versions of `{pick}`" for axis, picks in pins.versions for pick, versions in picks if known.get((axis, pick)) != versions
    )
    images = dict(old.images)
    refs = {ref for ref, digest in pins.images if images.get(ref) != digest}
    yield from (f"the digest of the base image {ref}" for ref in sorted({*refs, *unpinned}))
    generations = dict(old.generations)
    yield from (f"the generation of {name}" for name, token in pins.generations if generations.get(name) != token)


def _joined(weak: Pairs, strong: Pairs) -> Pairs:
    return tuple(sorted({**dict(weak), **dict(strong)}.items()))


def _joined_versions(weak: tuple[tuple[str, Picks], ...], strong: tuple[tuple[str, Picks], ...]) -> tuple[tuple[str, Picks], ...]:
    under, over = dict(weak), dict(strong)
    return tuple((axis, tuple(sorted({**dict(under.get(axis, ())), **dict(over.get(axis, ()))}.items()))) for axis in sorted({*under, *over}))
