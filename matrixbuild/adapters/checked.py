"""Pieces of a blob -> the same pieces, checked: they end with an error unless they have the digest and size that were promised."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.registry import Descriptor


def checked(pieces: Iterable[bytes], descriptor: Descriptor, *, of: str, hint: str = "it is not used") -> Iterator[bytes]:
    """Pass `pieces` on; after the last one raises UnusableError naming both digests where they differ. `of` begins the sentence."""
    seen, size = hashlib.sha256(), 0
    for piece in pieces:
        seen.update(piece)
        size += len(piece)
        yield piece
    digest = f"sha256:{seen.hexdigest()}"
    if digest != descriptor.digest:
        raise UnusableError(Problem(summary=f"{of} has the digest {digest}, not {descriptor.digest}", hint=hint, code="digest-mismatch"))
    if size != descriptor.size:
        raise UnusableError(Problem(summary=f"{of} has {size} bytes, not {descriptor.size}", hint=hint, code="digest-mismatch"))
