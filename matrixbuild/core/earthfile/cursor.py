"""Tokens in, the next one, with errors that say what was expected, out."""

from __future__ import annotations

from collections.abc import Sequence

from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.lexer import Kind, Token
from matrixbuild.core.earthfile.source import Source

_NAMES = {
    Kind.LINE_END: "the end of the line",
    Kind.INDENT: "an indented line",
    Kind.DEDENT: "the end of the recipe",
    Kind.END: "the end of the file",
    Kind.BLANK: "nothing",
}

_ADVICE = {
    Kind.INDENT: "only the commands of a target or function are indented",
    Kind.KEYWORD: "commands outside of targets stand above all of them; those of a target are indented",
    Kind.TARGET: "a target begins at the start of its line",
    Kind.FUNCTION: "a function begins at the start of its line",
}
BLOCK_ENDS = frozenset(("ELSE", "ELSE IF", "CATCH", "FINALLY", "END"))


class Cursor:
    """A position in the tokens of one Earthfile."""

    def __init__(self, source: Source, tokens: Sequence[Token]) -> None:
        self.source = source
        self._tokens = tokens
        self._at = 0
        self._late: EarthfileError | None = None

    @property
    def next(self) -> Token:
        return self._tokens[self._at]

    def at(self, *kinds: Kind) -> bool:
        return self._tokens[self._at].kind in kinds

    def keyword(self, name: str) -> bool:
        return self.at(Kind.KEYWORD) and self.next.text == name

    def take(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def words(self) -> Sequence[Token]:
        start = self._at
        while self.at(Kind.WORD):
            self._at += 1
        return self._tokens[start : self._at]

    def some_words(self, command: str, *, hint: str) -> Sequence[Token]:
        words = self.words()
        if not words:
            raise self.unexpected(f"something after {command}", hint=hint)
        return words

    def line_end(self, *, hint: str = "one command a line; a line that ends in a backslash goes on") -> None:
        if not self.at(Kind.LINE_END):
            raise self.unexpected("the end of the line", hint=hint)
        self._at += 1

    def line_ends(self) -> None:
        while self.at(Kind.LINE_END):
            self._at += 1

    def next_command(self) -> bool:
        """Move to the keyword of the next line, if the next line that is not empty begins with one."""
        at = self._at
        while self._tokens[at].kind is Kind.LINE_END:
            at += 1
        found = at > self._at and self._tokens[at].kind is Kind.KEYWORD and self._tokens[at].text not in BLOCK_ENDS
        self._at = at if found else self._at
        return found

    def dedent(self) -> None:
        self.line_end()
        self.line_ends()
        if not self.at(Kind.DEDENT):
            raise self.unexpected("a command", hint=_ADVICE.get(self.next.kind, ""))
        self._at += 1

    def finish(self) -> None:
        if not self.at(Kind.END):
            raise self.unexpected("a target or a function", hint=_ADVICE.get(self.next.kind, ""))

    def unexpected(self, expected: str, *, hint: str) -> EarthfileError:
        return self.refused(self.next, expected, hint=hint)

    def refused(self, token: Token, expected: str, *, hint: str) -> EarthfileError:
        found = _NAMES.get(token.kind) or (repr(token.text) if len(token.text) <= 40 else f"{token.text[:40]!r}...")
        return self.source.error(f"expected {expected}, found {found}", token.start, token.end, hint=hint)

    def late(self, error: EarthfileError) -> None:
        """Earthly tells these only about a file that is otherwise well formed."""
        self._late = self._late or error

    def raise_late(self) -> None:
        if self._late:
            raise self._late
