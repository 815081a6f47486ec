"""A commit is read as the directory would be that it is checked out in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from matrixbuild.adapters.git import Git
from matrixbuild.adapters.git_tree import GitTree, Objects, git_tree, objects
from matrixbuild.adapters.source import snapshot
from matrixbuild.adapters.sources import Mixed, Source
from matrixbuild.core.listing import Kind
from matrixbuild.core.problems import InvalidError, UnusableError
from tests.repositories import Repository, repository

FILES = {"src/etc/motd": "hello\n", "src/run.sh": "#!/bin/sh\n", "src/deep/er/x": "", "src/\u00e4 b": "1", "README": "r", "src/out/old": ""}
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n"


@pytest.fixture
def made(tmp_path: Path) -> Repository:
    found = repository(tmp_path / "r", FILES)
    (found.root / "src/run.sh").chmod(0o700)
    (found.root / "src/link").symlink_to("etc/motd")
    (found.root / "src" / b"\xff".decode("utf-8", "surrogateescape")).write_bytes(b"\x00\xff")
    return found


@pytest.fixture
def store(made: Repository) -> Iterator[Objects]:
    with objects(Git(directory=made.root)) as found:
        yield found


def tree(made: Repository, store: Objects, commit: str, prefix: str = "src/", without: tuple[str, ...] = ()) -> GitTree:
    return git_tree(store, Git(directory=made.root / prefix), commit, root=made.root / prefix, prefix=prefix, without=without)


def prints(source: Source) -> dict[str, str]:
    return {path: source.fingerprint(path) for path in source.listing.entries}


def test_a_clean_worktree_and_its_commit_are_the_same(made: Repository, store: Objects) -> None:
    commit = made.commit()
    worktree = snapshot(made.root / "src", named="src")
    found = tree(made, store, commit)
    assert found.listing == worktree.listing
    assert prints(found) == prints(worktree)
    assert found.root == worktree.root
    assert {path: found.open(path) for path in ("etc/motd", "run.sh")} == {"etc/motd": b"hello\n", "run.sh": b"#!/bin/sh\n"}
    assert [found.text(path) for path in ("etc/motd", "etc", "link", "nope")] == ["hello\n", None, None, None]


def test_a_commit_stays_what_it_is(made: Repository, store: Objects) -> None:
    commit = made.commit()
    before = prints(tree(made, store, commit))
    made.write({"src/etc/motd": "other"})
    (made.root / "src/run.sh").chmod(0o600)
    (made.root / "src/link").unlink()
    later = tree(made, store, made.commit())
    assert prints(tree(made, store, commit)) == before
    assert {path for path in before if prints(later).get(path) != before[path]} == {"etc/motd", "run.sh", "link"}


def test_what_is_no_part_of_a_source_is_left_out(made: Repository, store: Objects) -> None:
    commit = made.commit()
    found = tree(made, store, commit, without=("out", "etc/motd"))
    assert set(found.listing.entries) & {"out", "out/old", "etc", "etc/motd"} == set()
    assert "src/out" in tree(made, store, commit, prefix="").listing.entries


def test_a_directory_that_was_not_there(made: Repository, store: Objects) -> None:
    commit = made.commit()
    made.write({"new/x": ""})
    with pytest.raises(InvalidError, match=f"there is no directory new at {commit[:12]}"):
        tree(made, store, commit, prefix="new/")


def test_a_submodule_is_a_directory_that_cannot_be_read(made: Repository, store: Objects, tmp_path: Path) -> None:
    other = repository(tmp_path / "other", {"Earthfile": "VERSION 0.8\n"})
    other.commit()
    made.git("submodule", "add", "--quiet", str(other.root), "src/sub")
    commit = made.commit()
    found = tree(made, store, commit)
    assert found.submodules == ("sub",)
    assert found.listing.entries["sub"].kind is Kind.DIRECTORY
    message = f"sub is a submodule, and what is in it at {commit[:12]} is not known here"
    for read in (found.fingerprint, found.open, found.text):
        with pytest.raises(UnusableError, match=message):
            read("sub")
    with pytest.raises(UnusableError, match=message):
        found.text("sub/Earthfile")
    assert found.text("submarine") is None


def test_what_git_lfs_keeps_cannot_be_read(made: Repository, store: Objects) -> None:
    made.write({"src/big.iso": POINTER, "src/page": "about " + POINTER})
    commit = made.commit()
    found = tree(made, store, commit)
    assert found.lfs_pointers() == ("big.iso",)
    for again in (found, found, tree(made, store, commit)):
        for read in (again.open, again.fingerprint, again.text):
            with pytest.raises(UnusableError, match=f"big.iso is kept by Git LFS, and {commit[:12]} holds only a pointer to it"):
                read("big.iso")
    assert found.text("page") == "about " + POINTER


def test_an_object_that_is_not_there(made: Repository, store: Objects) -> None:
    made.commit()
    with pytest.raises(UnusableError, match=r"git cat-file cannot read 000000000000 in .*: it is not in this clone"):
        store.read("0" * 40)


def test_after_the_end_nothing_is_read(made: Repository) -> None:
    commit = made.commit()
    with objects(Git(directory=made.root)) as store:
        found = tree(made, store, commit)
    with pytest.raises(UnusableError, match="git cat-file cannot read"):
        found.open("etc/motd")


def test_a_mixture_takes_each_path_from_where_it_is_told(made: Repository, store: Objects) -> None:
    commit = made.commit()
    made.write({"src/etc/motd": "now", "src/etc/new": "", "src/deep/more": "m"})
    worktree = snapshot(made.root / "src", named="src")
    mixed = Mixed(worktree.root, [(tree(made, store, commit), ["etc/motd"]), (worktree, ["etc/motd", "deep/more", "deep/er"])])
    assert {path: entry.kind for path, entry in mixed.listing.entries.items()} == {
        "etc": Kind.DIRECTORY,
        "deep": Kind.DIRECTORY,
        "deep/er": Kind.DIRECTORY,
        "etc/motd": Kind.FILE,
        "deep/more": Kind.FILE,
    }
    assert (mixed.text("etc/motd"), mixed.open("deep/more"), mixed.text("etc/new")) == ("hello\n", b"m", None)
    assert mixed.fingerprint("etc") == worktree.fingerprint("etc")
    assert mixed.fingerprint("deep/more") == worktree.fingerprint("deep/more")


def test_in_a_mixture_a_file_leaves_no_room_for_a_directory_of_its_name(made: Repository, store: Objects) -> None:
    commit = made.commit()
    (made.root / "src/run.sh").unlink()
    made.write({"src/run.sh/x": ""})
    worktree = snapshot(made.root / "src", named="src")
    mixed = Mixed(worktree.root, [(tree(made, store, commit), ["run.sh"]), (worktree, ["run.sh/x", "run.sh"])])
    assert set(mixed.listing.entries) == {"run.sh"}
    assert mixed.text("run.sh") == "#!/bin/sh\n"
