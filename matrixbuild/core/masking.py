"""Secrets and bytes that come in pieces -> the same bytes with `***` for every secret, wherever the pieces were cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.renderings import SHORTEST, renderings

MASK = b"***"

Span = tuple[int, int]


class Masking:
    """What must not be seen. A byte is masked where any text that gives a secret away covers it; neighbouring masked bytes become one `***`."""

    def __init__(self, patterns: Iterable[bytes]) -> None:
        found = sorted(set(patterns), key=len)
        # One that contains another is still needed: it covers more.
        self.patterns = tuple(pattern for pattern in found if pattern)

    def stream(self) -> MaskedStream:
        return MaskedStream(self.patterns)

    def masked(self, data: bytes) -> bytes:
        if not self.patterns:
            return data
        stream = self.stream()
        return stream.feed(data) + stream.finish()

    def text(self, text: str) -> str:
        """For what the program says itself: messages, events, names of files."""
        if not self.patterns:
            return text
        return self.masked(text.encode(errors="surrogateescape")).decode(errors="surrogateescape")


NOTHING = Masking(())


@lru_cache(maxsize=16)
def masking(secrets: tuple[tuple[str, str], ...]) -> Masking:
    """For secrets as (name, value). Raises UnusableError for each that is too short to be masked."""
    short = [(name, len(value.strip())) for name, value in secrets if len(value.strip()) < SHORTEST]
    if short:
        raise UnusableError(*(_too_short(name, length) for name, length in short))
    return Masking(text for _, value in secrets for text in renderings(value))


def _too_short(name: str, length: int) -> Problem:
    told = f"has {length} character{'' if length == 1 else 's'}" if length else "is empty"
    summary = f"the secret {name!r} {told}, so it cannot be masked where it is printed"
    return Problem(summary=summary, hint=f"give it a value of at least {SHORTEST} characters", code="secret-short")


class MaskedStream:
    """One stream being masked. It holds back only what may be the beginning of a secret: less than the longest pattern."""

    def __init__(self, patterns: tuple[bytes, ...]) -> None:
        self._patterns = patterns
        self._held = b""
        # How many of the held bytes a secret covers that began before them.
        self._covered = 0
        # Whether the last byte that was given out was covered: its neighbour adds no second mask.
        self._inside = False

    def feed(self, data: bytes) -> bytes:
        """What can be said for certain now."""
        if not self._patterns:
            return data
        data = self._held + data
        return self._given(data, len(data) - self._unsettled(data))

    def finish(self) -> bytes:
        """What was held back, when no more comes."""
        return self._given(self._held, len(self._held)) if self._held else b""

    def _given(self, data: bytes, settled: int) -> bytes:
        # Those that begin in what is held back are found again.
        spans = sorted(span for span in self._spans(data) if span[0] < settled)
        out = b"".join(self._pieces(data, settled, spans))
        self._covered = max(self._covered, *(end for _, end in spans), settled) - settled
        self._held = data[settled:]
        return out

    def _spans(self, data: bytes) -> Iterator[Span]:
        if self._covered:
            yield 0, self._covered
        for pattern in self._patterns:
            start = data.find(pattern)
            while start >= 0:
                yield start, start + len(pattern)
                # Not behind this one: the next may overlap it.
                start = data.find(pattern, start + 1)

    def _pieces(self, data: bytes, settled: int, spans: list[Span]) -> Iterator[bytes]:
        done = 0
        for start, end in spans:
            if start > done:
                yield data[done:start]
                self._inside = False
            if end > done:
                if not self._inside:
                    yield MASK
                self._inside = True
                done = min(end, settled)
        if done < settled:
            yield data[done:settled]
            self._inside = False

    def _unsettled(self, data: bytes) -> int:
        """How many bytes at the end may begin a pattern: the longest end of the data that begins one and is not the whole of it."""
        longest = 0
        for pattern in self._patterns:
            start = max(0, len(data) - len(pattern) + 1)
            while (start := data.find(pattern[:1], start, len(data) - longest)) >= 0:
                if pattern.startswith(data[start:]):
                    longest = len(data) - start
                    break
                start += 1
        return longest
