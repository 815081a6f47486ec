"""Small, real images for tests of registries: a configuration, one layer with one file, a manifest or index over them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass

from matrixbuild.core.images import OCI_CONFIG, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST
from matrixbuild.core.names import sha256
from matrixbuild.core.registry import Descriptor, Registry, StoredManifest


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleImage:
    """An image whose only file is /hello with `text` in it."""

    blobs: tuple[tuple[Descriptor, bytes], ...]
    manifest: StoredManifest

    @property
    def config(self) -> Descriptor:
        return self.blobs[0][0]

    @property
    def layer(self) -> Descriptor:
        return self.blobs[1][0]


def sample_image(
    text: str = "hello", *, architecture: str = "amd64", system: str = "linux", labels: Mapping[str, str] | None = None
) -> SampleImage:
    tar = _tar("hello", text.encode())
    layer = gzip.compress(tar, mtime=0)
    config = _json({"architecture": architecture, "os": system, "config": {"Labels": labels}, "rootfs": {"type": "layers", "diff_ids": [sha256(tar)]}})
    blobs = ((described(OCI_CONFIG, config), config), (described(OCI_LAYER_GZIP, layer), layer))
    body = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": _entry(blobs[0][0]), "layers": [_entry(blobs[1][0])]}
    return SampleImage(blobs=blobs, manifest=StoredManifest(media_type=OCI_MANIFEST, data=_json(body)))


def sample_index(*images: SampleImage) -> StoredManifest:
    """An index over `images`, for linux/amd64, linux/arm64, ... in this order."""
    platforms = [{"os": "linux", "architecture": architecture} for architecture in ("amd64", "arm64", "ppc64le", "s390x")]
    entries = [{**_entry(image.manifest.descriptor), "platform": platform} for image, platform in zip(images, platforms, strict=False)]
    return StoredManifest(media_type=OCI_INDEX, data=_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}))


def push(registry: Registry, repository: str, image: SampleImage, tag: str = "") -> str:
    """Put the image's blobs, then its manifest under `tag`, or by its digest; gives the digest."""
    for descriptor, data in image.blobs:
        registry.put_blob(repository, data, descriptor)
    return registry.put_manifest(repository, tag or image.manifest.digest, image.manifest)


def described(media_type: str, data: bytes) -> Descriptor:
    return Descriptor(media_type=media_type, digest=f"sha256:{hashlib.sha256(data).hexdigest()}", size=len(data))


def _entry(descriptor: Descriptor) -> dict[str, object]:
    return {"mediaType": descriptor.media_type, "digest": descriptor.digest, "size": descriptor.size}


def _json(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _tar(name: str, data: bytes) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return held.getvalue()
