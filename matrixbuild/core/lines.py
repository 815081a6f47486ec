"""Pieces of output as they come -> its lines, cut where one is too long to keep."""

from __future__ import annotations

LINE_LIMIT = 64 * 1024


class Lines:
    """Cuts a stream into lines that keep their newline, each of at most `limit` bytes: what comes out, joined, is what came in.

    A longer line comes in pieces without one, and so does a last line that does not end. Less than `limit` bytes are held.
    """

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._limit = limit
        self._held = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines, and pieces of lines, that are complete now."""
        *whole, rest = (self._held + data).split(b"\n")
        found = [line + b"\n" for line in whole]
        if max(map(len, found), default=0) > self._limit:
            found = [piece for line in found for piece in self._pieces(line)]
        full = len(rest) - len(rest) % self._limit
        self._held = rest[full:]
        return found + self._pieces(rest[:full])

    def finish(self) -> list[bytes]:
        """What is left when no more comes."""
        held, self._held = self._held, b""
        return [held] if held else []

    def _pieces(self, line: bytes) -> list[bytes]:
        return [line[start : start + self._limit] for start in range(0, len(line), self._limit)]
