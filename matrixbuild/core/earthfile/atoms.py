"""An offset in an Earthfile in, the end of the word that starts there out.

A word may hold quotes, escapes, line continuations and `$( )`, and the grammar is ambiguous (a `$(` may also be two plain
characters, a quote inside it may close an outer one). Earthly takes the longest reading, so every reading is followed:
each function gives all ends of one construct, remembered per offset, and `Words.end` the farthest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from matrixbuild.core.earthfile.source import Source

_CONTINUED = r"\\(?:[ \t]*+(?:\r\n?|\n|#[^\r\n]*+))++"
CONTINUATION = re.compile(_CONTINUED + r"[ \t]*+")
BLANK = re.compile(rf"[ \t](?:[ \t]++|{_CONTINUED})*+")
"""Blanks between words; a line continuation in them swallows comments and empty lines."""

_ONE_WAY = r"""(?:[^ \t\r\n\\"'$]++|"(?:[^"\\$]++|\\.|\$(?!\())*+"|'(?:[^'\\]++|\\.)*+'|\$(?!\()|\\[^ \t\r\n#])++(?=[ \t\r\n]|\Z)"""
"""A word of pieces that can be read in one way only: all words but those with a `$(`, a line continuation or an open quote in them."""

SPACED_WORD = re.compile(rf"{BLANK.pattern}(?!\#)({_ONE_WAY})", re.DOTALL)
"""Blanks and such a word; a `#` behind blanks begins a comment."""

_PLAIN = re.compile(r"""[^ \t\r\n\\"'$]*+""")
_PLAIN_KEY = re.compile(r"""[^ \t\r\n\\"'$=]*+""")
_PLAIN_QUOTED = re.compile(r"""[^"\\$]*+""")
_PLAIN_SHELL = re.compile(r"""[^ \t\r\n\\"'$)]*+""")
_SINGLE_QUOTED = re.compile(r"'(?:[^'\\]++|\\.)*+'", re.DOTALL)
_SPECIAL = re.compile(r"""["'\\$)]""")

MAX_NESTING = 60
_STEPS_PER_CHARACTER = 20
_STEPS_AT_LEAST = 100_000


class Words:
    """Finds the ends of the words of one Earthfile."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._text = source.text
        self._steps = _STEPS_PER_CHARACTER * len(source.text) + _STEPS_AT_LEAST
        self._depth = 0
        self._begun = 0
        self._known: dict[tuple[bool, int], frozenset[int]] = {}

    def end(self, start: int, *, key: bool) -> int:
        """The end of the word at `start`, which is `start` itself where none begins.

        `key` reads as the grammar does before the `=` of ENV, ARG, SET, LET, and everywhere in LABEL: `=` ends a word and a
        single quote need not be closed.
        """
        self._known.clear()
        self._begun = start
        plain = _PLAIN_KEY if key else _PLAIN
        return max(self._reach(start, plain, lambda at: self._after_special(at, key=key)))

    def _reach(self, start: int, plain: re.Pattern[str], onward: Callable[[int], Iterable[int]]) -> set[int]:
        """Every offset at which a run of plain characters, reached from `start`, ends."""
        todo, entered, reached = [start], {start}, set[int]()
        while todo:
            begin = todo.pop()
            at = plain.match(self._text, begin).end()  # type: ignore[union-attr]  # matches the empty string too
            self._count(at - begin + 1)
            if at in reached:
                continue
            reached.add(at)
            fresh = set(onward(at)) - entered
            entered |= fresh
            todo += fresh
        return reached

    def _count(self, steps: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise self._source.error(
                "the quotes and $( ) of this word can be read in too many ways",
                self._begun,
                hint="close each quote and each $( on the line where it opens",
            )

    def _after_special(self, at: int, *, key: bool) -> Iterable[int]:
        match self._text[at : at + 1]:
            case "\\":
                yield from self._after_backslash(at)
            case '"':
                yield from self._quoted(at)
            case "'":
                yield from self._single_quoted(at)
                if key:
                    yield at + 1
            case "$":
                yield from self._after_dollar(at)

    def _after_backslash(self, at: int) -> Iterable[int]:
        if at + 1 < len(self._text):
            yield at + 2
        if continued := CONTINUATION.match(self._text, at):
            yield continued.end()
            # A comment may be read as ending anywhere, which leaves its quotes to be read as quotes.
            yield from (found.start() for found in _SPECIAL.finditer(self._text, at + 1, continued.end()))

    def _after_dollar(self, at: int) -> Iterable[int]:
        yield at + 1
        if self._text.startswith("(", at + 1):
            yield from self._shell(at)

    def _single_quoted(self, at: int) -> Iterable[int]:
        if quoted := _SINGLE_QUOTED.match(self._text, at):
            self._count(quoted.end() - at)
            yield quoted.end()

    def _quoted(self, at: int) -> frozenset[int]:
        """The ends of the double-quoted string that opens at `at`."""
        return self._closings(at, at + 1, '"', _PLAIN_QUOTED, self._in_quotes)

    def _in_quotes(self, at: int) -> Iterable[int]:
        match self._text[at : at + 1]:
            case "\\" if at + 1 < len(self._text):
                yield at + 2
            case "$":
                yield from self._after_dollar(at)

    def _shell(self, at: int) -> frozenset[int]:
        """The ends of the `$( )` that opens at `at`; an empty one is none."""
        return self._closings(at, at + 2, ")", _PLAIN_SHELL, self._in_shell) - {at + 3}

    def _in_shell(self, at: int) -> Iterable[int]:
        match self._text[at : at + 1]:
            case " " | "\t":
                blank = BLANK.match(self._text, at)
                if blank:
                    yield blank.end()
                    yield from (found.start() for found in _SPECIAL.finditer(self._text, at, blank.end()))
            case "\\" if at + 1 < len(self._text):
                yield at + 2
            case '"':
                yield from self._quoted(at)
            case "'":
                yield from self._single_quoted(at)
            case "$":
                yield from self._after_dollar(at)

    def _closings(self, opened: int, inside: int, closer: str, plain: re.Pattern[str], onward: Callable[[int], Iterable[int]]) -> frozenset[int]:
        remembered = (closer == ")", opened)
        if remembered not in self._known:
            self._deeper(opened)
            reached = self._reach(inside, plain, onward)
            self._depth -= 1
            self._known[remembered] = frozenset(at + 1 for at in reached if self._text.startswith(closer, at))
        return self._known[remembered]

    def _deeper(self, opened: int) -> None:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise self._source.error(
                f"quotes and $( ) are nested more than {MAX_NESTING} deep", opened, hint="close each quote and each $( on the line where it opens"
            )
