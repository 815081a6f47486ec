"""What took long to find out about contents that cannot change -> the same names, in a later process."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import cast

from matrixbuild.adapters.cache_file import cache_file, read_cache, write_cache

_FORM = "notes/1"
_MOST = 5_000
"""So many are kept; beyond that, only those that this process asked for."""


class Notes:
    """Sets of names by a key that holds everything they were found from, kept in the state directory of `project` (None: not kept)."""

    def __init__(self, project: Path | None = None) -> None:
        self._file = cache_file(project, "mentions") if project else None
        self._kept = dict(read_cache(self._file, _FORM)) if self._file else {}
        self._used: dict[str, object] = {}
        self._learned = False

    @property
    def empty(self) -> bool:
        return not self._kept

    def get(self, key: str) -> frozenset[str] | None:
        if key not in self._kept:
            return None
        self._used[key] = self._kept[key]
        return frozenset(cast("list[str]", self._kept[key]))

    def put(self, key: str, names: Iterable[str]) -> None:
        self._kept[key] = self._used[key] = sorted(names)
        self._learned = True

    def save(self) -> None:
        if self._file and self._learned:
            write_cache(self._file, _FORM, self._kept if len(self._kept) <= _MOST else self._used)
            self._learned = False
