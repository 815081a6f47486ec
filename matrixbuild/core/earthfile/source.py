"""The text of an Earthfile in, places and errors that point into it out."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import Self

from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.problems import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One Earthfile: `lines` without their ends, `starts` the offset in `text` at which each begins. Only LF ends a line, as in editors."""

    file: str
    text: str
    lines: tuple[str, ...]
    starts: tuple[int, ...]

    @classmethod
    def of(cls, text: str, *, file: str) -> Self:
        lines = text.split("\n")
        starts = accumulate((len(line) + 1 for line in lines[:-1]), initial=0)
        return cls(file=file, text=text, lines=tuple(line.removesuffix("\r") for line in lines), starts=tuple(starts))

    def place(self, start: int, end: int | None = None) -> Place:
        """Where `start` (an offset, 0-based) is; the caret ends at `end` or at the end of that line, whichever comes first."""
        index = bisect_right(self.starts, start) - 1
        column = start - self.starts[index]
        line = self.lines[index]
        width = min(end if end is not None else start + 1, self.starts[index] + len(line)) - start
        return Place(file=self.file, line=index + 1, column=column + 1, text=line, width=max(width, 1))

    def error(self, summary: str, start: int, end: int | None = None, *, hint: str, fault: Fault = Fault.SYNTAX) -> EarthfileError:
        return EarthfileError(fault, summary, place=self.place(start, end), hint=hint)
