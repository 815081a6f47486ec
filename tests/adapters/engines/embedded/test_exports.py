from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from matrixbuild.adapters.engines.embedded.exports import ExportError, described, kept, matches, save_local, to_save, write
from matrixbuild.adapters.engines.embedded.trees import EMPTY, Bytes, Directory, File, Meta, Node, Special, Symlink, put
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.recipe import SavedLocal, Scratch
from tests.adapters.engines.embedded.recipes import PLACE
from tests.adapters.engines.embedded.recipes import shown as shown_tree


def tree() -> Directory:
    found = EMPTY
    for path in ("d", "d/sub", "empty"):
        found = put(found, path, Directory(meta=Meta(), entries={}))
    for path, data, mode in (("d/a.txt", b"a", 0o644), ("d/b.txt", b"b", 0o600), ("d/sub/e.txt", b"e", 0o755), ("f.txt", b"F", 0o4755)):
        found = put(found, path, File(meta=Meta(mode=mode), content=Bytes(data)))
    found = put(found, "l", Symlink(meta=Meta(mode=0o777), target="d"))
    return put(found, "null", Special(meta=Meta(mode=0o666), type=b"3"))


def shown(folder: Path) -> dict[str, str]:
    """Path -> mode and contents, or the link's target."""
    out = {}
    for path in sorted(folder.rglob("*")):
        mode = oct(stat.S_IMODE(path.lstat().st_mode))
        text = f"-> {path.readlink()}" if path.is_symlink() else mode if path.is_dir() else f"{mode} {path.read_text()}"
        out[str(path.relative_to(folder))] = text
    return out


def save(wanted: SavedLocal, folder: Path) -> None:
    save_local(to_save(tree(), wanted), wanted, folder)


def saved(pattern: str, dest: str, *, if_exists: bool = False, directory: str = "") -> SavedLocal:
    return SavedLocal(tree=Scratch(), pattern=pattern, directory=directory, dest=dest, if_exists=if_exists, place=PLACE)


@pytest.mark.parametrize(
    ("pattern", "dest", "expected"),
    [
        ("/f.txt", "out/one.txt", ["out", "out/one.txt"]),
        ("/f.txt", "out/", ["out", "out/f.txt"]),
        ("/f.txt", ".", ["f.txt"]),
        ("/d", "out/x", ["out", "out/x", "out/x/a.txt", "out/x/b.txt", "out/x/sub", "out/x/sub/e.txt"]),
        ("/d", "out/", ["out", "out/d", "out/d/a.txt", "out/d/b.txt", "out/d/sub", "out/d/sub/e.txt"]),
        ("/d/*", "out/", ["out", "out/a.txt", "out/b.txt", "out/sub", "out/sub/e.txt"]),
        ("/d/*.txt", "out/", ["out", "out/a.txt", "out/b.txt"]),
        ("/l/a.txt", "x", ["x"]),
    ],
)
def test_where_local_files_go(tmp_path: Path, pattern: str, dest: str, expected: list[str]) -> None:
    save(saved(pattern, dest), tmp_path)
    assert list(shown(tmp_path)) == expected


def test_local_files_go_below_the_earthfiles_directory(tmp_path: Path) -> None:
    save(saved("/f.txt", "x", directory="sub"), tmp_path)
    assert list(shown(tmp_path)) == ["sub", "sub/x"]


def test_what_was_there_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "d" / "old").mkdir(parents=True)
    (tmp_path / "f").write_text("old")
    save(saved("/d", "d"), tmp_path)
    save(saved("/f.txt", "f"), tmp_path)
    assert list(shown(tmp_path)) == ["d", "d/a.txt", "d/b.txt", "d/sub", "d/sub/e.txt", "f"]
    assert (tmp_path / "f").read_text() == "F"


def test_what_is_kept_is_what_it_was(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    found = kept(tree(), tmp_path / "kept")
    assert described_node(found) == described_node(tree())
    assert len(list((tmp_path / "kept").iterdir())) == 4


def described_node(node: Node) -> dict[str, str]:
    assert isinstance(node, Directory)
    return shown_tree(node)


def test_a_destination_through_a_directory_and_back_makes_none(tmp_path: Path) -> None:
    save(saved("/f.txt", "no/../f"), tmp_path)
    save(saved("/f.txt", "./no/.././g/"), tmp_path)
    assert sorted(shown(tmp_path)) == ["f", "g", "g/f.txt"]


def test_an_optional_path_may_be_missing(tmp_path: Path) -> None:
    save(saved("/nope", "x", if_exists=True), tmp_path)
    save(saved("/nope/*", "x", if_exists=True), tmp_path)
    assert shown(tmp_path) == {}


@pytest.mark.parametrize(
    ("pattern", "dest", "message"),
    [
        ("/nope", "x", "/nope cannot be saved, since it does not exist"),
        ("/d/*", "x", "the pattern /d/* is saved to x, which is no directory"),
        ("/d", "file", "the directory /d cannot replace the file file"),
        ("/f.txt", "file/", "/f.txt cannot be saved to file/: a file stands where a directory is needed"),
        ("/null", "x", "x is a device or a pipe"),
        ("/f.txt", "folder", "the file /f.txt cannot replace the directory folder"),
        ("/f.txt", "out/ü", "Earthly cannot save to out/ü, which is not ASCII"),
    ],
)
def test_what_cannot_be_saved_is_told(tmp_path: Path, pattern: str, dest: str, message: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises((ExportError, EarthfileError)) as caught:
        save(saved(pattern, dest), tmp_path)
    assert str(caught.value).removeprefix("Earthfile:7:3: ") == message
    assert list(shown(tmp_path)) == ["file", "folder"]


def test_a_directory_that_may_not_be_written_is_replaced_too(tmp_path: Path) -> None:
    closed = put(EMPTY, "x", Directory(meta=Meta(mode=0o555), entries={"f": File(meta=Meta(mode=0o444), content=Bytes(b"1"))}))
    for _ in range(2):
        write(closed.entries["x"], tmp_path / "x")
    assert shown(tmp_path) == {"x": "0o555", "x/f": "0o444 1"}
    write(tree().entries["l"], tmp_path / "x")
    assert shown(tmp_path) == {"x": "-> d"}


def test_modes_are_the_nodes_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o77)
    try:
        write(tree().entries["d"], tmp_path / "deep" / "d")
        write(tree().entries["f.txt"], tmp_path / "f")
    finally:
        os.umask(before)
    found = shown(tmp_path)
    del found["deep"]
    assert found == {
        "deep/d": "0o755",
        "deep/d/a.txt": "0o644 a",
        "deep/d/b.txt": "0o600 b",
        "deep/d/sub": "0o755",
        "deep/d/sub/e.txt": "0o755 e",
        "f": "0o4755 F",
    }


def test_what_was_written_is_described_by_file(tmp_path: Path) -> None:
    write(tree().entries["d"], tmp_path / "d")
    names = [(name, size) for name, _, size in described(tmp_path / "d", "out/d")]
    assert names == [("out/d/a.txt", 1), ("out/d/b.txt", 1), ("out/d/sub/e.txt", 1)]
    (alone,) = described(tmp_path / "d" / "a.txt", "a.txt")
    assert alone == ("a.txt", "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb", 1)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("/d/*.txt", ["d/a.txt", "d/b.txt"]),
        ("d/a.txt", ["d/a.txt"]),
        ("/l/*.txt", ["d/a.txt", "d/b.txt"]),
        ("/no/*", []),
        ("/no", []),
        ("/e*", ["empty"]),
    ],
)
def test_what_a_pattern_means(pattern: str, expected: list[str]) -> None:
    assert [path for path, _ in matches(tree(), pattern)] == expected


