"""How long the last writes of a growing file took -> whether it is time for the next one."""

from __future__ import annotations

_SMALL = 200
"""Entries that are written in no time: such a file is written whenever it has changed."""

_SHARE = 5
"""A large file is written for at most one part in so many of the time: else a release of thousands would spend its hours on writing its lock."""


class Pace:
    """When a file that is written as a whole, again and again, is written next. Times are seconds of any clock."""

    def __init__(self) -> None:
        self._not_before = float("-inf")

    def due(self, entries: int, *, now: float) -> bool:
        return entries <= _SMALL or now >= self._not_before

    def wrote(self, *, began: float, ended: float) -> None:
        self._not_before = ended + (_SHARE - 1) * (ended - began)
