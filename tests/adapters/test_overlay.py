"""A source with layers over it is the directory that copying them over it would make; a secret's content is nobody's but a build's."""

from __future__ import annotations

import os
import posixpath
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.adapters.overlay import Layer, Overlay, SecretFile, check_secret_files, local_layer
from matrixbuild.adapters.source import Snapshot
from matrixbuild.core.listing import Entry, Kind
from matrixbuild.core.problems import InvalidError, Place, UnusableError

PLACE = Place(file="m.yaml", line=7, column=9)
SECRET = SecretFile(path="etc/token", name="EDGE_TEST_TOKEN", version="3", place=PLACE)


def tree(root: Path, files: Mapping[str, str]) -> Path:
    """`a`: text, `a/`: an empty directory, `->x` as text: a link to x, `+x` in front: may be executed."""
    root.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        elif text.startswith("->"):
            path.symlink_to(text.removeprefix("->"))
        else:
            path.write_text(text)
            path.chmod(0o755 if text.startswith("+x") else 0o644)
    return root


def layer(origin: Path, to: str = "") -> Layer:
    return local_layer(origin, named=origin.name, to=to, place=PLACE)


def shown(source: Overlay | Snapshot) -> dict[str, tuple[Entry, str, str | None]]:
    """All that a build can see."""
    return {path: (entry, source.fingerprint(path), source.text(path)) for path, entry in source.listing.entries.items()}


NAMES = st.sampled_from(["a", "b"])
CONTENTS = st.sampled_from(["1", "2", "+x", "->a", "->nowhere"])
TREES = st.dictionaries(NAMES, st.recursive(CONTENTS, lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=4), min_size=1, max_size=2)
LAYERS = st.lists(st.tuples(TREES, st.sampled_from(["", "a", "b/", "a/b", "a/b/c"])), min_size=1, max_size=3)


@given(TREES, LAYERS)
def test_an_overlay_is_the_directory_that_copying_makes(base: dict[str, object], layers: list[tuple[dict[str, object], str]]) -> None:
    """Files over files, files over directories and the other way, links, modes, in any order."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve()
        tree(root / "base", dict(flat(base)))
        origins = [(tree(root / f"layer{number}", dict(flat(found))), to) for number, (found, to) in enumerate(layers)]
        overlay = Overlay(Snapshot(root / "base"), [layer(origin, to) for origin, to in origins])
        shutil.copytree(root / "base", root / "copy", symlinks=True)
        for origin, to in origins:
            lay(origin, root / "copy", to)
        copy = Snapshot(root / "copy")
        assert shown(overlay) == shown(copy)
        files = [path for path, entry in copy.listing.entries.items() if entry.kind is Kind.FILE]
        assert {path: overlay.open(path) for path in files} == {path: copy.open(path) for path in files}


def flat(found: Mapping[str, object], below: str = "") -> Iterator[tuple[str, str]]:
    for name, value in found.items():
        path = posixpath.join(below, name)
        if isinstance(value, dict):
            yield f"{path}/", ""
            yield from flat(value, path)
        else:
            yield path, str(value)


def lay(origin: Path, root: Path, to: str) -> None:
    """Copy what is in a directory over what is below root/to."""
    for name in sorted(str(path.relative_to(origin)) for path in origin.rglob("*")):
        one, other = origin / name, root / to / name
        for parent in [*reversed(other.relative_to(root).parents)][1:]:
            room(root / parent, directory=True)
            (root / parent).mkdir(exist_ok=True)
        is_directory = one.is_dir() and not one.is_symlink()
        room(other, directory=is_directory)
        if is_directory:
            other.mkdir(exist_ok=True)
        else:
            shutil.copy2(one, other, follow_symlinks=False)


def room(path: Path, *, directory: bool) -> None:
    if path.is_dir() and not path.is_symlink():
        if not directory:
            shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class TestLayers:
    def test_the_last_one_is_on_top(self, tmp_path: Path) -> None:
        base = tree(tmp_path / "base", {"Earthfile": "0", "only": "0"})
        one, two = tree(tmp_path / "one", {"Earthfile": "1", "x": "1"}), tree(tmp_path / "two", {"x": "2"})
        overlay = Overlay(Snapshot(base), [layer(one), layer(two)])
        assert {path: overlay.text(path) for path in overlay.listing.entries} == {"Earthfile": "1", "only": "0", "x": "2"}
        assert overlay.root == base

    def test_a_directory_on_the_way_to_a_file_is_not_the_file_that_was_there(self, tmp_path: Path) -> None:
        base = tree(tmp_path / "base", {"x": "a file\n"})
        overlay = Overlay(Snapshot(base), [layer(tree(tmp_path / "one", {"f": "1"}), "x/y")])
        other = Snapshot(tree(tmp_path / "other", {"x/y/f": "1"}))
        assert (overlay.text("x"), shown(overlay)) == (None, shown(other))

    @pytest.mark.parametrize(("to", "path"), [("", "user-data"), ("etc/", "etc/user-data"), ("etc/data", "etc/data")])
    def test_a_file_goes_under_its_own_name_or_the_one_it_is_given(self, tmp_path: Path, to: str, path: str) -> None:
        origin = tree(tmp_path, {"user-data": "+x"}) / "user-data"
        assert dict(layer(origin, to).entries) == {path: Entry(kind=Kind.FILE, mode=0o755)}

    def test_a_file_that_another_takes_the_place_of_is_not_read(self, tmp_path: Path) -> None:
        one, two = layer(tree(tmp_path / "one", {"x": "1"})), layer(tree(tmp_path / "two", {"x": "2"}))
        overlay = Overlay(Snapshot(tree(tmp_path / "base", {})), [one, two])
        assert (overlay.text("x"), overlay.touched) == ("2", {id(two)})

    def test_who_reads_a_directory_that_was_there_has_read_nothing_of_a_layer(self, tmp_path: Path) -> None:
        one = layer(tree(tmp_path / "one", {"etc/x": "1"}))
        overlay = Overlay(Snapshot(tree(tmp_path / "base", {"etc/y": "0"})), [one])
        overlay.fingerprint("etc")
        overlay.text("etc/y")
        assert overlay.touched == set()
        overlay.fingerprint("etc/x")
        assert overlay.touched == {id(one)}

    def test_what_is_not_there_has_no_text(self, tmp_path: Path) -> None:
        base = tree(tmp_path / "base", {"x/y": "0"})
        overlay = Overlay(Snapshot(base), [layer(tree(tmp_path / "one", {"x": "1"}))])
        assert (list(overlay.listing.entries), overlay.text("x/y"), overlay.text("nope")) == (["x"], None, None)

    def test_of_a_directory_some_paths_are_left_out(self, tmp_path: Path) -> None:
        origin = tree(tmp_path / "one", {"x": "1", "out/y": "2", ".git/config": "3"})
        found = local_layer(origin, named="one", to="", place=PLACE, without=(origin.resolve() / "out",))
        assert list(found.entries) == ["x"]

    @pytest.mark.parametrize(("make", "why"), [(None, "No such file or directory"), (os.mkfifo, "it is neither a file nor a directory")])
    def test_what_cannot_be_read(self, tmp_path: Path, make: object, why: str) -> None:
        if callable(make):
            make(tmp_path / "nope")
        with pytest.raises(InvalidError) as caught:
            layer(tmp_path / "nope")
        (problem,) = caught.value.problems
        hint = "a path in source.files is relative to the manifest that names it"
        assert (str(problem), problem.hint) == (f"m.yaml:7:9: cannot read nope: {why}", hint)


class TestSecrets:
    def test_planning_needs_none_and_reads_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        base = Snapshot(tree(tmp_path / "base", {}))
        monkeypatch.delenv(SECRET.name, raising=False)
        without = shown(Overlay(base, [SECRET]))
        monkeypatch.setenv(SECRET.name, "content")
        assert shown(Overlay(base, [SECRET])) == without
        assert (without["etc/token"][0], without["etc/token"][2]) == (Entry(kind=Kind.FILE, mode=0o644), "env\n")

    def test_name_and_version_are_in_its_fingerprint(self) -> None:
        others = [
            SECRET,
            SecretFile(path="etc/token", name="EDGE_TEST_TOKEN", version="4", place=PLACE),
            SecretFile(path="etc/token", name="EDGE_TEST_OTHER", version="3", place=PLACE),
        ]
        assert len({each.fingerprint("etc/token") for each in others}) == 3
        again = SecretFile(path="etc/token", name="EDGE_TEST_TOKEN", version="3", place=Place(file="n.yaml", line=1))
        assert again.fingerprint("etc/token") == SECRET.fingerprint("etc/token")

    def test_a_build_gets_its_bytes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(SECRET.name, os.fsdecode(b"\xff\n"))
        assert Overlay(Snapshot(tree(tmp_path, {})), [SECRET], reveal=True).open("etc/token") == b"\xff\n"

    def test_one_that_is_not_there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(SECRET.name, raising=False)
        overlay = Overlay(Snapshot(tree(tmp_path, {})), [SECRET], reveal=True)
        told = (
            "m.yaml:7:9: the secret EDGE_TEST_TOKEN is not in the environment",
            "export EDGE_TEST_TOKEN before the run: its content goes to etc/token of the source",
        )
        for ask in (lambda: overlay.open("etc/token"), lambda: check_secret_files([SECRET])):
            with pytest.raises(UnusableError) as caught:
                ask()
            assert [(str(problem), problem.hint) for problem in caught.value.problems] == [told]

    def test_one_that_is_empty_is_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(SECRET.name, "")
        check_secret_files([SECRET])
        assert SECRET.open("etc/token") == b""
