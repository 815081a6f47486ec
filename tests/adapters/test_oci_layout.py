from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrixbuild.adapters.image_moves import copy_manifest, holds_image
from matrixbuild.adapters.oci_layout import OciLayout
from matrixbuild.core.images import DOCKER_MANIFEST
from matrixbuild.core.layout_index import REF_NAME
from matrixbuild.core.names import sha256
from matrixbuild.core.problems import UnusableError
from matrixbuild.core.registry import StoredManifest
from tests.sample_images import SampleImage, push, sample_image, sample_index
from tests.services import require

NOT_AN_INDEX = "index.json is not an OCI image index:"
IMAGE, OTHER = sample_image("one"), sample_image("two")


def named(directory: Path) -> list[tuple[str, str]]:
    """(ref.name, digest) of each entry of index.json, in its order."""
    entries = json.loads((directory / "index.json").read_bytes())["manifests"]
    return [(entry.get("annotations", {}).get(REF_NAME, ""), entry["digest"]) for entry in entries]


def files(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_reading_makes_nothing(tmp_path: Path) -> None:
    layout = OciLayout(tmp_path / "out" / "registry")
    assert layout.tags("edge/a") == ()
    assert layout.manifest("edge/a", "v1") is None
    assert not (tmp_path / "out").exists()


def test_it_is_a_standard_layout(tmp_path: Path) -> None:
    directory = tmp_path / "out" / "registry"
    push(OciLayout(directory), "edge/a", IMAGE, "v1")
    assert json.loads((directory / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    entry = json.loads((directory / "index.json").read_bytes())["manifests"]
    descriptor = {"mediaType": IMAGE.manifest.media_type, "digest": IMAGE.manifest.digest, "size": len(IMAGE.manifest.data)}
    assert entry == [{**descriptor, "annotations": {"org.opencontainers.image.ref.name": "edge/a:v1"}}]
    digests = [IMAGE.manifest.digest, IMAGE.config.digest, IMAGE.layer.digest]
    blobs = {f"blobs/sha256/{digest.removeprefix('sha256:')}" for digest in digests}
    assert set(files(directory)) == {"oci-layout", "index.json", "index.json.lock", *blobs}


def test_a_child_needs_no_entry_and_a_lone_manifest_has_one_without_a_name(tmp_path: Path) -> None:
    layout, index = OciLayout(tmp_path), sample_index(IMAGE)
    push(layout, "edge/a", IMAGE)
    assert named(tmp_path) == [("", IMAGE.manifest.digest)]
    layout.put_manifest("edge/a", index.digest, index)
    assert named(tmp_path) == [("", index.digest)]
    layout.put_manifest("edge/a", "v1", index)
    layout.put_manifest("edge/a", IMAGE.manifest.digest, IMAGE.manifest)
    assert named(tmp_path) == [("edge/a:v1", index.digest)]


@settings(max_examples=40, deadline=None)
@given(order=st.permutations(range(6)), data=st.data())
def test_the_same_contents_are_the_same_bytes_whatever_the_order(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], data: st.DataObject
) -> None:
    index = sample_index(IMAGE, OTHER)
    puts: list[tuple[str, StoredManifest]] = [
        ("v1", index),
        (IMAGE.manifest.digest, IMAGE.manifest),
        (OTHER.manifest.digest, OTHER.manifest),
        ("v2", IMAGE.manifest),
        ("v3", IMAGE.manifest),
        (index.digest, index),
    ]
    chosen = data.draw(st.sets(st.sampled_from(range(6)), min_size=1))
    written = []
    for sequence in (order, sorted(order)):
        directory = tmp_path_factory.mktemp("layout")
        layout = OciLayout(directory)
        for image in (IMAGE, OTHER):
            for descriptor, blob in image.blobs:
                layout.put_blob("edge/a", blob, descriptor)
        for position in sequence:
            if position in chosen:
                layout.put_manifest("edge/a", *puts[position])
        written.append(files(directory))
    assert written[0] == written[1]


def test_the_umask_and_the_time_do_not_matter(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        push(OciLayout(tmp_path / "one"), "edge/a", IMAGE, "v1")
    finally:
        os.umask(before)
    push(OciLayout(tmp_path / "two"), "edge/a", IMAGE, "v1")
    assert files(tmp_path / "one") == files(tmp_path / "two")


WRITER = """
import sys
from pathlib import Path
from matrixbuild.adapters.oci_layout import OciLayout
from tests.sample_images import push, sample_image
for number in range(20):
    push(OciLayout(Path(sys.argv[1])), f"edge/{sys.argv[2]}", sample_image(f"{number}"), f"v{number}")
"""


def test_processes_lose_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "registry"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(directory), name]) for name in ("a", "b", "c", "d")]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0, 0]
    layout = OciLayout(directory)
    for name in ("a", "b", "c", "d"):
        assert {tag: layout.digest(f"edge/{name}", tag) for tag in layout.tags(f"edge/{name}")} == {
            f"v{number}": sample_image(f"{number}").manifest.digest for number in range(20)
        }
    assert not list(directory.glob(".tmp-*"))


def test_another_process_is_seen(tmp_path: Path) -> None:
    mine, other = OciLayout(tmp_path), OciLayout(tmp_path)
    push(mine, "edge/a", IMAGE, "v1")
    push(other, "edge/a", OTHER, "v1")
    push(other, "edge/b", OTHER, "v2")
    assert mine.digest("edge/a", "v1") == OTHER.manifest.digest
    assert mine.tags("edge/b") == ("v2",)


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    push(OciLayout(tmp_path), "edge/a", IMAGE, "v1")
    old, young, foreign = (tmp_path / name for name in (f".tmp-{'0' * 32}", f".tmp-{'1' * 32}", ".tmp-mine"))
    for path in (old, young, foreign):
        path.write_bytes(b"half")
    for path in (old, foreign):
        os.utime(path, (time.time() - 4000, time.time() - 4000))
    push(OciLayout(tmp_path), "edge/a", OTHER, "v2")
    assert [path.exists() for path in (old, young, foreign)] == [False, True, True]


def test_a_corrupted_blob_is_named_and_mended(tmp_path: Path) -> None:
    push(OciLayout(tmp_path), "edge/a", IMAGE, "v1")
    path = tmp_path / "blobs/sha256" / IMAGE.layer.digest.removeprefix("sha256:")
    path.write_bytes(b"x" * IMAGE.layer.size)
    with pytest.raises(UnusableError) as caught:
        OciLayout(tmp_path).blob("edge/a", IMAGE.layer.digest)
    assert str(caught.value) == f"the blob {path} has the digest {sha256(b'x' * IMAGE.layer.size)}, not {IMAGE.layer.digest}"
    push(OciLayout(tmp_path), "edge/a", IMAGE, "v1")
    assert OciLayout(tmp_path).blob("edge/a", IMAGE.layer.digest) == IMAGE.blobs[1][1]


def test_a_blob_of_the_right_size_with_other_bytes_is_not_there_until_it_is_put_again(tmp_path: Path) -> None:
    layout, whole = OciLayout(tmp_path), IMAGE.blobs[1][1]
    push(layout, "edge/a", IMAGE, "v1")
    path = tmp_path / "blobs/sha256" / IMAGE.layer.digest.removeprefix("sha256:")
    size = IMAGE.layer.size
    assert layout.has_blob("edge/a", IMAGE.layer.digest, size=size)
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    for each in (layout, OciLayout(tmp_path)):
        assert not each.has_blob("edge/a", IMAGE.layer.digest, size=size)
        assert not each.mount_blob("edge/b", IMAGE.layer.digest, source="edge/a")
        assert not holds_image(each, "edge/a", IMAGE.manifest.digest)
    with pytest.raises(UnusableError) as caught:
        copy_manifest(layout, source="edge/a", target="edge/b", digest=IMAGE.manifest.digest, reference="v1")
    assert str(caught.value) == f"the blob {path} has the digest {sha256(path.read_bytes())}, not {IMAGE.layer.digest}"
    assert layout.manifest("edge/b", "v1") is None
    push(layout, "edge/a", IMAGE, "v1")
    assert path.read_bytes() == whole
    assert holds_image(layout, "edge/a", IMAGE.manifest.digest)


def test_a_corrupted_manifest_is_named(tmp_path: Path) -> None:
    layout = OciLayout(tmp_path)
    push(layout, "edge/a", IMAGE, "v1")
    path = tmp_path / "blobs/sha256" / IMAGE.manifest.digest.removeprefix("sha256:")
    path.write_bytes(b"{}")
    for reference in ("v1", IMAGE.manifest.digest):
        with pytest.raises(UnusableError) as caught:
            layout.manifest("edge/a", reference)
        assert str(caught.value) == f"the blob {path} has the digest {sha256(b'{}')}, not {IMAGE.manifest.digest}"
        assert caught.value.problems[0].hint == "remove that file and apply again: what the layout then lacks is built anew"


def test_a_directory_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    layout = OciLayout(tmp_path)
    for call in (lambda: layout.tags("a"), lambda: push(layout, "a", IMAGE, "v1"), lambda: layout.has_blob("a", IMAGE.layer.digest)):
        with pytest.raises(UnusableError) as caught:
            call()
        assert str(caught.value) == f"{tmp_path} is not an OCI image layout: it has no oci-layout file, but holds 'notes.txt'"
        assert caught.value.problems[0].hint == "name a directory that is an OCI image layout, or a new one"
    assert files(tmp_path) == {"notes.txt": b"mine"}


def test_an_empty_directory_becomes_a_layout(tmp_path: Path) -> None:
    push(OciLayout(tmp_path), "a", IMAGE, "v1")
    assert OciLayout(tmp_path).tags("a") == ("v1",)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("oci-layout", b"", "oci-layout is not JSON: Expecting value: line 1 column 1 (char 0)"),
        ("oci-layout", b"[]", "oci-layout has the imageLayoutVersion None, not '1.0.0'"),
        ("oci-layout", b'{"imageLayoutVersion": "2.0.0"}', "oci-layout has the imageLayoutVersion '2.0.0', not '1.0.0'"),
        ("index.json", b"", f"{NOT_AN_INDEX} it is not JSON: Expecting value: line 1 column 1 (char 0)"),
        ("index.json", b"[]", f"{NOT_AN_INDEX} it is not an object with a list 'manifests'"),
        ("index.json", b'{"manifests": [{}]}', f"{NOT_AN_INDEX} {{}} is not a descriptor with mediaType, a sha256 digest and size"),
    ],
)
def test_a_broken_layout_is_told(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    push(OciLayout(tmp_path), "edge/a", IMAGE, "v1")
    (tmp_path / name).write_bytes(content)
    for call in (lambda: OciLayout(tmp_path).manifest("edge/a", "v1"), lambda: push(OciLayout(tmp_path), "edge/a", OTHER, "v2")):
        with pytest.raises(UnusableError) as caught:
            call()
        assert str(caught.value) == f"{tmp_path}/{message}"
    assert (tmp_path / name).read_bytes() == content


def test_a_file_in_the_place_of_the_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnusableError) as caught:
        OciLayout(tmp_path / "file").tags("a")
    assert str(caught.value) == f"oci-layout:{tmp_path}/file cannot be used: {tmp_path}/file/oci-layout: Not a directory"


def test_a_digest_is_never_a_path(tmp_path: Path) -> None:
    push(OciLayout(tmp_path / "layout"), "a", IMAGE, "v1")
    (tmp_path / "secret").write_text("mine")
    with pytest.raises(UnusableError) as caught:
        OciLayout(tmp_path / "layout").blob("a", "sha256:../../../secret")
    assert str(caught.value) == f"oci-layout:{tmp_path}/layout holds sha256 digests only, not 'sha256:../../../secret'"


def test_a_manifest_that_contradicts_its_media_type_is_refused(tmp_path: Path) -> None:
    layout = OciLayout(tmp_path)
    push(layout, "a", IMAGE)
    with pytest.raises(UnusableError) as caught:
        layout.put_manifest("a", "v1", StoredManifest(media_type=DOCKER_MANIFEST, data=IMAGE.manifest.data))
    assert str(caught.value) == f"a:v1 is put as {DOCKER_MANIFEST}, but its own media type is {IMAGE.manifest.media_type}"


def foreign_layout(directory: Path, *images: tuple[str, SampleImage]) -> None:
    """A layout as another tool leaves it: entries named by a tag alone, fields of its own."""
    push(OciLayout(directory), "temporary", images[0][1], "temporary")
    entries = []
    for name, image in images:
        for blob, data in image.blobs:
            OciLayout(directory).put_blob("", data, blob)
        OciLayout(directory).put_blob("", image.manifest.data, image.manifest.descriptor)
        found = image.manifest.descriptor
        annotations = {"org.opencontainers.image.ref.name": name, "io.containerd.image.name": f"example.com/it:{name}"}
        descriptor = {"mediaType": found.media_type, "digest": found.digest, "size": found.size}
        entries.append({**descriptor, "annotations": annotations, "platform": {"os": "linux"}})
    (directory / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries, "annotations": {"by": "another"}}))


def test_a_tag_without_a_repository_is_read_in_every_repository(tmp_path: Path) -> None:
    foreign_layout(tmp_path, ("22.04", IMAGE))
    layout = OciLayout(tmp_path)
    assert layout.manifest("any/name", "22.04") == IMAGE.manifest
    assert layout.tags("any/name") == ("22.04",)
    push(layout, "edge/a", OTHER, "22.04")
    assert layout.digest("edge/a", "22.04") == OTHER.manifest.digest
    assert layout.digest("any/name", "22.04") == IMAGE.manifest.digest


def test_what_others_wrote_in_the_index_is_kept(tmp_path: Path) -> None:
    foreign_layout(tmp_path, ("22.04", IMAGE))
    before = json.loads((tmp_path / "index.json").read_bytes())
    push(OciLayout(tmp_path), "edge/a", OTHER, "v1")
    after = json.loads((tmp_path / "index.json").read_bytes())
    assert after["annotations"] == {"by": "another"}
    assert before["manifests"][0] in after["manifests"]


def test_one_name_for_two_images_is_told(tmp_path: Path) -> None:
    foreign_layout(tmp_path, ("v1", IMAGE), ("v1", OTHER))
    with pytest.raises(UnusableError) as caught:
        OciLayout(tmp_path).manifest("a", "v1")
    assert str(caught.value) == f"{tmp_path}/index.json is not an OCI image index: it names 'v1' 2 times, with different digests"


def test_skopeo_reads_it(tmp_path: Path) -> None:
    skopeo = require("skopeo")
    push(OciLayout(tmp_path / "layout"), "edge/ubuntu-22.04", IMAGE, "v1")
    push(OciLayout(tmp_path / "layout"), "edge/ubuntu-24.04", OTHER, "v1")
    source = f"oci:{tmp_path}/layout:edge/ubuntu-22.04:v1"
    raw = subprocess.run([skopeo, "inspect", "--raw", source], check=True, capture_output=True).stdout
    assert raw == IMAGE.manifest.data
    told = json.loads(subprocess.run([skopeo, "inspect", source], check=True, capture_output=True).stdout)
    assert told["Digest"] == IMAGE.manifest.digest
    subprocess.run([skopeo, "--insecure-policy", "copy", "--preserve-digests", source, f"dir:{tmp_path}/copy"], check=True, capture_output=True)
    assert (tmp_path / "copy/manifest.json").read_bytes() == IMAGE.manifest.data
    assert (tmp_path / "copy" / IMAGE.layer.digest.removeprefix("sha256:")).read_bytes() == IMAGE.blobs[1][1]


def test_it_reads_what_skopeo_writes(tmp_path: Path) -> None:
    skopeo = require("skopeo")
    push(OciLayout(tmp_path / "layout"), "edge/a", IMAGE, "v1")
    source = f"oci:{tmp_path}/layout:edge/a:v1"
    for name in ("edge/b:v2", "v3"):
        command = [skopeo, "--insecure-policy", "copy", "--preserve-digests", source, f"oci:{tmp_path}/theirs:{name}"]
        subprocess.run(command, check=True, capture_output=True)
    theirs = OciLayout(tmp_path / "theirs")
    assert theirs.manifest("edge/b", "v2") == theirs.manifest("edge/b", "v3") == IMAGE.manifest
    assert theirs.tags("edge/b") == ("v2", "v3")
    push(theirs, "edge/c", OTHER, "v4")
    command = [skopeo, "inspect", "--raw", f"oci:{tmp_path}/theirs:v3"]
    assert subprocess.run(command, check=True, capture_output=True).stdout == IMAGE.manifest.data
