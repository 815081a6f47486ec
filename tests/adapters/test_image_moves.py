"""What the contract test cannot ask of registries that mount: a registry that does not, and one that holds a broken manifest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from matrixbuild.adapters.image_moves import copy_manifest, holds_image
from matrixbuild.adapters.oci_layout import OciLayout
from matrixbuild.core.images import OCI_MANIFEST
from matrixbuild.core.problems import UnusableError
from matrixbuild.core.registry import Descriptor, Registry, StoredManifest, always
from tests.sample_images import push, sample_image, sample_index


class Apart:
    """A registry whose repositories share nothing and that cannot mount: one layout a repository."""

    def __init__(self, directory: Path) -> None:
        self._layouts: defaultdict[str, OciLayout] = defaultdict(lambda: OciLayout(directory / str(len(self._layouts))))

    def manifest(self, repository: str, reference: str) -> StoredManifest | None:
        return self._layouts[repository].manifest(repository, reference)

    def digest(self, repository: str, reference: str) -> str | None:
        return self._layouts[repository].digest(repository, reference)

    def has_blob(self, repository: str, digest: str, *, size: int | None = None) -> bool:
        return self._layouts[repository].has_blob(repository, digest, size=size)

    def blob(self, repository: str, digest: str) -> bytes:
        return self._layouts[repository].blob(repository, digest)

    def read_blob(self, repository: str, digest: str) -> Iterator[bytes]:
        return self._layouts[repository].read_blob(repository, digest)

    def put_blob(self, repository: str, data: bytes | Iterable[bytes], descriptor: Descriptor) -> None:
        self._layouts[repository].put_blob(repository, data, descriptor)

    def mount_blob(self, repository: str, digest: str, *, source: str) -> bool:
        return False

    def put_manifest(self, repository: str, reference: str, manifest: StoredManifest, *, wanted: Callable[[], bool] = always) -> str:
        return self._layouts[repository].put_manifest(repository, reference, manifest, wanted=wanted)

    def tags(self, repository: str) -> tuple[str, ...]:
        return self._layouts[repository].tags(repository)


def test_blobs_are_copied_where_they_cannot_be_mounted(tmp_path: Path) -> None:
    registry: Registry = Apart(tmp_path)
    images = [sample_image("one"), sample_image("two", architecture="arm64")]
    for image in images:
        push(registry, "staging", image)
    index = sample_index(*images)
    registry.put_manifest("staging", "v1", index)
    assert not holds_image(registry, "release", index.digest)
    assert copy_manifest(registry, source="staging", target="release", digest=index.digest, reference="v1") == index.digest
    assert holds_image(registry, "release", index.digest)
    assert registry.manifest("release", "v1") == index


def test_within_one_repository_it_is_a_tag_more(tmp_path: Path) -> None:
    registry, image = OciLayout(tmp_path), sample_image()
    push(registry, "edge/a", image, "v1")
    assert copy_manifest(registry, source="edge/a", target="edge/a", digest=image.manifest.digest, reference="v2") == image.manifest.digest
    assert registry.tags("edge/a") == ("v1", "v2")


class Broken(Apart):
    def manifest(self, repository: str, reference: str) -> StoredManifest | None:
        return StoredManifest(media_type=OCI_MANIFEST, data=b"{}")


def test_a_manifest_that_is_none_is_told(tmp_path: Path) -> None:
    digest = StoredManifest(media_type=OCI_MANIFEST, data=b"{}").digest
    with pytest.raises(UnusableError) as caught:
        holds_image(Broken(tmp_path), "edge/a", digest)
    assert str(caught.value) == f"the manifest {digest} cannot be used: it has neither 'manifests' nor 'config'"
    assert caught.value.problems[0].hint == "remove it from the registry and apply again"
