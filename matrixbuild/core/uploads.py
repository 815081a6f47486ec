"""Builds that send the same files to the same builder -> the one that goes ahead, and those that wait until the files are there.

Whoever sends files that are there sends next to nothing; several at once each send all of them (facts 9.3). A gate is shut only while an attempt
runs that has not sent them yet: however that ends, it opens, and the next build goes ahead.
"""

from __future__ import annotations

from collections.abc import Mapping

from matrixbuild.core.pauses import Gate

_NONE = frozenset[Gate]()


class Uploads:
    """`contexts` says, by build, what it sends and where to, as a text; builds that send nothing of any size are not in it."""

    def __init__(self, contexts: Mapping[str, str]) -> None:
        self._contexts = contexts
        self._ahead: dict[str, str] = {}
        self._there: set[str] = set()
        self.shut = _NONE

    def gates(self, build: str) -> frozenset[Gate]:
        """What it stands before until it starts."""
        context = self._contexts.get(build)
        return _NONE if context is None or context in self._there else frozenset([("sent", context)])

    def ahead_of(self, build: str) -> str:
        """The build that sends what this one is to send; empty where there is none."""
        return self._ahead.get(self._contexts.get(build, ""), "")

    def started(self, build: str) -> None:
        """An attempt runs: it goes ahead where nobody has."""
        context = self._contexts.get(build)
        if context is not None and context not in self._there:
            self._ahead.setdefault(context, build)
            self._set()

    def sent(self, build: str) -> None:
        """What it sends is there."""
        context = self._contexts.get(build)
        if context is not None:
            self._there.add(context)
            self._ahead.pop(context, None)
            self._set()

    def ended(self, build: str) -> None:
        """Its attempt is over: if it was ahead, the next one is."""
        context = self._contexts.get(build)
        if context is not None and self._ahead.get(context) == build:
            del self._ahead[context]
            self._set()

    def _set(self) -> None:
        self.shut = frozenset(("sent", context) for context in self._ahead)
