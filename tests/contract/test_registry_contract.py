"""What any registry does, asked of an OCI layout and of a real docker-registry alike."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from matrixbuild.adapters.image_moves import copy_manifest, holds_image
from matrixbuild.adapters.oci_layout import OciLayout
from matrixbuild.adapters.registry import HttpRegistry
from matrixbuild.core.images import DOCKER_MANIFEST, OCI_MANIFEST
from matrixbuild.core.names import sha256
from matrixbuild.core.problems import UnusableError
from matrixbuild.core.registry import Registry, StoredManifest
from tests.sample_images import SampleImage, described, push, sample_image, sample_index
from tests.services import RunningRegistry

MISSING = sha256(b"nobody has this")
_numbers = itertools.count()


class Place:
    """A registry under test, and the files behind it."""

    def __init__(self, registry: Registry, blob_file: Callable[[str], Path]) -> None:
        self.registry = registry
        self.blob_file = blob_file
        self.repository = f"edge/image-{next(_numbers)}"


@pytest.fixture(params=["layout", pytest.param("http", marks=pytest.mark.registry)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "layout":
        directory = tmp_path / "deep" / "layout"
        yield Place(OciLayout(directory), lambda digest: directory / "blobs/sha256" / digest.removeprefix("sha256:"))
    else:
        running: RunningRegistry = request.getfixturevalue("docker_registry")
        yield Place(HttpRegistry(running.host, login=lambda _: None), running.blob_file)


def unique(place: Place, text: str = "hello") -> SampleImage:
    return sample_image(f"{text} from {place.repository}")


def test_nothing_is_there_at_first(place: Place) -> None:
    registry, repository = place.registry, place.repository
    assert registry.manifest(repository, "v1") is None
    assert registry.manifest(repository, MISSING) is None
    assert registry.digest(repository, "v1") is None
    assert registry.digest(repository, MISSING) is None
    assert registry.has_blob(repository, MISSING) is False
    assert registry.tags(repository) == ()
    assert registry.mount_blob(repository, MISSING, source="edge/other") is False
    assert holds_image(registry, repository, MISSING) is False


def test_what_is_put_is_read_back(place: Place) -> None:
    registry, repository, image = place.registry, place.repository, unique(place)
    digest = push(registry, repository, image, "v1")
    assert digest == image.manifest.digest == sha256(image.manifest.data)
    assert registry.manifest(repository, "v1") == image.manifest
    assert registry.manifest(repository, digest) == image.manifest
    assert registry.digest(repository, "v1") == digest
    assert registry.digest(repository, digest) == digest
    for descriptor, data in image.blobs:
        assert registry.has_blob(repository, descriptor.digest)
        assert registry.blob(repository, descriptor.digest) == data
        assert b"".join(registry.read_blob(repository, descriptor.digest)) == data
    assert registry.tags(repository) == ("v1",)


def test_a_manifest_keeps_its_bytes_and_media_type(place: Place) -> None:
    registry, repository, image = place.registry, place.repository, unique(place)
    push(registry, repository, image)
    spaced = json.dumps({**json.loads(image.manifest.data), "mediaType": DOCKER_MANIFEST}, indent=5).encode() + b"\n\n"
    spaced = spaced.replace(b"application/vnd.oci.image.config.v1+json", b"application/vnd.docker.container.image.v1+json")
    docker = StoredManifest(media_type=DOCKER_MANIFEST, data=spaced)
    plain = {key: value for key, value in json.loads(image.manifest.data).items() if key != "mediaType"}
    untyped = StoredManifest(media_type=OCI_MANIFEST, data=json.dumps(plain).encode())
    for tag, manifest in (("docker", docker), ("untyped", untyped)):
        registry.put_manifest(repository, tag, manifest)
        assert registry.manifest(repository, tag) == manifest
        assert registry.manifest(repository, manifest.digest) == manifest


def test_a_tag_moves(place: Place) -> None:
    registry, repository = place.registry, place.repository
    first, second = unique(place, "one"), unique(place, "two")
    push(registry, repository, first, "v1")
    push(registry, repository, second, "v1")
    assert registry.digest(repository, "v1") == second.manifest.digest
    assert registry.tags(repository) == ("v1",)
    assert registry.manifest(repository, first.manifest.digest) == first.manifest


def test_what_is_not_wanted_any_more_is_not_put(place: Place) -> None:
    image = unique(place)
    push(place.registry, place.repository, image)
    asked: list[str | None] = []

    def wanted() -> bool:
        asked.append(place.registry.digest(place.repository, "v1"))
        return asked[-1] is None

    for _ in range(2):
        assert place.registry.put_manifest(place.repository, "v1", image.manifest, wanted=wanted) == image.manifest.digest
    assert asked == [None, image.manifest.digest]
    assert place.registry.put_manifest(place.repository, "v2", image.manifest, wanted=lambda: False) == image.manifest.digest
    assert place.registry.tags(place.repository) == ("v1",)


def test_putting_the_same_again_changes_nothing(place: Place) -> None:
    image = unique(place)
    assert push(place.registry, place.repository, image, "v1") == push(place.registry, place.repository, image, "v1")
    assert place.registry.tags(place.repository) == ("v1",)


def test_repositories_have_tags_of_their_own(place: Place) -> None:
    registry, one, two = place.registry, place.repository, f"{place.repository}-two"
    push(registry, one, unique(place, "one"), "v1")
    push(registry, two, unique(place, "two"), "v1")
    push(registry, two, unique(place, "two"), "V2.0_x-y")
    assert registry.digest(one, "v1") != registry.digest(two, "v1")
    assert registry.tags(one) == ("v1",)
    assert registry.tags(two) == ("V2.0_x-y", "v1")
    assert registry.tags(place.repository.removeprefix("edge/")) == ()


def test_blobs_in_pieces(place: Place) -> None:
    data = place.repository.encode() * 400_000
    descriptor = described("application/octet-stream", data)
    pieces = (data[start : start + 99_999] for start in range(0, len(data), 99_999))
    place.registry.put_blob(place.repository, pieces, descriptor)
    place.registry.put_blob(place.repository, [data[:1], data[1:]], descriptor)
    read = list(place.registry.read_blob(place.repository, descriptor.digest))
    assert b"".join(read) == data
    assert len(read) > 1


def test_an_empty_blob(place: Place) -> None:
    empty = described("application/octet-stream", b"")
    place.registry.put_blob(place.repository, b"", empty)
    assert place.registry.blob(place.repository, empty.digest) == b""
    assert list(place.registry.read_blob(place.repository, empty.digest)) == []


@pytest.mark.parametrize("as_pieces", [False, True])
def test_a_blob_with_another_digest_is_refused(place: Place, as_pieces: bool) -> None:
    data = b"not what was promised"
    promised = described("application/octet-stream", b"what was promised: " + place.repository.encode())
    with pytest.raises(UnusableError) as caught:
        place.registry.put_blob(place.repository, iter([data]) if as_pieces else data, promised)
    assert f"has the digest {sha256(data)}, not {promised.digest}" in str(caught.value)
    assert not place.registry.has_blob(place.repository, promised.digest)


def test_a_missing_blob_is_named(place: Place) -> None:
    push(place.registry, place.repository, unique(place), "v1")
    for read in (place.registry.blob, lambda *names: list(place.registry.read_blob(*names))):
        with pytest.raises(UnusableError) as caught:
            read(place.repository, MISSING)
        assert f"has no blob {MISSING}" in str(caught.value)
        assert caught.value.problems[0].hint == "it was removed; build the image again"


def test_a_manifest_without_its_blobs_is_refused(place: Place) -> None:
    image = unique(place)
    with pytest.raises(UnusableError):
        place.registry.put_manifest(place.repository, "v1", image.manifest)
    assert place.registry.manifest(place.repository, "v1") is None


def test_a_manifest_under_a_digest_that_is_not_its_own_is_refused(place: Place) -> None:
    image = unique(place)
    push(place.registry, place.repository, image, "v1")
    with pytest.raises(UnusableError) as caught:
        place.registry.put_manifest(place.repository, MISSING, image.manifest)
    assert image.manifest.digest in str(caught.value)


def test_children_come_before_their_index(place: Place) -> None:
    registry, repository = place.registry, place.repository
    images = [sample_image(place.repository, architecture=architecture) for architecture in ("amd64", "arm64")]
    for image in images:
        push(registry, repository, image)
    index = sample_index(*images)
    registry.put_manifest(repository, "multi", index)
    assert registry.manifest(repository, "multi") == index
    assert registry.tags(repository) == ("multi",)
    assert all(registry.manifest(repository, image.manifest.digest) == image.manifest for image in images)
    assert holds_image(registry, repository, index.digest)


def test_an_image_is_held_only_with_all_its_parts(place: Place) -> None:
    registry, repository = place.registry, place.repository
    images = [sample_image(f"{place.repository} {architecture}", architecture=architecture) for architecture in ("amd64", "arm64")]
    for image in images:
        push(registry, repository, image)
    index = sample_index(*images)
    registry.put_manifest(repository, "multi", index)
    needed = [index.digest, images[1].manifest.digest, images[0].config.digest, images[1].layer.digest]
    for digest in needed:
        file = place.blob_file(digest)
        aside = file.with_name("aside")
        file.rename(aside)
        assert not holds_image(registry, repository, index.digest), digest
        aside.rename(file)
    assert holds_image(registry, repository, index.digest)


def test_a_blob_that_is_cut_off_is_not_there_in_its_size(place: Place) -> None:
    image = unique(place)
    push(place.registry, place.repository, image)
    size = image.layer.size
    assert place.registry.has_blob(place.repository, image.layer.digest, size=size)
    assert not place.registry.has_blob(place.repository, image.layer.digest, size=size + 1)
    file = place.blob_file(image.layer.digest)
    file.write_bytes(file.read_bytes()[:-1])
    assert place.registry.has_blob(place.repository, image.layer.digest)
    assert not place.registry.has_blob(place.repository, image.layer.digest, size=size)
    assert not holds_image(place.registry, place.repository, image.manifest.digest)


def test_a_tag_whose_manifest_was_removed_is_not_there(place: Place) -> None:
    image = unique(place)
    push(place.registry, place.repository, image, "v1")
    place.blob_file(image.manifest.digest).unlink()
    assert place.registry.manifest(place.repository, image.manifest.digest) is None
    assert place.registry.manifest(place.repository, "v1") is None
    assert place.registry.digest(place.repository, image.manifest.digest) is None
    assert place.registry.digest(place.repository, "v1") is None
    push(place.registry, place.repository, image, "v1")
    assert place.registry.manifest(place.repository, "v1") == image.manifest


def test_tagging_puts_the_same_bytes(place: Place) -> None:
    registry, repository, image = place.registry, place.repository, unique(place)
    digest = push(registry, repository, image, "mb-0123456789abcdef0123")
    assert copy_manifest(registry, source=repository, target=repository, digest=digest, reference="v1") == digest
    assert registry.manifest(repository, "v1") == image.manifest
    assert registry.tags(repository) == ("mb-0123456789abcdef0123", "v1")


def test_a_copy_has_all_parts_in_the_other_repository(place: Place) -> None:
    registry, source, target = place.registry, place.repository, f"{place.repository}/published"
    images = [sample_image(place.repository, architecture=architecture) for architecture in ("amd64", "arm64")]
    for image in images:
        push(registry, source, image)
    index = sample_index(*images)
    registry.put_manifest(source, "multi", index)
    assert copy_manifest(registry, source=source, target=target, digest=index.digest, reference="v1") == index.digest
    assert registry.manifest(target, "v1") == index
    assert holds_image(registry, target, index.digest)
    assert registry.tags(target) == ("v1",)
    assert copy_manifest(registry, source=source, target=target, digest=index.digest, reference="v1") == index.digest


def test_a_copy_of_what_is_gone_is_told(place: Place) -> None:
    with pytest.raises(UnusableError) as caught:
        copy_manifest(place.registry, source=place.repository, target="edge/else", digest=MISSING, reference="v1")
    assert str(caught.value) == f"the image {place.repository}@{MISSING} is no longer in its registry"


def test_many_threads_lose_nothing(place: Place) -> None:
    registry, repository = place.registry, place.repository
    images = {f"v{number}": sample_image(f"{repository} {number}") for number in range(24)}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda item: push(registry, repository, item[1], item[0]), images.items()))
        held = list(pool.map(lambda image: holds_image(registry, repository, image.manifest.digest), images.values()))
    assert all(held)
    assert registry.tags(repository) == tuple(sorted(images))
    assert {tag: registry.digest(repository, tag) for tag in images} == {tag: image.manifest.digest for tag, image in images.items()}


def test_manifests_are_taken_while_others_mount_and_push_their_blobs(place: Place) -> None:
    """docker-registry takes a blob for unknown while somebody mounts it once more: nobody may notice."""
    registry, repository, elsewhere = place.registry, place.repository, f"{place.repository}-elsewhere"
    image = unique(place)
    push(registry, elsewhere, image, "v1")
    push(registry, repository, image)
    ended = threading.Event()

    def mounts() -> int:
        mounted = 0
        while not ended.is_set():
            mounted += sum(registry.mount_blob(repository, descriptor.digest, source=elsewhere) for descriptor, _ in image.blobs)
        return mounted

    with ThreadPoolExecutor(2) as pool:
        mounting = pool.submit(mounts)
        try:
            digests = {registry.put_manifest(repository, f"v{number}", image.manifest) for number in range(40)}
        finally:
            ended.set()
    assert digests == {image.manifest.digest}
    assert mounting.result() > 0
