from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.image_parts import NotAManifestError
from matrixbuild.core.images import OCI_INDEX, OCI_MANIFEST
from matrixbuild.core.layout_index import LayoutIndex, find, pruned, read_index, rendered, tags_of, with_manifest
from matrixbuild.core.registry import Descriptor

A = Descriptor(media_type=OCI_MANIFEST, digest=f"sha256:{'a' * 64}", size=7)
B = Descriptor(media_type=OCI_MANIFEST, digest=f"sha256:{'b' * 64}", size=7)
INDEX = Descriptor(media_type=OCI_INDEX, digest=f"sha256:{'c' * 64}", size=7)


def below(manifest: Descriptor) -> tuple[str, ...]:
    """INDEX is over A; the others are over nothing."""
    return (A.digest,) if manifest == INDEX else ()


def put(*puts: tuple[str, Descriptor]) -> LayoutIndex:
    index = LayoutIndex()
    for name, manifest in puts:
        index = pruned(with_manifest(index, manifest, name), below)
    return index


def test_the_bytes() -> None:
    assert rendered(put(("edge/a:v2", B), ("edge/a:v1", A), ("", INDEX))).decode() == (
        '{"mediaType":"application/vnd.oci.image.index.v1+json",\n'
        '"schemaVersion":2,\n'
        '"manifests":[\n'
        f'{{"digest":"{INDEX.digest}","mediaType":"{OCI_INDEX}","size":7}},\n'
        f'{{"annotations":{{"org.opencontainers.image.ref.name":"edge/a:v1"}},"digest":"{A.digest}","mediaType":"{OCI_MANIFEST}","size":7}},\n'
        f'{{"annotations":{{"org.opencontainers.image.ref.name":"edge/a:v2"}},"digest":"{B.digest}","mediaType":"{OCI_MANIFEST}","size":7}}\n'
        "]}\n"
    )


def test_a_name_is_replaced_and_found() -> None:
    index = put(("edge/a:v1", A), ("edge/b:v1", A), ("edge/a:v1", B))
    assert find(index, "edge/a", "v1") == B
    assert find(index, "edge/b", "v1") == A
    assert find(index, "edge/b", "v2") is None
    assert tags_of(index, "edge/a") == ("v1",)


def test_a_nameless_entry_goes_once_another_keeps_the_manifest() -> None:
    assert put(("", A), ("edge/a:v1", A)) == put(("edge/a:v1", A))
    assert put(("", A), ("edge/a:v1", INDEX)) == put(("edge/a:v1", INDEX))
    assert put(("", A), ("", INDEX)) == put(("", INDEX))
    assert [entry.name for entry in put(("", B), ("edge/a:v1", INDEX)).entries] == ["edge/a:v1", ""]


@given(st.lists(st.tuples(st.sampled_from(["", "", "r:one", "r:two", "s:one"]), st.sampled_from([A, B, INDEX]))), st.randoms())
def test_the_order_of_puts_does_not_show(puts: list[tuple[str, Descriptor]], random: object) -> None:
    last = {name: manifest for name, manifest in puts if name}
    once = [*last.items(), *dict.fromkeys(item for item in puts if not item[0])]
    shuffled = list(once)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rendered(put(*shuffled)) == rendered(put(*once))


@given(st.lists(st.tuples(st.sampled_from(["", "r:one", "r:two", "plain"]), st.sampled_from([A, B, INDEX]))))
def test_what_is_written_is_read(puts: list[tuple[str, Descriptor]]) -> None:
    index = put(*puts)
    assert rendered(read_index(rendered(index))) == rendered(index)
    assert all(find(read_index(rendered(index)), "r", tag) == find(index, "r", tag) for tag in ("one", "two", "plain"))


def test_what_others_wrote_stays() -> None:
    theirs = {"mediaType": OCI_MANIFEST, "digest": A.digest, "size": 7, "platform": {"os": "linux"}, "annotations": {"x": "é"}}
    index = read_index(json.dumps({"schemaVersion": 2, "annotations": {"by": "them"}, "manifests": [theirs]}).encode())
    written = json.loads(rendered(with_manifest(index, B, "r:v1")))
    assert written["annotations"] == {"by": "them"}
    assert theirs in written["manifests"]
    assert "mediaType" not in written


def test_one_name_for_two_manifests_is_told() -> None:
    twice = LayoutIndex(entries=(*put(("r:v1", A)).entries, *put(("r:v1", B)).entries))
    with pytest.raises(ValueError, match=r"^it names 'r:v1' 2 times, with different digests$"):
        find(twice, "r", "v1")
    assert find(LayoutIndex(entries=put(("r:v1", A)).entries * 2), "r", "v1") == A


def test_a_name_that_is_not_text_is_told() -> None:
    entry = {"mediaType": OCI_MANIFEST, "digest": A.digest, "size": 7, "annotations": {"org.opencontainers.image.ref.name": 1}}
    with pytest.raises(NotAManifestError) as caught:
        read_index(json.dumps({"manifests": [entry]}).encode())
    assert str(caught.value) == f"the org.opencontainers.image.ref.name of {A.digest} is not text"
