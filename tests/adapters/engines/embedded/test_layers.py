from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.adapters.engines.embedded.base_files import laid_over
from matrixbuild.adapters.engines.embedded.layers import changes, write_layer
from matrixbuild.adapters.engines.embedded.trees import EMPTY, Bytes, Directory, File, Meta, Node, Special, Symlink, drop, find, put
from matrixbuild.core.images import OCI_LAYER_GZIP
from tests.adapters.engines.embedded.recipes import shown


def file(text: str = "", mode: int = 0o644, uid: int = 0, gid: int = 0) -> File:
    return File(meta=Meta(mode=mode, uid=uid, gid=gid), content=Bytes(text.encode()))


def directory(mode: int = 0o755) -> Directory:
    return Directory(meta=Meta(mode=mode), entries={})


def link(target: str) -> Symlink:
    return Symlink(meta=Meta(mode=0o777), target=target)


def tree(**nodes: Node) -> Directory:
    """`tree(a=file(), a__b=...)`: two underscores are a slash."""
    found = EMPTY
    for path, node in nodes.items():
        found = put(found, path.replace("__", "/"), node)
    return found


def members(path: Path) -> list[tarfile.TarInfo]:
    with tarfile.open(path) as tar:
        return tar.getmembers()


def test_a_layer_says_what_is_new_sorted_with_fixed_times_and_no_names(tmp_path: Path) -> None:
    after = tree(z=file("Z"), b=directory(mode=0o700), b__y=file("Y", uid=7, gid=8), b__a=link("../z"), a=file("A", mode=0o4755))
    layer = write_layer(EMPTY, after, tmp_path / "layer")
    found = members(layer.file)
    assert [(member.name, oct(member.mode), member.uid, member.gid, member.linkname) for member in found] == [
        ("a", "0o4755", 0, 0, ""),
        ("b", "0o700", 0, 0, ""),
        ("b/a", "0o777", 0, 0, "../z"),
        ("b/y", "0o644", 7, 8, ""),
        ("z", "0o644", 0, 0, ""),
    ]
    assert {(member.mtime, member.uname, member.gname) for member in found} == {(1587038400, "", "")}


def test_what_is_stored_is_described(tmp_path: Path) -> None:
    layer = write_layer(EMPTY, tree(a=file("A" * 5000)), tmp_path / "layer")
    data = layer.file.read_bytes()
    assert (layer.descriptor.media_type, layer.descriptor.size) == (OCI_LAYER_GZIP, len(data))
    assert layer.descriptor.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
    plain = gzip.decompress(data)
    assert layer.diff_id == f"sha256:{hashlib.sha256(plain).hexdigest()}"
    assert data[:10] == bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF))
    assert plain[-1024:] == bytes(1024)


def test_the_same_trees_give_the_same_bytes_anywhere_and_any_time(tmp_path: Path) -> None:
    """The digest is written down: it changes only with the format, and then every image does."""
    digests = set()
    umask, zone = os.umask(0o22), os.environ.get("TZ")
    try:
        for number, (mask, place) in enumerate(((0o22, "UTC"), (0o77, "Pacific/Chatham"))):
            os.umask(mask)
            os.environ["TZ"] = place
            time.tzset()
            (tmp_path / str(number)).mkdir()
            layer = write_layer(EMPTY, tree(d=directory(), d__f=file("x"), l=link("d/f")), tmp_path / str(number) / "layer")
            digests.add(layer.diff_id)
    finally:
        os.umask(umask)
        os.environ.pop("TZ") if zone is None else os.environ.update(TZ=zone)
        time.tzset()
    assert digests == {"sha256:b64481066d0fc5334047865e61843b0dc76555a802fc03f940d330f8f4dabf89"}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (tree(a=file("1")), tree(a=file("1")), []),
        (tree(a=file("1")), tree(a=file("2")), ["a"]),
        (tree(a=file("1")), tree(a=file("1", mode=0o755)), ["a"]),
        (tree(a=file("1")), EMPTY, ["-a"]),
        (tree(d=directory(), d__x=file(), d__y=file()), tree(d=directory(), d__y=file()), ["-d/x"]),
        (tree(d=directory(), d__x=file()), tree(d=file()), ["d"]),
        (tree(d=file()), tree(d=directory(), d__x=file()), ["d", "d/x"]),
        (tree(d=link("x")), tree(d=directory()), ["d"]),
        (tree(d=directory(), d__x=file()), tree(d=directory(mode=0o700), d__x=file()), ["d"]),
        (tree(d=directory(), d__x=file()), tree(d=directory(), d__x=file(), d__y=file()), ["d/y"]),
    ],
)
def test_a_layer_is_the_difference(before: Directory, after: Directory, expected: list[str]) -> None:
    assert [change.path if change.node is not None else f"-{change.path}" for change in changes(before, after)] == expected


def test_what_went_away_is_a_whiteout(tmp_path: Path) -> None:
    before = tree(a=file(), d=directory(), d__x=file())
    found = members(write_layer(before, tree(d=directory()), tmp_path / "layer").file)
    assert [member.name for member in found] == [".wh.a", "d/.wh.x"]


def test_pax_records_are_written_only_where_needed(tmp_path: Path) -> None:
    long = "n" * 120
    data = tree(short=file(), **{long: file(), "ü": file(), "xattr": File(meta=Meta(mode=0o644, xattrs=(("user.a", "b"),)), content=Bytes(b""))})
    layer = write_layer(EMPTY, data, tmp_path / "layer")
    with tarfile.open(layer.file) as tar:
        found = {member.name: member.pax_headers for member in tar}
    assert found == {"short": {}, long: {"path": long}, "ü": {"path": "ü"}, "xattr": {"SCHILY.xattr.user.a": "b"}}


NAMES = st.sampled_from(["a", "b", "d", "d/e", "d/e/f", "x y", "ü", "d/.hidden"])
NODES = st.one_of(
    st.builds(file, st.text(max_size=3), mode=st.sampled_from([0o644, 0o755, 0o4755]), uid=st.integers(0, 3_000_000)),
    st.builds(link, st.sampled_from(["a", "../b", "/d"])),
    st.builds(directory, mode=st.sampled_from([0o755, 0o1777])),
    st.just(Special(meta=Meta(mode=0o600), type=tarfile.CHRTYPE, major=1, minor=3)),
)


@st.composite
def trees(draw: st.DrawFn) -> Directory:
    found = EMPTY
    for path in sorted(draw(st.sets(NAMES))):
        parent = path.rpartition("/")[0]
        if not parent or isinstance(find(found, parent), Directory):
            found = put(found, path, draw(NODES))
    return found


@given(before=trees(), after=trees())
def test_a_layer_on_top_of_what_was_gives_what_is(tmp_path_factory: pytest.TempPathFactory, before: Directory, after: Directory) -> None:
    folder = tmp_path_factory.mktemp("law")
    layer = write_layer(before, after, folder / "layer")
    (folder / "tar").write_bytes(gzip.decompress(layer.file.read_bytes()))
    assert shown(laid_over(before, folder / "tar")) == shown(after)


@given(trees())
def test_dropping_all_leaves_nothing(found: Directory) -> None:
    for name in list(found.entries):
        found = drop(found, name)
    assert found == EMPTY


def raw_layer(folder: Path, *given: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]) -> Path:
    path = folder / "raw.tar"
    with tarfile.open(path, "w") as tar:
        for each in given:
            info, data = each if isinstance(each, tuple) else (each, b"")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def info(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, link, 0o755 if kind == tarfile.DIRTYPE else 0o644
    return made


def test_a_foreign_layer_is_read_with_all_that_it_may_hold(tmp_path: Path) -> None:
    below = tree(etc=directory(), etc__old=file("old"), opt=directory(), opt__gone=file(), lib=link("usr/lib"), usr=directory(), usr__lib=directory())
    path = raw_layer(
        tmp_path,
        info("./", tarfile.DIRTYPE),
        (info("./etc/new"), b"new"),
        info("etc/hard", tarfile.LNKTYPE, "etc/new"),
        info("etc/.wh.old"),
        info("opt/.wh..wh..opq"),
        (info("opt/kept"), b"kept"),
        (info("lib/x.so"), b"so"),
        (info("no/parent/f"), b"f"),
        info("dev/null", tarfile.CHRTYPE),
    )
    assert shown(laid_over(below, path)) == {
        "/dev": "dir 0755 0:0",
        "/dev/null": "special 3 0644 0:0 0:0",
        "/etc": "dir 0755 0:0",
        "/etc/hard": "file 0644 0:0 new",
        "/etc/new": "file 0644 0:0 new",
        "/lib": "link 0:0 usr/lib",
        "/no": "dir 0755 0:0",
        "/no/parent": "dir 0755 0:0",
        "/no/parent/f": "file 0644 0:0 f",
        "/opt": "dir 0755 0:0",
        "/opt/kept": "file 0644 0:0 kept",
        "/usr": "dir 0755 0:0",
        "/usr/lib": "dir 0755 0:0",
        "/usr/lib/x.so": "file 0644 0:0 so",
    }
