"""What a manifest refers to: bytes of a manifest or index -> descriptors of its children, its configuration and its layers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from matrixbuild.core.images import OCI_INDEX, OCI_MANIFEST
from matrixbuild.core.names import DIGEST
from matrixbuild.core.registry import Descriptor, StoredManifest


class NotAManifestError(ValueError):
    """The bytes are no manifest, index or descriptor; the text is one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a registry must hold for a manifest to be whole: `children` are the manifests of an index, `blobs` configuration and layers; each once."""

    children: tuple[Descriptor, ...] = ()
    blobs: tuple[Descriptor, ...] = ()


def parts(manifest: StoredManifest) -> Parts:
    """The parts of a manifest; NotAManifestError where the bytes are no manifest.

    Layers that carry `urls` are left out: they are fetched from there and registries do not hold them (OCI image specification, foreign layers).
    """
    content = _mapping(manifest.data)
    if "manifests" in content:
        return Parts(children=_descriptors(content["manifests"]))
    if "config" not in content:
        raise NotAManifestError("it has neither 'manifests' nor 'config'")
    layers = content.get("layers")
    if not isinstance(layers, list):
        raise NotAManifestError("its 'layers' is not a list")
    held = [layer for layer in layers if not (isinstance(layer, dict) and layer.get("urls"))]
    return Parts(blobs=_descriptors([content["config"], *held]))


def media_type_of(data: bytes) -> str | None:
    """The media type that a manifest's own body gives, or implies where it names none; None where the bytes are no manifest."""
    try:
        content = _mapping(data)
    except NotAManifestError:
        return None
    declared = content.get("mediaType")
    if "manifests" in content:
        return declared if isinstance(declared, str) else OCI_INDEX
    if "config" in content and isinstance(content.get("layers"), list):
        return declared if isinstance(declared, str) else OCI_MANIFEST
    return None


def _mapping(data: bytes) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NotAManifestError(f"it is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise NotAManifestError("it is not a JSON object")
    return content


def _descriptors(items: object) -> tuple[Descriptor, ...]:
    if not isinstance(items, list):
        raise NotAManifestError("its 'manifests' is not a list")
    return tuple(dict.fromkeys(descriptor(item) for item in items))


def descriptor(item: object) -> Descriptor:
    """One descriptor of a manifest or index; NotAManifestError where it lacks a media type, a sha256 digest or a size."""
    match item:
        case {"mediaType": str(media_type), "digest": str(digest), "size": int(size)} if DIGEST.fullmatch(digest) and size >= 0:
            return Descriptor(media_type=media_type, digest=digest, size=size)
    raise NotAManifestError(f"{json.dumps(item)[:200]} is not a descriptor with mediaType, a sha256 digest and size")
