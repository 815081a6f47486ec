"""What the lock records of an image, and the key its label carries."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrixbuild.adapters.image_facts import key_of, locked_image
from matrixbuild.adapters.oci_layout import OciLayout
from matrixbuild.core.images import KEY_LABEL, OCI_INDEX, OCI_MANIFEST
from matrixbuild.core.problems import UnusableError
from tests.sample_images import push, sample_image, sample_index


@pytest.fixture
def layout(tmp_path: Path) -> OciLayout:
    return OciLayout(tmp_path / "layout")


def test_an_image_is_recorded_with_its_platform(layout: OciLayout) -> None:
    image = sample_image(architecture="arm64")
    push(layout, "edge/os", image, "1")
    found = locked_image(layout, "edge/os", image.manifest)
    assert (found.digest, found.media_type, found.size) == (image.manifest.digest, OCI_MANIFEST, len(image.manifest.data))
    assert found.platforms == (("linux/arm64", image.manifest.digest),)


def test_an_index_is_recorded_with_the_digest_of_each_platform(layout: OciLayout) -> None:
    images = [sample_image("a"), sample_image("b", architecture="arm64")]
    for image in images:
        push(layout, "edge/os", image)
    index = sample_index(*images)
    layout.put_manifest("edge/os", "1", index)
    found = locked_image(layout, "edge/os", index)
    assert (found.digest, found.media_type) == (index.digest, OCI_INDEX)
    assert found.platforms == (("linux/amd64", images[0].manifest.digest), ("linux/arm64", images[1].manifest.digest))


def test_the_key_is_the_labels(layout: OciLayout) -> None:
    image = sample_image(labels={KEY_LABEL: "sha256:1"})
    push(layout, "edge/os", image, "1")
    assert key_of(layout, "edge/os", image.manifest) == "sha256:1"


def test_an_image_of_someone_else_has_no_key(layout: OciLayout) -> None:
    image = sample_image()
    push(layout, "edge/os", image, "1")
    assert key_of(layout, "edge/os", image.manifest) == ""


def test_what_buildkit_attests_of_an_image_is_none_of_it(layout: OciLayout) -> None:
    image, attestation = sample_image(labels={KEY_LABEL: "k"}), sample_image("provenance", architecture="unknown", system="unknown")
    for each in (image, attestation):
        push(layout, "edge/os", each)
    index = sample_index(image, attestation)
    layout.put_manifest("edge/os", "1", index)
    assert key_of(layout, "edge/os", index) == "k"
    assert locked_image(layout, "edge/os", index).platforms == (("linux/amd64", image.manifest.digest),)
    alone = sample_index(attestation)
    layout.put_manifest("edge/os", "2", alone)
    assert key_of(layout, "edge/os", alone) == ""


def test_an_index_has_the_key_that_all_its_images_have(layout: OciLayout) -> None:
    same = [sample_image("a", labels={KEY_LABEL: "k"}), sample_image("b", labels={KEY_LABEL: "k"})]
    other = sample_image("c", labels={KEY_LABEL: "other"})
    for image in (*same, other):
        push(layout, "edge/os", image)
    for name, index in (("same", sample_index(*same)), ("mixed", sample_index(same[0], other))):
        layout.put_manifest("edge/os", name, index)
        assert key_of(layout, "edge/os", index) == ("k" if name == "same" else "")


def test_a_configuration_that_is_gone_is_told(layout: OciLayout, tmp_path: Path) -> None:
    image = sample_image()
    push(layout, "edge/os", image, "1")
    (tmp_path / "layout" / "blobs" / "sha256" / image.config.digest.removeprefix("sha256:")).unlink()
    with pytest.raises(UnusableError):
        locked_image(layout, "edge/os", image.manifest)
