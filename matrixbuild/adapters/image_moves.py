"""Whole images: whether a registry has one with all its parts, and giving it another name without changing a byte."""

from __future__ import annotations

from matrixbuild.core.image_parts import NotAManifestError, Parts, parts
from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.registry import Registry, StoredManifest


def holds_image(registry: Registry, repository: str, digest: str) -> bool:
    """Whether the manifest is there and everything below it: each child of an index, each configuration, each layer (design.md 9)."""
    manifest = registry.manifest(repository, digest)
    if manifest is None:
        return False
    needed = _parts(manifest)
    return all(registry.has_blob(repository, blob.digest, size=blob.size) for blob in needed.blobs) and all(
        holds_image(registry, repository, child.digest) for child in needed.children
    )


def copy_manifest(registry: Registry, *, source: str, target: str, digest: str, reference: str, origin: Registry | None = None) -> str:
    """Make the image `digest` of repository `source` known as `reference` (a tag, or the digest) in repository `target`; gives the digest.

    `origin` is the registry that has it, where that is another one. Blobs are mounted, or copied where the registry cannot mount. Children come
    by digest before their index: a registry accepts an index without them, and nobody could pull it.
    """
    origin = origin or registry
    manifest = _existing(origin, source, digest)
    if origin is not registry or source != target:
        needed = _parts(manifest)
        for blob in needed.blobs:
            if origin is not registry or not registry.mount_blob(target, blob.digest, source=source):
                registry.put_blob(target, origin.read_blob(source, blob.digest), blob)
        for child in needed.children:
            copy_manifest(registry, source=source, target=target, digest=child.digest, reference=child.digest, origin=origin)
    return registry.put_manifest(target, reference, manifest)


def _existing(registry: Registry, repository: str, digest: str) -> StoredManifest:
    manifest = registry.manifest(repository, digest)
    if manifest is None:
        summary = f"the image {repository}@{digest} is no longer in its registry"
        raise UnusableError(Problem(summary=summary, hint="apply again: it is built anew", code="registry"))
    return manifest


def _parts(manifest: StoredManifest) -> Parts:
    try:
        return parts(manifest)
    except NotAManifestError as error:
        summary = f"the manifest {manifest.digest} cannot be used: {error}"
        raise UnusableError(Problem(summary=summary, hint="remove it from the registry and apply again", code="registry")) from error
