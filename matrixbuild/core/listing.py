"""A frozen listing of a checkout: which paths exist and what they are, without their contents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

FIXED_TIME = 1587038400
"""2020-04-16T12:00:00Z: the time Earthly gives everything it copies (earthly.md 9; conformance/README.md)."""


class Kind(StrEnum):
    FILE = "file"
    DIRECTORY = "dir"
    SYMLINK = "symlink"
    PIPE = "pipe"
    """A named pipe: only a raw checkout lists one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One path of a listing: `mode` are the permission bits with setuid, setgid and sticky, `mtime` is in whole seconds, `target` is a
    symlink's, as written."""

    kind: Kind
    mode: int = 0o644
    mtime: int = FIXED_TIME
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Every path below a checkout, relative to it, with `/` and without a leading `./`; the root itself is not among them."""

    entries: Mapping[str, Entry]
