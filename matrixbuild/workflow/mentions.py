"""A file of the source and names of ARGs -> which of them stand in it as words: what a command that runs it may read."""

from __future__ import annotations

import re
from collections.abc import Iterable

from matrixbuild.adapters.source import Snapshot
from matrixbuild.core.earthfile.analysis import WHOLE_ENVIRONMENT
from matrixbuild.core.earthfile.environment import reads_everything
from matrixbuild.core.listing import Kind

_WORD = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")
_SMALL = 1 << 20


class Mentions:
    """Looks through each file once; of a large one only the names are kept that were asked for."""

    def __init__(self, source: Snapshot) -> None:
        self._source = source
        self._words: dict[str, frozenset[str]] = {}
        self._asked: dict[tuple[str, frozenset[str]], frozenset[str]] = {}

    def of(self, paths: Iterable[str], names: frozenset[str]) -> dict[str, frozenset[str]]:
        """For each path which of the names are in it, and WHOLE_ENVIRONMENT where a script hands on all it has."""
        entries = self._source.listing.entries
        return {path: self._in(path, names) for path in paths if entries[path].kind is Kind.FILE}

    def _in(self, path: str, names: frozenset[str]) -> frozenset[str]:
        if path in self._words:
            return self._words[path] & (names | {WHOLE_ENVIRONMENT})
        if (path, names) not in self._asked:
            data = self._source.open(path)
            if len(data) <= _SMALL:
                self._words[path] = frozenset(word.decode() for word in _WORD.findall(data)) | _whole(data)
                return self._in(path, names)
            # A name that does not stand there at all is told far faster than by words.
            there = [name for name in names if name.encode() in data]
            found = frozenset(name for name in there if re.search(rb"(?<![A-Za-z0-9_])%s(?![A-Za-z0-9_])" % re.escape(name.encode()), data))
            self._asked[path, names] = found | _whole(data)
        return self._asked[path, names]


def _whole(data: bytes) -> frozenset[str]:
    """What is no text is no script, so that words such as `env` mean nothing in it."""
    if b"\0" in data[:_SMALL]:
        return frozenset()
    return frozenset({WHOLE_ENVIRONMENT}) if reads_everything(data.decode("utf-8", "replace")) else frozenset()
