"""The files that a build sends and others wait for, and what its program tells of its copies -> whether they are with the builder."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from matrixbuild.adapters.engines.base import Order
from matrixbuild.adapters.engines.earthly.checkouts import Checkout
from matrixbuild.core.usage import Progress

LARGE = 64 << 20
"""Bytes that are worth waiting for: less is sent before another build has begun."""
_NOT_LITTLE = 1 << 20


class Sending:
    """Progress of one build on its way to whoever listens: from the moment on that its files are sent, it says so. Any thread may tell it."""

    def __init__(self, order: Order, checkout: Checkout, tell: Callable[[Progress], None]) -> None:
        self.key = order.key
        self._sends = bool(order.sent)
        self._checkout = checkout
        self._tell = tell
        self._lock = threading.Lock()
        self._latest = Progress()
        self._awaited = _awaited(order, checkout.path)
        if self._sends and not self._awaited:
            self.tell(self._latest)

    def tell(self, progress: Progress) -> None:
        with self._lock:
            self._latest = progress
            there = self._sends and not self._awaited
        self._tell(replace(progress, uploaded=there))

    def copied(self, places: frozenset[tuple[str, int]]) -> None:
        """The copies that have ended, by path and line of the Earthfile as it is built."""
        ended = frozenset(self._authors(places))
        with self._lock:
            before, self._awaited = self._awaited, self._awaited - ended
            arrived, latest = bool(before) and not self._awaited, self._latest
        if arrived:
            self.tell(latest)

    def _authors(self, places: frozenset[tuple[str, int]]) -> Iterator[tuple[str, int]]:
        for path, line in places:
            if Path(path).is_relative_to(self._checkout.path):
                file = Path(path).relative_to(self._checkout.path).as_posix()
                yield file, self._checkout.line(file, line)


def _awaited(order: Order, checkout: Path) -> frozenset[tuple[str, int]]:
    """The copies that send something of a size, where all together send much."""
    sizes = {path: sum(_sizes(checkout, path)) for path in dict.fromkeys(path for _, _, path in order.sent)}
    if sum(sizes.values()) < LARGE:
        return frozenset()
    return frozenset((file, line) for file, line, path in order.sent if sizes[path] >= _NOT_LITTLE)


def _sizes(checkout: Path, pattern: str) -> Iterator[int]:
    """Of the files that a COPY takes, in bytes; what cannot be looked at has none."""
    try:
        for found in checkout.glob(pattern) if pattern not in ("", ".") else [checkout]:
            if found.is_symlink() or not found.is_dir():
                yield found.lstat().st_size
                continue
            for directory, _, names in os.walk(found):
                yield from ((Path(directory) / name).lstat().st_size for name in names)
    except (OSError, ValueError, NotImplementedError):
        return
