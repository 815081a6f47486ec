"""The expression of an IF or FOR in, its exit status or its items out, as a POSIX shell (busybox's where shells differ) would give them.

Only known values decide here: whatever asks about files, other programs or the shell's own variables is left to a real shell.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from matrixbuild.core.earthfile.arithmetic import ArithmeticProblem
from matrixbuild.core.earthfile.expansion import Lookup
from matrixbuild.core.earthfile.shell_test import Dialect, test_status
from matrixbuild.core.earthfile.shell_words import (
    Facts,
    Field,
    NeedsShell,
    Operator,
    Reader,
    ShellSyntax,
    Token,
    UnknownVariable,
    Word,
    fields,
    tokens,
)

__all__ = ["Answer", "NeedsShell", "ShellSyntax", "UnknownVariable", "condition", "items"]

_RESERVED = frozenset({"if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "in", "function", "}"})

_BUILTINS = frozenset(
    {
        ".", "alias", "bg", "bind", "break", "builtin", "caller", "cd", "chdir", "command", "compgen", "complete", "compopt", "continue",
        "declare", "dirs", "disown", "echo", "enable", "eval", "exec", "exit", "export", "fc", "fg", "getopts", "hash", "help", "history",
        "kill", "let", "local", "logout", "mapfile", "popd", "print", "printf", "pushd", "pwd", "read", "readarray", "readonly",
        "return", "set", "shift", "shopt", "source", "suspend", "test", "time", "times", "trap", "type", "typeset", "ulimit", "umask",
        "unalias", "unset", "wait",
    }
)
"""What some shell does itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an expression gave: exit status, items (FOR), the overrides it read, and patterns that must match no file for it to hold.

    `shells`: where not empty, the shells that agree on it.
    """

    status: int = 0
    items: tuple[str, ...] = ()
    taint: frozenset[str] = frozenset()
    unmatched: tuple[str, ...] = ()
    shells: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def _lexed(text: str) -> tuple[Token, ...]:
    """The same expression is asked for every cell of a matrix."""
    return tuple(tokens(text))


def condition(text: str, lookup: Lookup, facts: Facts | None = None, *, bare: bool = False) -> Answer:
    """The exit status of a shell text; `bare`: of a shell that knows neither `[[` nor `==`, as dash does.

    Raises NeedsShell for what only a shell in the image can answer, UnknownVariable, and ShellSyntax.
    """
    run = _Run(list(_lexed(text)), Reader(lookup, facts or Facts()), dialect=Dialect(bare=bare))
    try:
        status = run.whole()
    except ArithmeticProblem as problem:
        raise NeedsShell(str(problem)) from None
    return Answer(status=status, taint=frozenset(run.reader.taint), unmatched=tuple(run.unmatched), shells=run.dialect.shells)


def items(text: str, separators: str, lookup: Lookup, facts: Facts | None = None) -> Answer:
    """The items FOR runs over: what `echo text` prints, split at any of `separators`. Raises as `condition`."""
    found = list(_lexed(text))
    if any(isinstance(token, Operator) for token in found):
        raise NeedsShell("a shell operator")
    reader = Reader(lookup, facts or Facts())
    try:
        words: list[Field] = [each for token in found if isinstance(token, Word) for each in fields(token, reader)]
    except ArithmeticProblem as problem:
        raise NeedsShell(str(problem)) from None
    output = _echoed([text for word in words for text in ((reader.facts.glob(word.glob) if word.glob else ()) or (word.text,))])
    split = output.translate({ord(char): "\0" for char in separators}).split("\0")
    return Answer(items=tuple(each for each in split if each), taint=frozenset(reader.taint))


def _echoed(words: list[str]) -> str:
    texts = list(words)
    while texts and len(texts[0]) > 1 and texts[0][0] == "-" and set(texts[0][1:]) <= set("neE"):
        if "e" in texts.pop(0):
            raise NeedsShell("the option -e of echo")
    return " ".join(texts).removesuffix("\n")


@dataclass(slots=True)
class _Run:
    """Runs a list of commands; a part that is skipped (after `false &&`) is read without being expanded."""

    rest: list[Token]
    reader: Reader
    unmatched: list[str] = field(default_factory=list)
    dialect: Dialect = field(default_factory=Dialect)

    def whole(self) -> int:
        if not self.rest:
            raise ShellSyntax("an empty expression")
        status = self._list(live=True)
        if self.rest:
            raise ShellSyntax(f"unexpected {self.rest[0].text!r}")
        return status

    def _operator(self, *texts: str) -> str:
        """The next token where it is one of these operators, taken; else the empty string."""
        first = self.rest[0] if self.rest else None
        return self.rest.pop(0).text if isinstance(first, Operator) and first.text in texts else ""

    def _braces(self, brace: str) -> bool:
        taken = bool(self.rest) and self.rest[0] == Word(brace, brace)
        if taken:
            self.rest.pop(0)
        return taken

    def _list(self, *, live: bool) -> int:
        status = self._and_or(live=live)
        while self._operator(";", "\n"):
            if not self.rest or self.rest[0] in (Operator(")"), Word("}", "}")):
                break
            status = self._and_or(live=live)
        return status

    def _and_or(self, *, live: bool) -> int:
        status = self._pipeline(live=live)
        while joint := self._operator("&&", "||"):
            wanted = live and (status == 0) == (joint == "&&")
            following = self._pipeline(live=wanted)
            status = following if wanted else status
        return status

    def _pipeline(self, *, live: bool) -> int:
        negated = bool(self.rest) and self.rest[0] == Word("!", "!")
        if negated:
            self.rest.pop(0)
        if negated and self.rest and self.rest[0] == Word("!", "!"):
            raise ShellSyntax("unexpected '!'")
        status = self._command(live=live)
        if other := self._operator("|", "&", "<", ">", ";;"):
            raise NeedsShell(f"the shell operator {other}")
        return int(status == 0) if negated else status

    def _command(self, *, live: bool) -> int:
        if self._operator("("):
            status = self._list(live=live)
            if not self._operator(")"):
                raise ShellSyntax("a missing )")
            return status
        if self._braces("{"):
            status = self._list(live=live)
            if not self._braces("}"):
                raise ShellSyntax("a missing }")
            return status
        words = self._words()
        if not words:
            raise ShellSyntax(f"a command is missing before {self.rest[0].text!r}" if self.rest else "a command is missing at the end")
        if words[0].literal in _RESERVED:
            raise NeedsShell(f"the shell's {words[0].literal!r}")
        return self._status(words) if live else 0

    def _words(self) -> list[Word]:
        """The words of one simple command; between `[[` and `]]` busybox takes && and || as words too."""
        found: list[Word] = []
        bracketed = False
        while self.rest:
            token = self.rest[0]
            if isinstance(token, Operator):
                if not (bracketed and token.text in ("&&", "||")):
                    break
                token = Word(token.text, token.text)
            bracketed = (bracketed or token.literal == "[[") and token.literal != "]]"
            found.append(token)
            self.rest.pop(0)
        return found

    def _status(self, words: list[Word]) -> int:
        if "=" in words[0].text and words[0].text.split("=")[0].isidentifier():
            raise NeedsShell(f"the assignment {words[0].text}")
        line = [each for word in words for each in fields(word, self.reader)]
        if not line:
            return 0
        command, args = line[0].text, [each.text for each in line[1:]]
        self.unmatched += [each.text for each in line if each.glob]
        match command:
            case "true" | ":":
                return 0
            case "false":
                return 1
            case "[" | "[[" | "test":
                return test_status(command, args, self.dialect, self.reader.facts)
        return self._program(command)

    def _program(self, command: str) -> int:
        if not command:
            return 127
        path = self.reader.get("PATH") if self.reader.lookup("PATH") else None
        if command in _BUILTINS or path is None or self.reader.facts.program(command, path):
            raise NeedsShell(f"the command {command!r}")
        return 127
