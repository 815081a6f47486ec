"""What a plan was made from, short enough to be kept with it; and what of that is not so any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from matrixbuild.core import documents
from matrixbuild.core.build import Build
from matrixbuild.core.compact import digest_of
from matrixbuild.core.documents import DocumentError
from matrixbuild.core.inputs import Pairs
from matrixbuild.core.lock import Lock, Pins
from matrixbuild.core.names import DIGEST

STAND_IN: Pairs = (("path", "--source"),)
"""What is kept of a source that a directory of the command line stood in for: where it was is nobody else's business."""

_FIELDS = frozenset({"manifest", "content", "pins", "source", "lock", "sets", "select", "overwrite"})
_digest = documents.matching(DIGEST, "sha256:<64 hex digits>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """`manifest` is its path from the project's root, `content` the digest of what it came to (with what it extends and the vars of the command
    line), `pins` what it was planned under, `source` the digest of all that builds read of the source, `lock` that of the lock's builds ("" where
    there was no lock). `sets`, `selector` and `overwrite` are what the command line said.
    """

    manifest: str
    content: str
    pins: Pins
    source: str
    lock: str = ""
    sets: Pairs = ()
    selector: str = ""
    overwrite: tuple[str, ...] = ()

    @property
    def stands_in(self) -> bool:
        """Whether a directory of the command line stood in for the source."""
        return self.pins.source == STAND_IN

    @classmethod
    def from_dict(cls, value: object) -> Self:
        document = documents.mapping(value, _FIELDS)
        return cls(
            manifest=documents.field(document, "manifest", _inside),
            content=documents.field(document, "content", _digest),
            pins=documents.field(document, "pins", Pins.from_dict),
            source=documents.field(document, "source", _digest),
            lock=documents.optional(document, "lock", _digest, ""),
            sets=documents.optional(document, "sets", documents.texts, ()),
            selector=documents.optional(document, "select", documents.text, ""),
            overwrite=documents.optional(document, "overwrite", lambda refs: documents.listed(refs, documents.text), ()),
        )

    def to_dict(self) -> dict[str, object]:
        rare: dict[str, object] = {"lock": self.lock, "sets": dict(self.sets), "select": self.selector, "overwrite": list(self.overwrite)}
        always = {"manifest": self.manifest, "content": self.content, "pins": self.pins.to_dict(), "source": self.source}
        return always | {name: value for name, value in rare.items() if value}

    @property
    def identity(self) -> dict[str, object]:
        """What counts for the identity of a plan: all but where the manifest is, which differs between a checkout and a copy of its files."""
        return {name: value for name, value in self.to_dict().items() if name != "manifest"}


def shown_pins(pins: Pins, *, stands_in: bool) -> Pins:
    """The pins as a plan keeps them: without the directory that a command line named."""
    return replace(pins, source=STAND_IN) if stands_in else pins


def source_digest(builds: Iterable[Build]) -> str:
    """The digest of all that builds read of their source: commands and files. What no build reads does not count."""
    found = tuple(builds)
    files = {id(build.inputs.files): (build.variant, build.inputs.files) for build in found}  # thousands of builds share a few lists
    read = {(variant, *pair) for variant, pairs in files.values() for pair in pairs}
    return digest_of({"commands": sorted({build.inputs.target for build in found}), "files": [list(each) for each in sorted(read)]})


def lock_digest(lock: Lock | None) -> str:
    """The digest of what the lock says of builds, "" where there is none. What is pinned is compared by itself."""
    return digest_of({name: build.to_dict() for name, build in lock.builds}) if lock else ""


def moved(then: Basis, now: Basis, *, to_pin: Sequence[str]) -> tuple[str, ...]:
    """What of the basis of a plan is not so any more, each in one sentence; `to_pin` are the images that it left to be pinned: their pins are
    no move (design.md 10)."""
    told: list[str] = []
    if then.content != now.content:
        told.append(f"the manifest {then.manifest} comes to something else now")
    told += _source(then, now)
    if then.lock != now.lock:
        told.append("the lock has other builds now" if then.lock and now.lock else "there is a lock now" if now.lock else "the lock is gone")
    return (*told, *_pins(then.pins, now.pins, frozenset(to_pin)))


def _source(then: Basis, now: Basis) -> Iterator[str]:
    if then.pins.source != now.pins.source:
        yield f"the source is {_named(now.pins.source)} now, and was {_named(then.pins.source)}"
    elif then.source != now.source:
        yield "files of the source that builds read are others now"


def _named(source: Pairs) -> str:
    """`v4.9.38 of https://... (0123456789ab)`, or a path."""
    known = dict(source)
    if "git" not in known:
        return "a directory given with --source" if source == STAND_IN else known.get("path", "")
    return f"{known.get('ref', '')} of {known['git']} ({known.get('commit', '')[:12]})"


def _pins(then: Pins, now: Pins, to_pin: frozenset[str]) -> Iterator[str]:
    if then.engine != now.engine:
        yield f"the engine is {now.engine} now, and was {then.engine}"
    yield from (f"the pin of the base image {ref} has moved" for ref in _differing(dict(then.images), dict(now.images), to_pin))
    yield from (f"the versions pinned for {axis} have moved" for axis in _differing(dict(then.versions), dict(now.versions), frozenset()))
    yield from (f"the generation of {build} has moved" for build in _differing(dict(then.generations), dict(now.generations), frozenset()))


def _differing(then: Mapping[str, object], now: Mapping[str, object], to_come: frozenset[str]) -> list[str]:
    return sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name) and not (name in to_come and name not in then))


def _inside(value: object) -> str:
    """A path that leads nowhere out of the project."""
    found = documents.text(value)
    parts = found.split("/")
    if not found or found.startswith("/") or "\0" in found or "\\" in found or not {"", ".", ".."}.isdisjoint(parts):
        raise DocumentError(f"Unexpected value {found!r} (expected a path from the project's root)")
    return found
