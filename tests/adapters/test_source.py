"""A snapshot lists what git would keep, and refuses contents that change under a run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from matrixbuild.adapters.source import SourceChangedError, snapshot
from matrixbuild.core.listing import Kind
from matrixbuild.core.problems import UnusableError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "src"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "motd").write_text("hello\n")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o700)
    (root / "link").symlink_to("etc/motd")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("")
    (root / "out").mkdir()
    (root / "out" / "old").write_text("")
    return root


def test_a_listing_has_the_modes_git_would_keep(tree: Path) -> None:
    listing = snapshot(tree, named="src", without=(tree / "out",)).listing
    assert {path: (entry.kind, entry.mode, entry.target) for path, entry in listing.entries.items()} == {
        "etc": (Kind.DIRECTORY, 0o755, ""),
        "etc/motd": (Kind.FILE, 0o644, ""),
        "run.sh": (Kind.FILE, 0o755, ""),
        "link": (Kind.SYMLINK, 0o777, "etc/motd"),
    }


def test_a_fingerprint_tells_content_mode_and_link_target(tree: Path) -> None:
    def prints() -> dict[str, str]:
        found = snapshot(tree, named="src")
        return {path: found.fingerprint(path) for path in ("etc/motd", "run.sh", "link")}

    before = prints()
    (tree / "etc" / "motd").write_text("hellp\n")
    (tree / "run.sh").chmod(0o600)
    (tree / "link").unlink()
    (tree / "link").symlink_to("run.sh")
    after = prints()
    assert [path for path in before if before[path] == after[path]] == []


def test_times_and_permissions_of_others_are_nothing_a_build_sees(tree: Path) -> None:
    before = snapshot(tree, named="src").fingerprint("etc/motd")
    (tree / "etc" / "motd").chmod(0o666)
    os.utime(tree / "etc" / "motd", (1, 1))
    assert snapshot(tree, named="src").fingerprint("etc/motd") == before


def test_contents_that_change_during_the_run_are_refused(tree: Path) -> None:
    found = snapshot(tree, named="src")
    found.fingerprint("etc/motd")
    (tree / "etc" / "motd").write_text("other\n")
    with pytest.raises(SourceChangedError) as caught:
        found.open("etc/motd")
    assert str(caught.value) == "etc/motd of the source changed during the run"


def test_a_file_that_is_gone_is_refused(tree: Path) -> None:
    found = snapshot(tree, named="src")
    (tree / "run.sh").unlink()
    with pytest.raises(SourceChangedError) as caught:
        found.open("run.sh")
    assert str(caught.value) == "cannot read run.sh of the source: No such file or directory"


def test_texts_stay_as_they_were_first_read(tree: Path) -> None:
    found = snapshot(tree, named="src")
    assert found.text("etc/motd") == "hello\n"
    (tree / "etc" / "motd").write_text("other\n")
    assert found.text("etc/motd") == "hello\n"
    assert found.text("etc") is None
    assert found.text("nowhere") is None


def test_a_source_that_is_no_directory_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnusableError) as caught:
        snapshot(tmp_path / "gone", named="../gone")
    assert str(caught.value) == "the source '../gone' is not a directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_told_where_a_build_reads_it(tree: Path) -> None:
    (tree / "run.sh").chmod(0)
    with pytest.raises(UnusableError, match=r"^cannot read run.sh of the source: Permission denied$"):
        snapshot(tree, named="src").fingerprint("run.sh")
