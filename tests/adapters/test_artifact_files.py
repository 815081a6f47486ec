"""An artifact counts as there while its file has the locked size and digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from matrixbuild.adapters.artifact_files import artifacts_intact
from matrixbuild.core.lock import LockedArtifact

DATA = b"installer\n"
LOCKED = {"a.txt": LockedArtifact(sha256=hashlib.sha256(DATA).hexdigest(), size=len(DATA))}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_bytes(DATA)
    return tmp_path


def test_a_file_as_it_was_locked_is_there(directory: Path) -> None:
    assert artifacts_intact(directory, ("a.txt",), LOCKED)


@pytest.mark.parametrize("data", [b"installer!", b"longer than it was\n", None])
def test_another_content_or_none_is_not(directory: Path, data: bytes | None) -> None:
    (directory / "a.txt").unlink()
    if data is not None:
        (directory / "a.txt").write_bytes(data)
    assert not artifacts_intact(directory, ("a.txt",), LOCKED)


def test_a_directory_is_there_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "boot").mkdir()
    (tmp_path / "boot" / "a.txt").write_bytes(DATA)
    locked = {"boot/a.txt": LOCKED["a.txt"]}
    assert artifacts_intact(tmp_path, ("boot",), locked)
    (tmp_path / "boot" / "a.txt").unlink()
    assert not artifacts_intact(tmp_path, ("boot",), locked)


def test_an_artifact_the_lock_does_not_know_has_to_be_there_all_the_same(directory: Path) -> None:
    assert not artifacts_intact(directory, ("a.txt", "b.txt"), LOCKED)


def test_a_file_that_no_digest_speaks_for_may_be_anything(directory: Path) -> None:
    assert not artifacts_intact(directory, ("a.txt",), {})
    (directory / "boot" / "grub").mkdir(parents=True)
    assert artifacts_intact(directory, ("a.txt", "boot"), LOCKED)
    (directory / "boot" / "grub" / "link").symlink_to("../../a.txt")
    assert artifacts_intact(directory, ("a.txt", "boot"), LOCKED)
    (directory / "boot" / "grub" / "grub.cfg").write_bytes(DATA)
    assert not artifacts_intact(directory, ("a.txt", "boot"), LOCKED)
