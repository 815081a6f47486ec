"""Base images put into a registry by hand, as some other tool would have."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

from matrixbuild.core.images import DOCKER_LIST, DOCKER_MANIFEST, OCI_MANIFEST
from matrixbuild.core.names import sha256
from matrixbuild.core.registry import Descriptor, Registry, StoredManifest

GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"


def layer(files: Mapping[str, bytes], **modes: int) -> bytes:
    """A tar of files by path; a path that ends with / is a directory."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, data in files.items():
            member = tarfile.TarInfo(path.rstrip("/"))
            member.type = tarfile.DIRTYPE if path.endswith("/") else tarfile.REGTYPE
            member.mode, member.size = (0o755 if path.endswith("/") else 0o644), len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def stored(registry: Registry, repository: str, data: bytes, media_type: str) -> dict[str, Any]:
    descriptor = Descriptor(media_type=media_type, digest=sha256(data), size=len(data))
    registry.put_blob(repository, data, descriptor)
    return {"mediaType": media_type, "digest": descriptor.digest, "size": descriptor.size}


def put_image(
    registry: Registry,
    repository: str,
    tag: str,
    layers: Sequence[bytes],
    *,
    config: Mapping[str, Any] | None = None,
    media_type: str = GZIP,
    manifest_type: str = OCI_MANIFEST,
    architecture: str = "amd64",
    history: Sequence[Mapping[str, Any]] | None = None,
    pack: bool = True,
) -> dict[str, Any]:
    """The descriptor of the manifest, with its platform, as an index holds it. Layers are packed if the media type says so and `pack` is on."""
    document = {
        "os": "linux",
        "architecture": architecture,
        "config": config or {},
        "rootfs": {"type": "layers", "diff_ids": [sha256(each) for each in layers]},
        **({} if history is None else {"history": history}),
    }
    packs = pack and media_type.endswith("gzip")
    packed = [gzip.compress(each, mtime=0) if packs else each for each in layers]
    manifest = {
        "schemaVersion": 2,
        "mediaType": manifest_type,
        "config": stored(registry, repository, json.dumps(document).encode(), "application/vnd.oci.image.config.v1+json"),
        "layers": [stored(registry, repository, each, media_type) for each in packed],
    }
    kept = StoredManifest(media_type=manifest_type, data=json.dumps(manifest).encode())
    registry.put_manifest(repository, tag or kept.digest, kept)
    platform = {"os": "linux", "architecture": architecture}
    return {"mediaType": manifest_type, "digest": kept.digest, "size": len(kept.data), "platform": platform}


def put_list(registry: Registry, repository: str, tag: str, children: Sequence[dict[str, Any]]) -> str:
    document = {"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": list(children)}
    return registry.put_manifest(repository, tag, StoredManifest(media_type=DOCKER_LIST, data=json.dumps(document).encode()))


DOCKER: dict[str, Any] = {"media_type": "application/vnd.docker.image.rootfs.diff.tar.gzip", "manifest_type": DOCKER_MANIFEST}
