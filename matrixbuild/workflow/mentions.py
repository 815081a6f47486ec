"""A file of the source and names of ARGs -> which of them stand in it as words: what a command that runs it may read."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from matrixbuild.adapters import unpacking
from matrixbuild.adapters.notes import Notes
from matrixbuild.adapters.sources import Source
from matrixbuild.core.compact import digest_of
from matrixbuild.core.earthfile import environment, statements
from matrixbuild.core.earthfile.analysis import WHOLE_ENVIRONMENT
from matrixbuild.core.earthfile.environment import reads_everything
from matrixbuild.core.earthfile.statements import Statement, left_over
from matrixbuild.core.listing import Kind
from matrixbuild.core.names import sha256
from matrixbuild.core.problems import Place

_WORD = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")
_SMALL = 1 << 20
_LONGEST = 200
"""So much of a line is shown: what is no text may have none that ends."""


@cache
def _rules() -> str:
    """A digest of the code that says what a file mentions: another version of it finds what this one found by itself."""
    return sha256(b"".join(Path(str(module.__file__)).read_bytes() for module in (environment, statements, unpacking, sys.modules[__name__])))


def _stands_in(data: bytes, name: str) -> bool:
    """A name that does not stand there at all is told far faster than by words."""
    word = name.encode()
    return word in data and re.search(rb"(?<![A-Za-z0-9_])%s(?![A-Za-z0-9_])" % re.escape(word), data) is not None


def _is_no_text(data: bytes) -> bool:
    return b"\0" in data[:_SMALL] and not data.startswith(b"#!")


class Mentions:
    """Looks through each file once; of a large one only the names are kept that were asked for.

    Where a statement says what a line reads of the whole environment that it gets, the names in the statement are mentioned instead of all.
    """

    def __init__(self, source: Source, statements: tuple[Statement, ...] = (), notes: Notes | None = None) -> None:
        self._source = source
        self._statements = statements
        self._stated: dict[str, tuple[Statement, ...]] = {}
        self._words: dict[str, frozenset[str]] = {}
        self._asked: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
        """Of a large file, the names that were asked for and those of them that were found."""
        self._answers: dict[tuple[tuple[str, ...], frozenset[str]], Mapping[str, frozenset[str]]] = {}
        self._notes = Notes() if notes is None else notes

    def of(self, paths: Iterable[str], names: frozenset[str]) -> Mapping[str, frozenset[str]]:
        """For each path that has any which of the names are in it, and WHOLE_ENVIRONMENT where a script hands on all it has."""
        paths = tuple(paths)
        known = self._answers.get((paths, names))
        if known is None:
            entries = self._source.listing.entries
            known = {path: found for path in paths if entries[path].kind is Kind.FILE and (found := self._in(path, names))}
            self._answers[paths, names] = known
        return known

    def stated(self, paths: Iterable[str]) -> dict[str, tuple[Statement, ...]]:
        """The statements that hold for lines of files which were looked through."""
        return {path: self._stated[path] for path in paths if self._stated.get(path)}

    def _in(self, path: str, names: frozenset[str]) -> frozenset[str]:
        if path in self._words:
            return self._words[path] & (names | {WHOLE_ENVIRONMENT})
        asked, found = self._asked.get(path, (frozenset(), frozenset()))
        if missing := names - asked:
            noted = self._noted(path, missing)
            if noted is None:
                data = self._source.open(path)
                if len(data) <= _SMALL:
                    words = (word.decode() for part in (data, *unpacking.unpacked(data)) for word in _WORD.findall(part))
                    self._words[path] = frozenset(words) | self._whole(path, data)
                    return self._in(path, names)
                noted = self._looked(path, data, missing)
            found |= noted
            self._asked[path] = asked | names, found
        return found & (names | {WHOLE_ENVIRONMENT})

    def _looked(self, path: str, data: bytes, names: frozenset[str]) -> frozenset[str]:
        """What is in a large file."""
        found = frozenset(name for part in (data, *unpacking.unpacked(data)) for name in names if _stands_in(part, name))
        found |= self._whole(path, data) & (names | {WHOLE_ENVIRONMENT})
        if not self._stated.get(path):
            self._notes.put(self._key(path, names), found)
        return found

    def _noted(self, path: str, names: frozenset[str]) -> frozenset[str] | None:
        """What an earlier process found in a large file: to look through it takes longer than to take its digest, which may be known besides."""
        return None if self._notes.empty else self._notes.get(self._key(path, names))

    def _key(self, path: str, names: frozenset[str]) -> str:
        return digest_of([_rules(), self._source.fingerprint(path), path, sorted(names), [repr(each) for each in self._statements]])

    def _whole(self, path: str, data: bytes) -> frozenset[str]:
        """What a script reads without naming it. What is no text is no script, so that words such as `env` mean nothing in it."""
        if _is_no_text(data):
            packed = (part for part in unpacking.unpacked(data) if not _is_no_text(part))
            return frozenset({WHOLE_ENVIRONMENT} if any(reads_everything(part.decode("utf-8", "replace")) for part in packed) else ())
        rest, self._stated[path] = left_over(data.decode("utf-8", "replace"), path, self._statements)
        read = frozenset[str]().union(*(statement.reads for statement in self._stated[path]))
        return read | {WHOLE_ENVIRONMENT} if reads_everything(rest) else read

    def place(self, path: str, word: str) -> Place:
        """The first line of a file in which a name stands as a word; for WHOLE_ENVIRONMENT, the first that hands on all a script has."""
        form = re.compile(rf"(?<![A-Za-z0-9_]){re.escape(word)}(?![A-Za-z0-9_])")
        for number, line in enumerate(self._source.open(path).decode("utf-8", "replace").split("\n"), start=1):
            found = None if word == WHOLE_ENVIRONMENT else form.search(line)
            if found or (word == WHOLE_ENVIRONMENT and reads_everything(line)):
                start, width = (found.start(), len(word)) if found else (0, 1)
                return Place(file=path, line=number, column=start + 1, text=line[:_LONGEST].rstrip(), width=width)
        return Place(file=path, line=1)
