"""The text of an Earthfile -> the lines and the pieces of text that each statement takes, blocks to their END."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matrixbuild.core.earthfile import lexer
from matrixbuild.core.earthfile.lexer import Kind, Token
from matrixbuild.core.earthfile.source import Source

_OPENERS = frozenset({"IF", "FOR", "WAIT", "TRY", "WITH"})
_BETWEEN = (Kind.LINE_END, Kind.INDENT, Kind.DEDENT, Kind.TARGET, Kind.FUNCTION, Kind.END)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A keyword with all that belongs to it: its tokens, from the keyword on."""

    tokens: tuple[Token, ...]

    @property
    def keyword(self) -> str:
        return self.tokens[0].text

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def end(self) -> int:
        return self.tokens[-1].end


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A statement that stands in no block: `first` and `last` are its line numbers, 1-based; `lines` its own and those of the blocks in it."""

    first: int
    last: int
    lines: tuple[Line, ...]


def spans(source: Source) -> dict[int, Span]:
    """Every statement that stands in no block, by the number of its first line. Raises EarthfileError for what is no Earthfile."""
    found: dict[int, Span] = {}
    depth = 0
    waiting: list[Line] = []
    for line in _lines(lexer.tokens(source)):
        waiting.append(line)
        depth += (line.keyword in _OPENERS) - (line.keyword == "END")
        if depth == 0:
            first = source.place(waiting[0].start).line
            found[first] = Span(first=first, last=source.place(max(line.start, line.end - 1)).line, lines=tuple(waiting))
            waiting = []
    return found


def _lines(tokens: Sequence[Token]) -> Iterator[Line]:
    """WITH DOCKER is one line, though DOCKER is a keyword too."""
    waiting: list[Token] = []
    for token in tokens:
        begins = token.kind is Kind.KEYWORD and not (waiting and waiting[-1].text == "WITH")
        if waiting and (begins or token.kind in _BETWEEN):
            yield Line(tokens=tuple(waiting))
            waiting = []
        if begins or (waiting and token.kind not in _BETWEEN):
            waiting.append(token)
