"""A word of an Earthfile command in, its expanded value out, with the names of the overrides that influenced it.

Two dialects are Earthly's own history: with `--shell-out-anywhere` (default from 0.7) words go through a lexer that knows `$(...)`
and `${x%suffix}`; before it through Docker's, where an error leaves the word as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from functools import lru_cache

from matrixbuild.core.earthfile.values import EMPTY, Value, joined, plain_value

Tested = Callable[[frozenset[str]], None]
"""Told the overrides behind a value that was asked whether it is empty, so that another one takes its place."""

Lookup = Callable[[str], Value | None]
"""The value of a variable that is visible here, or None."""


class Dialect(Enum):
    """Whose lexer expands: `EARTHLY` (shell-out anywhere), `DOCKER` (0.6 without that flag) or, with its errors, `DOCKERFILE`."""

    EARTHLY = "earthly"
    DOCKER = "docker"
    DOCKERFILE = "dockerfile"


class WordError(Exception):
    """A word that cannot be expanded; the text says why in one clause. `malformed`: not even its quotes and braces can be read."""

    def __init__(self, summary: str, *, malformed: bool = False) -> None:
        super().__init__(summary)
        self.malformed = malformed


class ShellOut(Exception):  # noqa: N818  (not an error of the word: it asks for a shell)
    """The word runs a shell command in the image; `command` is that command."""

    def __init__(self, command: str) -> None:
        super().__init__(command)
        self.command = command


def expand(
    word: str, lookup: Lookup, *, dialect: Dialect = Dialect.EARTHLY, keep_plus_escape: bool = False, tested: Tested | None = None
) -> Value:
    r"""Expand variables in one word and take its quotes off; nothing is split.

    `\+` stays escaped where a reference is still to be parsed (`keep_plus_escape`) and becomes `+` elsewhere.
    Raises WordError, or ShellOut for `$(...)` and for `$HOME` and `$PATH` where nothing defines them.
    """
    escaped = word.replace("\\+", "\\\\+")
    try:
        value = _expand_earthly(escaped, lookup, tested) if dialect is Dialect.EARTHLY else _lexed(escaped, lookup, dialect, tested)
    except WordError:
        if dialect is not Dialect.DOCKER:
            raise
        value = Value(text=escaped)  # as Earthly before --shell-out-anywhere: no effect where the lexer fails
    return value if keep_plus_escape or "\\+" not in value.text else value.with_text(value.text.replace("\\+", "+"))


def plain(word: str) -> Value | None:
    """What a word is in the Earthly dialect, wherever it stands; None for one that holds a variable, or that only a lexer can read."""
    plan = _plan(word)
    return plan if isinstance(plan, Value) else None


def variables_of(word: str) -> tuple[str, ...] | None:
    """The variables in a word, in their order; None for a word that only a lexer can read."""
    plan = _plan(word)
    if plan is None:
        return None
    return () if isinstance(plan, Value) else tuple(name for name, variable in plan if variable)


@lru_cache(maxsize=8192)  # the same words are met in every evaluation
def runs_a_shell(word: str) -> bool:
    """Whether a word holds a `$(...)`, or cannot be lexed at all (what Earthly asks before it converts a BUILD ahead of its turn)."""
    try:
        _Lexer(word, lambda _: EMPTY, Dialect.EARTHLY).whole()
    except (ShellOut, WordError):
        return True
    return False


def _expand_earthly(word: str, lookup: Lookup, tested: Tested | None) -> Value:
    plan = _plan(word)
    if isinstance(plan, Value):
        return plan
    if plan is not None:
        values = [_standing_for(each, lookup) if variable else plain_value(each) for each, variable in plan]
        return values[0] if len(values) == 1 else joined(values)
    return _lexed(word, lookup, Dialect.EARTHLY, tested)


_RUN_OF_PLAIN = re.compile(r"""([^$'"\\]+)|\$([A-Za-z_][A-Za-z0-9_]*)(?!\w)|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\"""")


@lru_cache(maxsize=8192)
def _plan(word: str) -> tuple[tuple[str, bool], ...] | Value | None:
    """The texts and (True) the names of variables that a word is made of, one behind the other; the value of one that no variable is in; None for
    what only a lexer can read."""
    found: list[tuple[str, bool]] = []
    at, quotes = 0, 0
    while at < len(word):
        part = _RUN_OF_PLAIN.match(word, at)
        if part is None:
            return None
        at = part.end()
        quotes += part[0] == '"'
        if part[0] != '"':
            found.append((part[1], False) if part[1] else (part[2] or part[3], True))
    if quotes % 2:
        return None
    return tuple(found) if any(variable for _, variable in found) else plain_value("".join([text for text, _ in found]))


def _standing_for(name: str, lookup: Lookup) -> Value:
    """What a variable stands for in the Earthly dialect; nothing where it is not set. Raises ShellOut for what only a shell in the image knows."""
    value = lookup(name)
    if value is None and name in _ASKED_OF_A_SHELL:
        raise ShellOut(f"echo ${name}")
    return value or EMPTY


def _lexed(word: str, lookup: Lookup, dialect: Dialect, tested: Tested | None) -> Value:
    try:
        return _Lexer(word, lookup, dialect, tested).whole()
    except WordError as error:
        raise WordError(f"cannot expand {word}: {error}", malformed=error.malformed) from None


_SPECIAL = "@*#?-$!0"
_PLAIN = re.compile(r"""[^$'"\\]+""")
_UP_TO_BRACE = re.compile(r"""[^$'"\\}]+""")
_ASKED_OF_A_SHELL = ("HOME", "PATH")


class _Lexer:
    """One pass over one word."""

    def __init__(self, word: str, lookup: Lookup, dialect: Dialect, tested: Tested | None = None) -> None:
        self._word = word
        self._at = 0
        self._lookup = lookup
        self._dialect = dialect
        self._tested = tested

    def whole(self) -> Value:
        return self._until("")

    def _peek(self) -> str:
        return self._word[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._peek()
        self._at += 1
        return char

    def _until(self, stop: str) -> Value:
        parts: list[Value] = []
        plain = _UP_TO_BRACE if stop else _PLAIN
        while char := self._peek():
            if char == stop:
                self._at += 1
                return joined(parts)
            if run := plain.match(self._word, self._at):
                self._at = run.end()
                parts.append(Value(text=run.group()))
            else:
                parts.append(self._piece(char))
        if stop:
            raise WordError(f"{stop!r} is missing", malformed=True)
        return joined(parts)

    def _piece(self, char: str) -> Value:
        if char == "$":
            return self._dollar()
        if char == "'":
            return self._single_quoted()
        if char == '"':
            return self._double_quoted()
        self._at += 1
        return Value(text=self._next() if char == "\\" else char)

    def _single_quoted(self) -> Value:
        end = self._word.find("'", self._at + 1)
        if end < 0:
            raise WordError("a single quote is never closed", malformed=True)
        text = self._word[self._at + 1 : end]
        self._at = end + 1
        return Value(text=text)

    def _double_quoted(self) -> Value:
        self._at += 1
        parts: list[Value] = []
        while char := self._peek():
            if char == '"':
                self._at += 1
                return joined(parts)
            parts.append(self._dollar() if char == "$" else self._quoted_char())
        raise WordError("a double quote is never closed", malformed=True)

    def _quoted_char(self) -> Value:
        char = self._next()
        if char != "\\":
            return Value(text=char)
        following = self._peek()
        if following in ('"', "$", "\\"):
            self._at += 1
            return Value(text=following)
        return Value(text=char if following else "")

    def _dollar(self) -> Value:
        self._at += 1
        following = self._peek()
        if following == "{":
            self._at += 1
            return self._braced()
        if following == "(" and self._dialect is Dialect.EARTHLY:
            self._at += 1
            raise ShellOut(self._command())
        name = self._name()
        return self._get(name) or EMPTY if name else Value(text="$")

    def _name(self) -> str:
        start, first = self._at, self._peek()
        if first.isdecimal():
            while self._peek().isdecimal():
                self._at += 1
        elif first and first in _SPECIAL:
            self._at += 1
        else:
            while self._peek() == "_" or self._peek().isalpha() or self._peek().isdecimal():
                self._at += 1
        return self._word[start : self._at]

    def _get(self, name: str) -> Value | None:
        value = self._lookup(name)
        if value is None and name in _ASKED_OF_A_SHELL and self._dialect is Dialect.EARTHLY:
            raise ShellOut(f"echo ${name}")
        return value

    def _command(self) -> str:
        """The text up to the parenthesis that closes `$(`, quotes and escapes respected."""
        start, depth = self._at, 1
        while char := self._next():
            if char == "\\":
                self._at += 1
            elif char in "'\"":
                self._skip_quotes(char)
            elif char in "()":
                depth += 1 if char == "(" else -1
                if depth == 0:
                    return self._word[start : self._at - 1]
        raise WordError("')' is missing", malformed=True)

    def _skip_quotes(self, quote: str) -> None:
        while char := self._next():
            if char == quote:
                return
            if char == "\\" and quote == '"':
                self._at += 1
        raise WordError("a quote inside of $(...) is never closed", malformed=True)

    def _braced(self) -> Value:
        following = self._peek()
        if not following:
            raise WordError("'}' is missing", malformed=True)
        if following in "{}:":
            raise WordError("the name after ${ is missing", malformed=True)
        name, modifier = self._name(), self._next()
        if modifier == "}":
            return self._get(name) or EMPTY
        if modifier == ":":
            modifier = f":{self._next()}"
        allowed = (":+", ":-", ":?", "?", "%", "#") if self._dialect is Dialect.EARTHLY else (":+", ":-", ":?", "+", "-", "?")
        # Earthly reads up to the brace before it judges what stands behind a colon.
        word = self._until("}") if modifier in allowed or modifier.startswith(":") else EMPTY
        if modifier not in allowed:
            raise WordError(f"${{{name}{modifier}...}} is no expansion that Earthly knows")
        value = self._get(name)
        if value is not None and self._tested and modifier[-1] in "-+?":
            self._tested(value.taint)
        return _modified(name, modifier, value, word)


def _modified(name: str, modifier: str, value: Value | None, word: Value) -> Value:
    if value is not None and value.unknown:
        return value.obscured(word.taint)
    plain = value or EMPTY
    empty = value is None or (not value.text and modifier.startswith(":"))
    match modifier[-1]:
        case "-":
            return joined((plain.with_text(""), word)) if empty else plain
        case "+":
            return plain.with_text("") if empty else joined((plain.with_text(""), word))
        case "?":
            if empty:
                raise WordError(f"{name} {'is not set or empty' if modifier == ':?' else 'is not set'}{f' ({word.text})' if word.text else ''}")
            return plain
        case "%":
            return plain.obscured(word.taint).with_text(plain.text.removesuffix(word.text))
        case _:
            return plain.obscured(word.taint).with_text(plain.text.removeprefix(word.text))
