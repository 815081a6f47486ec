"""Where a name stands in a file of the source."""

from __future__ import annotations

from pathlib import Path

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
