from __future__ import annotations

from pathlib import Path

import pytest

from matrixbuild.adapters.output_owners import MARKER, Owner, own_output, owner_of_output
from matrixbuild.core.problems import UnusableError

ONE, OTHER = Owner(manifest="manifests/a.yaml", key="sha256:1"), Owner(manifest="b.yaml", key="sha256:2")


def test_the_last_one_who_says_so_owns_a_directory(tmp_path: Path) -> None:
    directory = tmp_path / "out" / "notes-1"
    assert owner_of_output(directory) is None
    for owner in (ONE, OTHER):
        own_output(directory, owner)
        assert owner_of_output(directory) == owner
    assert [path.name for path in directory.iterdir()] == [MARKER]


@pytest.mark.parametrize("text", ["", "manifests/a.yaml\n", "a\nb\nc\n"])
def test_what_is_no_mark_is_nobodys(tmp_path: Path, text: str) -> None:
    (tmp_path / MARKER).write_text(text)
    assert owner_of_output(tmp_path) is None


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UnusableError) as caught:
        own_output(tmp_path / "out" / "notes", ONE)
    assert str(caught.value) == f"cannot make {tmp_path / 'out' / 'notes'}: Not a directory"
