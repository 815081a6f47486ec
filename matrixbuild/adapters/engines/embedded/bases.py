"""A base image in a registry -> its configuration, its layers as they are, and its files as a tree."""

from __future__ import annotations

import json
import tarfile
import threading
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matrixbuild.adapters.engines.embedded.base_files import MalformedLayerError, laid_over
from matrixbuild.adapters.engines.embedded.trees import EMPTY, Directory
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.image_config import read_config
from matrixbuild.core.images import OCI_LAYER_GZIP, ImageConfig
from matrixbuild.core.names import ImageName, Platform
from matrixbuild.core.problems import Place
from matrixbuild.core.registry import Descriptor, Registry, StoredManifest

OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
_GZIPPED = (OCI_LAYER_GZIP, "application/vnd.docker.image.rootfs.diff.tar.gzip")
_PLAIN = (OCI_LAYER, "application/vnd.docker.image.rootfs.diff.tar")


class BaseImageError(EarthfileError):
    """A base image that is not there or cannot be used; `summary` is one sentence, `hint` what to do."""

    def __init__(self, summary: str, hint: str, place: Place | None = None, fault: Fault = Fault.FILE_NOT_FOUND) -> None:
        super().__init__(fault, summary, place=place, hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """One image for one platform: `layers` with OCI media types (the same bytes), `history` as its configuration has it."""

    registry: Registry
    repository: str
    name: str
    config: ImageConfig
    layers: tuple[Descriptor, ...]
    diff_ids: tuple[str, ...]
    history: tuple[Any, ...]


class Bases:
    """Base images, each fetched once. `locate` finds the registry and the name of a ref as the Earthfile wrote it (ValueError: no such name);
    `work` is a directory for unpacked layers, named by digest: trees refer to them, and a later run finds them again. Safe for several threads."""

    def __init__(self, locate: Callable[[str], tuple[Registry, ImageName]], work: Path) -> None:
        self._locate = locate
        self._work = work
        self._bases: dict[tuple[str, Platform], Base] = {}
        self._trees: dict[tuple[str, ...], Directory] = {}
        self._lock = threading.Lock()

    def base(self, ref: str, platform: Platform) -> Base:
        """Raises BaseImageError, or UnusableError of the registry."""
        key = (ref, platform)
        with self._lock:
            if key not in self._bases:
                self._bases[key] = self._fetch(ref, platform)
            return self._bases[key]

    def tree(self, base: Base) -> Directory:
        """The files of all its layers."""
        key = tuple(layer.digest for layer in base.layers)
        with self._lock:
            if key not in self._trees:
                tree = EMPTY
                for layer in base.layers:
                    tree = self._laid(tree, base, layer)
                self._trees[key] = tree
            return self._trees[key]

    def _fetch(self, ref: str, platform: Platform) -> Base:
        try:
            registry, name = self._locate(ref)
        except ValueError as error:
            raise BaseImageError(f"{ref!r} is not the name of an image: {error}", "correct the FROM", fault=Fault.INVALID_ARG) from error
        manifest = _of_platform(registry, name, platform)
        document = json.loads(registry.blob(name.repository, manifest["config"]["digest"]))
        return Base(
            registry=registry,
            repository=name.repository,
            name=str(name),
            config=read_config(document, platform),
            layers=tuple(_layer(layer, name) for layer in manifest["layers"]),
            diff_ids=tuple(document["rootfs"]["diff_ids"]),
            history=tuple(document.get("history") or ({"created_by": f"FROM {name.repository}"} for _ in manifest["layers"])),
        )

    def _laid(self, tree: Directory, base: Base, layer: Descriptor) -> Directory:
        file = self._work / f"{layer.digest.removeprefix('sha256:')}.tar"
        try:
            if not file.exists():
                _unpack(base.registry.read_blob(base.repository, layer.digest), file, gzipped=layer.media_type == OCI_LAYER_GZIP)
            return laid_over(tree, file)
        except (zlib.error, tarfile.TarError, MalformedLayerError) as error:
            raise BaseImageError(f"a layer of {base.name} cannot be read: {error}", "push the base image again") from error


def _of_platform(registry: Registry, name: ImageName, platform: Platform) -> dict[str, Any]:
    reference = name.digest or name.tag
    document = _document(registry.manifest(name.repository, reference), name)
    if "manifests" not in document:
        return document
    children = [child for child in document["manifests"] if _fits(child.get("platform") or {}, platform)]
    if not children:
        raise BaseImageError(f"{name} has no image for {platform}", "choose another base image, or another --platform")
    return _document(registry.manifest(name.repository, children[0]["digest"]), name)


def _document(manifest: StoredManifest | None, name: ImageName) -> dict[str, Any]:
    if manifest is None:
        raise BaseImageError(f"the base image {name} is not in its registry", "push it, or correct the FROM")
    document: dict[str, Any] = json.loads(manifest.data)
    if "manifests" not in document and ("layers" not in document or "config" not in document):
        raise BaseImageError(f"{name} is no image: its manifest has no layers", "choose another base image")
    return document


def _fits(offered: dict[str, Any], wanted: Platform) -> bool:
    """linux/arm64 and linux/arm64/v8 are one (containerd's normalisation); elsewhere a variant that is asked for must be there."""
    same = (offered.get("os"), offered.get("architecture")) == (wanted.os, wanted.architecture)
    default = "v8" if wanted.architecture == "arm64" else ""
    return same and ((offered.get("variant") or default) == (wanted.variant or default) or not wanted.variant)


def _layer(told: dict[str, Any], name: ImageName) -> Descriptor:
    kind = told["mediaType"]
    if kind not in _GZIPPED + _PLAIN:
        hint = "push it with gzip layers: `skopeo copy --dest-compress-format gzip`" if kind.endswith("zstd") else "choose another base image"
        raise BaseImageError(f"{name} has a layer that the embedded engine cannot read ({kind})", hint)
    return Descriptor(media_type=OCI_LAYER_GZIP if kind in _GZIPPED else OCI_LAYER, digest=told["digest"], size=told["size"])


def _unpack(pieces: Iterable[bytes], file: Path, *, gzipped: bool) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{uuid.uuid4().hex}")
    try:
        with part.open("wb") as stream:
            stream.writelines(_gunzipped(pieces) if gzipped else pieces)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _gunzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A gzip file may be several in a row (pigz, stargz)."""
    inflate = zlib.decompressobj(31)
    for piece in pieces:
        rest = piece
        while rest:
            if inflate.eof:
                inflate = zlib.decompressobj(31)
            yield inflate.decompress(rest)
            rest = inflate.unused_data
    if not inflate.eof:
        raise zlib.error("the gzip stream ends too early")
