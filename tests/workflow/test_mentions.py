"""Where a name stands in a file of the source."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from matrixbuild.adapters.fingerprints import Fingerprints
from matrixbuild.adapters.notes import Notes
from matrixbuild.adapters.source import Snapshot
from matrixbuild.core.earthfile.analysis import WHOLE_ENVIRONMENT
from matrixbuild.core.problems import Place
from matrixbuild.workflow.mentions import Mentions


def mentions(root: Path, data: bytes) -> Mentions:
    (root / "file").write_bytes(data)
    return Mentions(Snapshot(root))


def test_the_first_line_with_the_name_as_a_word_is_told(tmp_path: Path) -> None:
    found = mentions(tmp_path, b"NAMES\nMY_NAME\n  ${NAME} NAME\nNAME\n")
    assert found.place("file", "NAME") == Place(file="file", line=3, column=5, text="  ${NAME} NAME", width=4)


def test_the_line_that_hands_on_all_is_told(tmp_path: Path) -> None:
    found = mentions(tmp_path, b"#!/bin/sh\necho $HOME\nenv > /x\n")
    assert found.place("file", WHOLE_ENVIRONMENT) == Place(file="file", line=3, column=1, text="env > /x", width=1)


def test_what_is_no_text_is_shown_in_part(tmp_path: Path) -> None:
    found = mentions(tmp_path, b"\xff" * 300 + b" NAME " + b"\xff" * 300)
    place = found.place("file", "NAME")
    assert (place.line, place.column, len(place.text)) == (1, 302, 200)


def test_every_name_that_is_found_has_a_place(tmp_path: Path) -> None:
    found = mentions(tmp_path, b"a B\r\nc_D $E-F\n")
    for name in found.of(["file"], frozenset({"B", "E", "F", "D"}))["file"]:
        assert name in found.place("file", name).text


def archive(names: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, data in names.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return made.getvalue()


def zipped(names: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as found:
        for name, data in names.items():
            found.writestr(name, data)
    return made.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "a tar, by gzip": lambda data: gzip.compress(archive({"a/run.sh": data})),
    "a tar, by bzip2": lambda data: bz2.compress(archive({"run.sh": data})),
    "a tar, by xz": lambda data: lzma.compress(archive({"run.sh": data})),
    "a zip": lambda data: zipped({"run.sh": data}),
}
SCRIPT = b"echo $NAME\n" * 50


@pytest.mark.parametrize("pack", PACKERS.values(), ids=list(PACKERS))
@pytest.mark.parametrize("before", [b"", random.Random(1).randbytes(3 << 19)], ids=["small", "large"])
def test_what_is_packed_is_looked_through(pack: Callable[[bytes], bytes], before: bytes, tmp_path: Path) -> None:
    """A command may unpack it and run what is in it."""
    data = pack(before + b"\n" + SCRIPT)
    assert b"NAME" not in data
    assert mentions(tmp_path, data).of(["file"], frozenset({"NAME", "OTHER"})) == {"file": {"NAME"}}


@pytest.mark.parametrize("pack", [archive, zipped, lambda names: gzip.compress(archive(names)), lambda names: gzip.compress(names["run.sh"])])
def test_a_packed_script_may_hand_on_all_it_has(pack: Callable[[Mapping[str, bytes]], bytes], tmp_path: Path) -> None:
    assert mentions(tmp_path, pack({"x": b"\0 env \0", "run.sh": b"env | sort\n"})).of(["file"], frozenset({"A"})) == {"file": {WHOLE_ENVIRONMENT}}
    assert mentions(tmp_path, pack({"x": b"\0 env \0", "run.sh": b"set -e\n"})).of(["file"], frozenset({"A"})) == {}


@pytest.mark.parametrize("pack", PACKERS.values(), ids=list(PACKERS))
def test_what_cannot_be_unpacked_is_what_it_is(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    data = pack(SCRIPT)
    assert mentions(tmp_path, data[: len(data) // 2] + b" OTHER ").of(["file"], frozenset({"OTHER"})) == {"file": {"OTHER"}}


LARGE = b"\0" * (1 << 20) + b" NAME OTHERS "


class Counted(Snapshot):
    """Counts how often a file is opened."""

    opened = 0

    def open(self, path: str) -> bytes:
        self.opened += 1
        return super().open(path)


def counted(root: Path) -> Counted:
    return Counted(root, known=Fingerprints(root))


def test_a_large_file_is_looked_through_once_a_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(LARGE)
    source = counted(tmp_path)
    found = Mentions(source)
    for names in ({"NAME", "OTHER"}, {"NAME"}, {"OTHER", "OTHERS"}, {"OTHERS"}):
        assert found.of(("file",), frozenset(names)).get("file", frozenset()) == names & {"NAME", "OTHERS"}
    assert source.opened == 2


def test_what_an_earlier_process_found_in_a_large_file_is_believed_until_the_file_changes(tmp_path: Path) -> None:
    root = tmp_path / "src"
    root.mkdir()
    (root / "file").write_bytes(LARGE)
    names = frozenset({"NAME", "OTHER"})
    notes = Notes(tmp_path)
    Mentions(counted(root), notes=notes).of(("file",), names)
    notes.save()
    source = counted(root)
    assert Mentions(source, notes=Notes(tmp_path)).of(("file",), names) == {"file": {"NAME"}}
    assert source.opened == 0
    assert Mentions(source, notes=Notes(tmp_path)).of(("file",), names | {"OTHERS"}) == {"file": {"NAME", "OTHERS"}}
    (root / "file").write_bytes(LARGE + b" OTHER ")
    assert Mentions(counted(root), notes=Notes(tmp_path)).of(("file",), names) == {"file": names}
