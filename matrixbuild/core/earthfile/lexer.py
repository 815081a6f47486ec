"""The text of an Earthfile in, its tokens out: keywords, recipe headers, words, line ends, indentation.

Follows the modes of Earthly's lexer: what a character means depends on the command it stands in. Indentation knows two
levels only (a line of a recipe, or not), and none inside IF, FOR, WAIT, TRY and WITH, which end at END.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

from matrixbuild.core.earthfile.atoms import BLANK, SPACED_WORD, Words
from matrixbuild.core.earthfile.source import Source
from matrixbuild.core.problems import did_you_mean


class Kind(Enum):
    TARGET = auto()
    FUNCTION = auto()
    KEYWORD = auto()
    WORD = auto()
    EQUALS = auto()
    BLANK = auto()
    COMMENT = auto()
    LINE_END = auto()
    INDENT = auto()
    DEDENT = auto()
    END = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A piece of the text: `start` its offset; `docs` (of a recipe header) the comment lines right above it."""

    kind: Kind
    text: str
    start: int
    docs: tuple[str, ...] = ()

    @property
    def end(self) -> int:
        return self.start + len(self.text)


class _Mode(Enum):
    BASE = auto()
    RECIPE = auto()
    BLOCK = auto()
    WORDS = auto()
    KEY = auto()
    VALUE = auto()
    LABEL = auto()


_STATEMENTS = (_Mode.BASE, _Mode.RECIPE, _Mode.BLOCK)
_PLAIN: tuple[str, ...] = ("ADD", "BUILD", "CACHE", "CMD", "COMMAND", "COPY", "DO", "ENTRYPOINT", "EXPOSE", "FROM", "FUNCTION", "HEALTHCHECK", "HOST")
_PLAIN += ("IMPORT", "LOCALLY", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR")
_TWO_WORDS = ("FROM DOCKERFILE", "GIT CLONE", "SAVE ARTIFACT", "SAVE IMAGE")
_ASSIGNMENTS = ("ENV", "ARG", "SET", "LET")
_OPENERS = ("DOCKER", "IF", "TRY", "FOR", "WAIT")
_ANYWHERE = (*_PLAIN, *_TWO_WORDS, *_ASSIGNMENTS, *_OPENERS, "LABEL", "WITH")
_KEYWORDS = {
    _Mode.BASE: (*_ANYWHERE, "VERSION", "PROJECT"),
    _Mode.RECIPE: _ANYWHERE,
    _Mode.BLOCK: (*_ANYWHERE, "ELSE", "ELSE IF", "CATCH", "FINALLY", "END"),
}
COMMANDS = frozenset(("VERSION", "PROJECT", "ELSE", "ELSE IF", "CATCH", "FINALLY", "END", *_ANYWHERE))

# Longest first: FROM DOCKERFILE is not FROM with a word. No boundary follows: Earthly reads FROMscratch as FROM scratch.
_KEYWORD = {mode: re.compile("|".join(sorted(words, key=len, reverse=True))) for mode, words in _KEYWORDS.items()}
_TARGET = re.compile(r"[a-z][a-zA-Z0-9.-]*+:")
_FUNCTION = re.compile(r"[A-Z][A-Z0-9._]*+:")
_HEADER_LIKE = re.compile(r"[^\s:#\"'$=]++:[ \t]*+(?=#|\r|\n|\Z)")
_LINE_END = re.compile(r"[ \t]*+(?:\r\n?|\n|\Z)")
_COMMENT = re.compile(r"[ \t]*+#[^\r\n]*+")
_COMMENT_TEXT = re.compile(r"#[^\r\n]*+")
_CHUNK = re.compile(r"[^ \t\r\n]++")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ahead:
    """What follows comment lines: up to which offset this holds, of comments indented so; whether they begin or end a recipe; the next command."""

    until: int
    indented: bool
    settles: bool
    keyword: str = ""


@lru_cache(maxsize=4)
def tokens(source: Source) -> tuple[Token, ...]:
    """The tokens of an Earthfile, the last one END; raises EarthfileError (SYNTAX) at the first character that begins none.

    Those of the latest texts are kept: what was parsed may be rewritten next."""
    return tuple(_Lexer(source).run())


class _Lexer:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._text = source.text
        self._at = 0
        self._modes = [_Mode.BASE]
        self._words = Words(source)
        self._out: list[Token] = []
        self._docs: list[str] = []
        # The very first line is not "after a line end": Earthly lets it be indented.
        self._after_line_end = False
        self._after_comment = False
        self._indented = False
        self._in_recipe = False
        self._ahead = _Ahead(until=0, indented=False, settles=False)

    def run(self) -> list[Token]:
        while self._step().kind is not Kind.END:
            pass
        return self._out

    def _step(self) -> Token:
        mode = self._modes[-1]
        token = self._next()
        if self._after_comment and token.kind is Kind.LINE_END:
            # A comment line takes its line end with it, so that lines of comments hold together as documentation.
            self._after_line_end, self._indented = True, False
            token = self._next()
        self._after_comment = False
        if token.kind is Kind.END:
            self._finish(token)
        elif mode in (_Mode.BASE, _Mode.RECIPE):
            self._track_indentation(token)
        else:
            self._indented = False
            self._after_comment = self._after_line_end and token.kind is Kind.COMMENT
            self._after_line_end = token.kind is Kind.LINE_END
        self._keep(token, mode)
        if self._modes[-1] is _Mode.WORDS:
            self._take_words()
        return token

    def _take_words(self) -> None:
        """The words of a command up to the first that could be read in several ways: nearly all there are, without a look at their characters."""
        first = len(self._out)
        while word := SPACED_WORD.match(self._text, self._at):
            self._out.append(Token(kind=Kind.WORD, text=word[1], start=word.start(1)))
            self._at = word.end()
        if len(self._out) > first:
            self._docs.clear()
            self._after_line_end = self._after_comment = self._indented = False

    def _finish(self, token: Token) -> None:
        self._put(Token(kind=Kind.LINE_END, text="", start=token.start))
        self._after_line_end, self._indented = True, False
        self._modes.append(_Mode.BASE)
        self._settle_indentation(token)

    def _keep(self, token: Token, mode: _Mode) -> None:
        if token.kind is Kind.COMMENT:
            self._docs.append(token.text)
        elif token.kind is not Kind.BLANK or mode is _Mode.VALUE:
            self._put(token)

    def _put(self, token: Token) -> None:
        if token.kind is Kind.TARGET:
            token = Token(kind=token.kind, text=token.text, start=token.start, docs=tuple(self._docs))
        self._docs.clear()
        self._out.append(token)

    # Indentation ------------------------------------------------------------

    def _track_indentation(self, token: Token) -> None:
        if token.kind is Kind.BLANK:
            self._indented = self._indented or self._after_line_end
        elif token.kind is Kind.LINE_END:
            self._after_line_end, self._indented = True, False
        elif token.kind is not Kind.COMMENT:
            self._settle_indentation(token)
        elif self._after_line_end:
            self._after_comment = True
            self._settle_comment(token)

    def _settle_indentation(self, token: Token) -> None:
        if not self._after_line_end:
            return
        self._after_line_end = False
        if self._indented == self._in_recipe:
            return
        self._in_recipe = self._indented
        self._put(Token(kind=Kind.INDENT if self._indented else Kind.DEDENT, text="", start=token.start))
        if not self._indented and token.kind not in (Kind.TARGET, Kind.FUNCTION) and _Mode.RECIPE in self._modes:
            self._modes.remove(_Mode.RECIPE)

    def _settle_comment(self, token: Token) -> None:
        """A comment line begins or ends a recipe only where all comments up to the next other line are indented as it is, and that line too."""
        if self._modes[-1] is not _Mode.RECIPE:
            return
        indented = token.text[0] in " \t"
        if self._at >= self._ahead.until or self._ahead.indented != indented:
            self._ahead = self._look_ahead(indented=indented)
        if self._ahead.keyword:
            # A quirk of Earthly's: it looks ahead and goes back in the text, but not out of what the command began. So this command is in the
            # recipe even where it is not indented, if no other line stands between.
            self._enter(self._ahead.keyword, _Mode.RECIPE)
        if self._ahead.settles:
            self._indented = indented
            self._settle_indentation(token)

    def _look_ahead(self, *, indented: bool) -> _Ahead:
        at = self._at
        while at < len(self._text):
            if comment := _COMMENT.match(self._text, at):
                if (self._text[at] in " \t") != indented:
                    return _Ahead(until=at, indented=indented, settles=False)
                at = comment.end()
            elif line_end := _LINE_END.match(self._text, at):
                at = line_end.end()
            else:
                keyword = None if self._header(at) else _KEYWORD[_Mode.RECIPE].match(self._text, at)
                settles = (self._text[at] in " \t") == indented
                return _Ahead(until=at, indented=indented, settles=settles, keyword=keyword[0] if keyword else "")
        return _Ahead(until=at, indented=indented, settles=not indented)

    # Tokens -----------------------------------------------------------------

    def _next(self) -> Token:
        start = self._at
        if start >= len(self._text):
            return Token(kind=Kind.END, text="", start=start)
        token = self._between(start) or (self._statement(start) if self._modes[-1] in _STATEMENTS else self._argument(start))
        self._at = token.end
        return token

    def _take(self, kind: Kind, start: int, end: int) -> Token:
        return Token(kind=kind, text=self._text[start:end], start=start)

    def _between(self, start: int) -> Token | None:
        """A line end, a comment or blanks, which are the same in every mode; a `#` right at `start` may begin a word instead."""
        if self._text[start] not in " \t\r\n":
            return None
        if line_end := _LINE_END.match(self._text, start):
            if self._modes[-1] not in _STATEMENTS:
                self._modes.pop()
            return self._take(Kind.LINE_END, start, line_end.end())
        if comment := _COMMENT.match(self._text, start):
            return self._take(Kind.COMMENT, start, comment.end())
        blank = BLANK.match(self._text, start)
        return self._take(Kind.BLANK, start, blank.end()) if blank else None

    def _statement(self, start: int) -> Token:
        mode = self._modes[-1]
        if comment := _COMMENT_TEXT.match(self._text, start):
            return self._take(Kind.COMMENT, start, comment.end())
        if mode is not _Mode.BLOCK and (header := self._header(start)):
            return header
        if keyword := _KEYWORD[mode].match(self._text, start):
            self._enter(keyword[0], mode)
            return self._take(Kind.KEYWORD, start, keyword.end())
        raise self._unknown(start)

    def _header(self, start: int) -> Token | None:
        for kind, pattern in ((Kind.TARGET, _TARGET), (Kind.FUNCTION, _FUNCTION)):
            if header := pattern.match(self._text, start):
                if self._modes[-1] is _Mode.BASE:
                    self._modes.append(_Mode.RECIPE)
                return self._take(kind, start, header.end())
        return None

    def _enter(self, keyword: str, mode: _Mode) -> None:
        if keyword == "WITH":
            return
        if keyword == "END":
            self._modes.pop()
        elif keyword in _OPENERS:
            self._modes.append(_Mode.BLOCK)
        if keyword == "WAIT" and mode is _Mode.BLOCK:
            # A quirk of Earthly's: a WAIT inside a block takes no words at all.
            return
        self._modes.append(_Mode.KEY if keyword in _ASSIGNMENTS else _Mode.LABEL if keyword == "LABEL" else _Mode.WORDS)

    def _argument(self, start: int) -> Token:
        mode = self._modes[-1]
        if self._text[start] == "=" and mode in (_Mode.KEY, _Mode.LABEL):
            if mode is _Mode.KEY:
                self._modes[-1] = _Mode.VALUE
            return self._take(Kind.EQUALS, start, start + 1)
        end = self._words.end(start, key=mode in (_Mode.KEY, _Mode.LABEL))
        comment = _COMMENT_TEXT.match(self._text, start)
        if comment and comment.end() > end:
            return self._take(Kind.COMMENT, start, comment.end())
        if end == start:
            raise self._unclosed(start)
        return self._take(Kind.WORD, start, end)

    # Errors -----------------------------------------------------------------

    def _unclosed(self, start: int) -> Exception:
        if self._text[start] == "\\":
            return self._source.error("the file ends in a line continuation", start, hint="remove the backslash")
        quote = self._text[start]
        name = "double" if quote == '"' else "single"
        return self._source.error(f"this {name} quote is never closed", start, hint=f"close it, or write \\{quote} for the character itself")

    def _unknown(self, start: int) -> Exception:
        chunk = _CHUNK.match(self._text, start)
        word = chunk[0] if chunk else self._text[start]
        end = start + len(word)
        if self._text[start] == "\ufeff":
            return self._source.error("the file begins with a byte order mark", start, hint="save it as UTF-8 without a byte order mark")
        header = _HEADER_LIKE.match(self._text, start)
        if header and self._modes[-1] is _Mode.BLOCK:
            return self._source.error(f"{word!r} begins a recipe inside a block", start, end, hint="a block ends at its END: is one missing above?")
        if header:
            hint = "a target is a lower-case letter, then letters, digits, '.' and '-'; a function is upper-case letters, digits, '.' and '_'"
            return self._source.error(f"{word!r} is no name of a target or function", start, end, hint=hint)
        return self._source.error(f"{_shown(word)} is no command here", start, end, hint=self._advice(word))

    def _advice(self, word: str) -> str:
        if word in COMMANDS:
            return f"{word} belongs elsewhere: VERSION and PROJECT above all targets, ELSE, CATCH, FINALLY and END inside their block"
        return did_you_mean(word.upper(), COMMANDS) or "a line begins with a command such as COPY, unless the line above ends in a backslash"


def _shown(word: str) -> str:
    return repr(word) if len(word) <= 40 else f"{word[:40]!r}..."
