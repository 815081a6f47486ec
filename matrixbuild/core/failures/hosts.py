"""The words of a failure -> the server it is about, as registries are named in image references."""

from __future__ import annotations

import re
from collections.abc import Iterator

_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9.-]*)(?::\d+)?"
_PUSHED = re.compile(rf"\bfailed to push ({_HOST})/")
_RESOLVED = re.compile(rf"\bresolve image config for (?:docker-image://)?({_HOST})/")
_URL = re.compile(rf"\bhttps?://(?:[^/@\s]*@)?({_HOST})")
_LOOKED_UP = re.compile(rf"\b(?:dial \w+: )lookup ({_HOST})\b")
_DIALLED = re.compile(rf"\bdial (?:tcp|udp) ({_HOST})\b")
_READ = re.compile(rf"->({_HOST}): (?:read|write)\b")


def host_of(message: str) -> str:
    """ "" where it names none."""
    return next(_hosts(message), "")


def _hosts(message: str) -> Iterator[str]:
    # The name in the reference comes first: the URL may be a token server's, a mirror's or a proxy's.
    for pattern in (_PUSHED, _RESOLVED, _URL, _LOOKED_UP, _DIALLED, _READ):
        for found in pattern.finditer(message):
            if pattern is not _RESOLVED or "." in found[1] or ":" in found[1] or found[1] == "localhost":
                yield found[1]
