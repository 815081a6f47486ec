"""What Git LFS leaves in the place of a file is told from files that look like it."""

from __future__ import annotations

import pytest

from matrixbuild.adapters.lfs import LARGEST, SMALLEST, is_pointer

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d7a" * 16 + b"\nsize 12\n"


def test_a_pointer_is_one() -> None:
    assert is_pointer(POINTER)
    assert SMALLEST <= len(POINTER) <= LARGEST


@pytest.mark.parametrize("data", [b"", b"# " + POINTER, POINTER + b"x" * LARGEST])
def test_nothing_else_is(data: bytes) -> None:
    assert not is_pointer(data)
