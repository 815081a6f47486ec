from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.image_parts import NotAManifestError, Parts, descriptor, media_type_of, parts
from matrixbuild.core.images import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from matrixbuild.core.registry import Descriptor, StoredManifest

DIGESTS = [f"sha256:{digit * 64}" for digit in "abc"]


def entry(number: int, **more: object) -> dict[str, object]:
    return {"mediaType": f"type/{number}", "digest": DIGESTS[number], "size": number, **more}


def found(number: int) -> Descriptor:
    return Descriptor(media_type=f"type/{number}", digest=DIGESTS[number], size=number)


def parts_of(content: object) -> Parts:
    return parts(StoredManifest(media_type="", data=json.dumps(content).encode()))


def test_configuration_then_layers_each_once() -> None:
    assert parts_of({"config": entry(0), "layers": [entry(2), entry(1), entry(2)]}) == Parts(blobs=(found(0), found(2), found(1)))


def test_children_of_an_index() -> None:
    assert parts_of({"manifests": [entry(1, platform={}), entry(0)]}) == Parts(children=(found(1), found(0)))
    assert parts_of({"manifests": []}) == Parts()


def test_layers_that_are_elsewhere_are_not_needed() -> None:
    content = {"config": entry(0), "layers": [entry(1, urls=["https://example.com/x"]), entry(2, urls=[])]}
    assert parts_of(content) == Parts(blobs=(found(0), found(2)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "it is not a JSON object"),
        ({}, "it has neither 'manifests' nor 'config'"),
        ({"config": entry(0)}, "its 'layers' is not a list"),
        ({"manifests": {}}, "its 'manifests' is not a list"),
        ({"manifests": [{"digest": "x"}]}, '{"digest": "x"} is not a descriptor with mediaType, a sha256 digest and size'),
        ({"config": None, "layers": []}, "null is not a descriptor with mediaType, a sha256 digest and size"),
    ],
)
def test_what_is_no_manifest_is_told(content: object, message: str) -> None:
    with pytest.raises(NotAManifestError) as caught:
        parts_of(content)
    assert str(caught.value) == message


@pytest.mark.parametrize("change", [{"digest": "sha256:../../x"}, {"digest": "sha512:" + "a" * 64}, {"size": -1}, {"size": "1"}, {"mediaType": None}])
def test_a_descriptor_is_whole(change: dict[str, object]) -> None:
    with pytest.raises(NotAManifestError):
        descriptor({**entry(0), **change})


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"mediaType": DOCKER_LIST, "manifests": []}, DOCKER_LIST),
        ({"manifests": []}, OCI_INDEX),
        ({"mediaType": DOCKER_MANIFEST, "config": {}, "layers": []}, DOCKER_MANIFEST),
        ({"config": {}, "layers": []}, OCI_MANIFEST),
        ({"mediaType": OCI_MANIFEST}, None),
        ({"config": {}}, None),
        ([], None),
    ],
)
def test_the_media_type_is_declared_or_implied(content: object, expected: str | None) -> None:
    assert media_type_of(json.dumps(content).encode()) == expected


@given(st.one_of(st.binary(), st.recursive(st.none() | st.text() | st.integers(), st.lists).map(lambda value: json.dumps(value).encode())))
def test_any_bytes_are_a_manifest_or_told(data: bytes) -> None:
    # Bytes that are no manifest end with NotAManifestError and nothing else; those that are one have a media type.
    with contextlib.suppress(NotAManifestError):
        parts(StoredManifest(media_type="", data=data))
        assert media_type_of(data) is not None


def test_a_deep_one_is_told() -> None:
    with pytest.raises(NotAManifestError):
        parts(StoredManifest(media_type="", data=b"[" * 100_000))
