"""The lock: which build key gave which digest and which image names, with the pins it was made under (design.md 10)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from matrixbuild.core import documents
from matrixbuild.core.documents import DocumentError
from matrixbuild.core.inputs import Inputs, Pairs
from matrixbuild.core.names import DIGEST

LOCK_VERSION = 1
_IMAGE = frozenset({"digest", "mediaType", "size", "platforms"})
_ARTIFACT = frozenset({"sha256", "size"})
_BUILD = frozenset({"key", "inputs", "opaque", "commit", "narrowed", "image", "cells", "artifacts"})
_PINS = frozenset({"source", "engine", "images", "versions", "generations"})
_LOCK = frozenset({"lockVersion", "name", "pins", "builds", "indexes"})
_SOURCE = frozenset({"path", "git", "ref", "commit"})
_INPUTS = frozenset({"target", "args", "files", "needs", "bases", "generation", "secrets"})
_digest = documents.matching(DIGEST, "sha256:<64 hex digits>")
_digest_or_none = documents.matching(re.compile(rf"(?:{DIGEST.pattern})?"), "sha256:<64 hex digits>, or nothing")
_opacity = documents.matching(re.compile(r"inputs|time|values"), "inputs, time or values")
Picks = tuple[tuple[str, tuple[str, ...]], ...]
"""What was asked for (`rke2 latest 3`) and the versions that it came to, sorted by the first."""

_hex = documents.matching(re.compile(r"[0-9a-f]{64}"), "64 hex digits")


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedImage:
    """A pushed image: digest, media type and size of its manifest or index, and the digest for each platform."""

    digest: str
    media_type: str
    size: int
    platforms: Pairs = ()

    @classmethod
    def from_dict(cls, value: object) -> Self:
        document = documents.mapping(value, _IMAGE)
        return cls(
            digest=documents.field(document, "digest", _digest),
            media_type=documents.field(document, "mediaType", documents.text),
            size=documents.field(document, "size", documents.size),
            platforms=documents.field(document, "platforms", _digests),
        )

    def to_dict(self) -> dict[str, object]:
        return {"digest": self.digest, "mediaType": self.media_type, "platforms": dict(self.platforms), "size": self.size}


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedArtifact:
    """A file that a build left: `sha256` are 64 hex digits as sha256sum prints them, `size` is in bytes."""

    sha256: str
    size: int

    @classmethod
    def from_dict(cls, value: object) -> Self:
        document = documents.mapping(value, _ARTIFACT)
        return cls(sha256=documents.field(document, "sha256", _hex), size=documents.field(document, "size", documents.size))

    def to_dict(self) -> dict[str, object]:
        return {"sha256": self.sha256, "size": self.size}


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedBuild:
    """One build as it was published: `cells` are (cell, its final image names), sorted; an artifact's key is its file name; `opaque` as in
    core.reading.Reading; `commit` is that of a git source. Both are empty, too, where the entry was made before they were recorded. `narrowed`: it
    was built from an Earthfile in which ARGs that differ between builds are declared where they are named (design.md 8)."""

    key: str
    inputs: Inputs
    image: LockedImage | None = None
    cells: tuple[tuple[str, tuple[str, ...]], ...] = ()
    artifacts: tuple[tuple[str, LockedArtifact], ...] = ()
    opaque: tuple[str, ...] = ()
    commit: str = ""
    narrowed: bool = False

    @classmethod
    def from_dict(cls, value: object) -> Self:
        document = documents.mapping(value, _BUILD)
        return cls(
            key=documents.field(document, "key", _digest),
            inputs=documents.field(document, "inputs", _inputs),
            image=documents.optional(document, "image", LockedImage.from_dict, None),
            cells=documents.field(document, "cells", _cells),
            artifacts=documents.field(document, "artifacts", _artifacts),
            opaque=documents.optional(document, "opaque", _kinds, ()),
            commit=documents.optional(document, "commit", documents.text, ""),
            narrowed=documents.optional(document, "narrowed", documents.flag, default=False),
        )

    def to_dict(self) -> dict[str, object]:
        document: dict[str, object] = {
            "artifacts": {name: artifact.to_dict() for name, artifact in self.artifacts},
            "cells": {cell: list(refs) for cell, refs in self.cells},
            "inputs": _inputs_dict(self.inputs),
            "key": self.key,
        }
        rare: dict[str, object] = {
            "image": self.image.to_dict() if self.image else None,
            "opaque": list(self.opaque),
            "commit": self.commit,
            "narrowed": self.narrowed,
        }
        return document | {name: value for name, value in rare.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """External facts that the builds were made under: `source` as the manifest wrote it (`path`, or `git`, `ref` and `commit`), the engine's
    kind and line, base images by ref ("" where no registry could be asked, and the tag decides), `versions` (axis, what ranges of it came to:
    `rke2 latest 3` and the versions), `generations` by build name (design.md 2)."""

    source: Pairs
    engine: str
    images: Pairs = ()
    versions: tuple[tuple[str, Picks], ...] = ()
    generations: Pairs = ()

    @classmethod
    def from_dict(cls, value: object) -> Self:
        document = documents.mapping(value, _PINS)
        return cls(
            source=documents.field(document, "source", _source),
            engine=documents.field(document, "engine", documents.text),
            images=documents.optional(document, "images", _image_pins, ()),
            versions=documents.optional(document, "versions", _versions, ()),
            generations=documents.optional(document, "generations", _generations, ()),
        )

    def to_dict(self) -> dict[str, object]:
        document: dict[str, object] = {"engine": self.engine, "source": dict(self.source)}
        rare: dict[str, object] = {
            "images": dict(self.images),
            "versions": {axis: {pick: list(versions) for pick, versions in picks} for axis, picks in self.versions},
            "generations": dict(self.generations),
        }
        return document | {name: value for name, value in rare.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A whole lock: `builds` are (name, build), sorted by name; `indexes` are (image name, index), of the names that stand for images of several
    builds."""

    name: str
    pins: Pins
    builds: tuple[tuple[str, LockedBuild], ...] = ()
    indexes: tuple[tuple[str, LockedImage], ...] = ()

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Read a parsed lock. Raises DocumentError naming the path to what is wrong, or the version where it is a newer one."""
        # The version first: everything else may mean something else in another one.
        _check_version(documents.is_a(value, dict))
        document = documents.mapping(value, _LOCK)
        return cls(
            name=documents.field(document, "name", documents.text),
            pins=documents.field(document, "pins", Pins.from_dict),
            builds=documents.field(document, "builds", _builds),
            indexes=documents.optional(document, "indexes", _indexes, ()),
        )

    def to_dict(self) -> dict[str, object]:
        indexes = {ref: index.to_dict() for ref, index in self.indexes}
        return {
            "builds": {name: build.to_dict() for name, build in self.builds},
            **({"indexes": indexes} if indexes else {}),
            "lockVersion": LOCK_VERSION,
            "name": self.name,
            "pins": self.pins.to_dict(),
        }


class NewerLockError(DocumentError):
    """The lock was written by a newer matrixbuild."""


def _check_version(document: Mapping[str, object]) -> None:
    version = documents.field(document, "lockVersion", lambda value: documents.is_a(value, int))
    if version > LOCK_VERSION:
        raise NewerLockError(f"lockVersion {version} is of a newer matrixbuild than this one, which knows {LOCK_VERSION}")
    if version < 1:
        raise DocumentError(f"Unexpected value {version} (expected {LOCK_VERSION})", "lockVersion")


def _digests(value: object) -> Pairs:
    return documents.entries(value, _digest)


def _image_pins(value: object) -> Pairs:
    return documents.entries(value, lambda digest: "" if digest == "" else _digest(digest))


def _versions(value: object) -> tuple[tuple[str, Picks], ...]:
    return documents.entries(value, lambda picks: documents.entries(picks, lambda versions: documents.listed(versions, documents.text)))


def _generations(value: object) -> Pairs:
    return documents.texts(documents.is_a(value, dict))


def _builds(value: object) -> tuple[tuple[str, LockedBuild], ...]:
    return documents.entries(value, LockedBuild.from_dict)


def _indexes(value: object) -> tuple[tuple[str, LockedImage], ...]:
    return documents.entries(value, LockedImage.from_dict)


def _artifacts(value: object) -> tuple[tuple[str, LockedArtifact], ...]:
    return documents.entries(value, LockedArtifact.from_dict)


def _cells(value: object) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return documents.entries(value, _refs)


def _kinds(value: object) -> tuple[str, ...]:
    return documents.listed(value, _opacity)


def _refs(value: object) -> tuple[str, ...]:
    return documents.listed(value, documents.text)


def _source(value: object) -> Pairs:
    document = documents.mapping(value, _SOURCE)
    if not ("path" in document) ^ ("git" in document):
        raise DocumentError("Expected one of the fields path and git")
    return documents.texts(document)


def _inputs(value: object) -> Inputs:
    document = documents.mapping(value, _INPUTS)
    return Inputs(
        target=documents.field(document, "target", _digest),
        args=documents.field(document, "args", documents.texts),
        files=documents.field(document, "files", documents.texts),
        needs=documents.field(document, "needs", _digests),
        bases=documents.field(document, "bases", lambda bases: documents.entries(bases, _digest_or_none)),
        generation=documents.optional(document, "generation", documents.text, ""),
        secrets=documents.optional(document, "secrets", documents.texts, ()),
    )


def _inputs_dict(inputs: Inputs) -> dict[str, object]:
    return {
        "args": dict(inputs.args),
        "bases": dict(inputs.bases),
        "files": dict(inputs.files),
        "needs": dict(inputs.needs),
        "target": inputs.target,
        **({"generation": inputs.generation} if inputs.generation else {}),
        **({"secrets": dict(inputs.secrets)} if inputs.secrets else {}),
    }
