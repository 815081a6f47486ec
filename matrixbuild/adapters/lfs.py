"""The content of a file -> whether it is what Git LFS leaves in the place of a file that it keeps."""

from __future__ import annotations

SMALLEST, LARGEST = 100, 1024
"""In bytes: a pointer holds a digest and a size, and may not be larger (Git LFS, docs/spec.md)."""

_BEGINS = b"version https://git-lfs.github.com/spec/"


def is_pointer(data: bytes) -> bool:
    """Whether this is a pointer."""
    return len(data) <= LARGEST and data.startswith(_BEGINS)
