"""An image in a registry -> what the lock records of it, and the build key in its label."""

from __future__ import annotations

import json
from typing import Any

from matrixbuild.core.image_parts import NotAManifestError, parts
from matrixbuild.core.images import KEY_LABEL
from matrixbuild.core.lock import LockedImage
from matrixbuild.core.names import Platform
from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.registry import Descriptor, Registry, StoredManifest


def locked_image(registry: Registry, repository: str, manifest: StoredManifest) -> LockedImage:
    """Digest, media type and size of a manifest or index, and the digest for each platform."""
    platforms = {str(_platform(config)): image.digest for image, config in _configurations(registry, repository, manifest)}
    return LockedImage(
        digest=manifest.digest, media_type=manifest.media_type, size=len(manifest.data), platforms=tuple(sorted(platforms.items()))
    )


def key_of(registry: Registry, repository: str, manifest: StoredManifest) -> str:
    """The build key that an image says it has (each image of an index must say the same), or nothing."""
    keys = {((config.get("config") or {}).get("Labels") or {}).get(KEY_LABEL, "") for _, config in _configurations(registry, repository, manifest)}
    return str(keys.pop()) if len(keys) == 1 else ""


def platform_images(registry: Registry, repository: str, manifest: StoredManifest) -> list[tuple[Platform, Descriptor]]:
    """The images that a manifest or an index comes to, each with the platform that its own configuration says: never another index."""
    return [(_platform(config), image.descriptor) for image, config in _configurations(registry, repository, manifest)]


def _configurations(registry: Registry, repository: str, manifest: StoredManifest) -> list[tuple[StoredManifest, dict[str, Any]]]:
    """(manifest, configuration) of each image; UnusableError where a part is missing or is not what it should be."""
    try:
        found = parts(manifest)
        if not found.children:
            return [(manifest, json.loads(registry.blob(repository, found.blobs[0].digest)))]
        children = [registry.manifest(repository, child.digest) for child in found.children]
        below = [pair for child in children if child for pair in _configurations(registry, repository, child)]
        return [pair for pair in below if not _is_attestation(pair[1])]
    except (NotAManifestError, ValueError) as error:
        summary = f"the image {repository}@{manifest.digest} cannot be read: {error}"
        raise UnusableError(Problem(summary=summary, hint="remove it from the registry")) from error


def _is_attestation(config: dict[str, Any]) -> bool:
    """What BuildKit puts beside an image to say how it was made: no image, and without labels (its document "Image attestation storage")."""
    return config.get("os") == config.get("architecture") == "unknown"


def _platform(config: dict[str, Any]) -> Platform:
    return Platform(os=config.get("os", "linux"), architecture=config.get("architecture", "amd64"), variant=config.get("variant", ""))
