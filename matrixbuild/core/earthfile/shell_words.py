"""Shell text in, its words and operators out, and words expanded to fields as a POSIX shell would (what IF and FOR need, no more)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from matrixbuild.core.earthfile.arithmetic import arithmetic
from matrixbuild.core.earthfile.expansion import Lookup


class NeedsShell(Exception):  # noqa: N818  (it names what only a shell can do)
    """The expression asks for something only a real shell in the image can answer; the text names it."""


class ShellSyntax(Exception):  # noqa: N818
    """The expression is no shell text: a real shell would end with a syntax error."""


class UnknownVariable(Exception):  # noqa: N818
    """The expression reads a variable that only a base image we have not seen could define; the text is its name."""


SET_BY_THE_SHELL = frozenset(
    {"HOME", "PATH", "PWD", "OLDPWD", "SHLVL", "HOSTNAME", "IFS", "OPTIND", "PPID", "PS1", "PS2", "PS4", "LINENO", "RANDOM", "TERM"}
)
"""Variables that are there even where neither image nor Earthfile defines them, with values only the shell knows."""

OPERATORS = ("&&", "||", ";;", ";", "&", "|", "(", ")", "<", ">", "\n")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BLANK = " \t"
_ENDS = frozenset(_BLANK + "".join(each for each in OPERATORS if len(each) == 1))
"""What ends a word: a blank, or an operator, each of which begins with one of a single character."""


class Facts:
    """What a shell text may ask about the files of an image. This one knows none: each question raises NeedsShell."""

    def test(self, operator: str, path: str) -> bool:  # noqa: ARG002
        """Whether `[ operator path ]`."""
        raise NeedsShell(f"the file test {operator}")

    def glob(self, pattern: str) -> tuple[str, ...]:
        """The paths that match, in the shell's order."""
        raise NeedsShell(f"the files of the image that match {pattern}")

    def program(self, name: str, path: str) -> bool:  # noqa: ARG002
        """Whether there is a program of that name; `path` is $PATH."""
        raise NeedsShell(f"the command {name!r}")

    def working_directory(self) -> str:
        """$PWD."""
        raise NeedsShell("the variable PWD, which the shell in the image sets")


@dataclass(slots=True)
class Reader:
    """Looks variables up and remembers which overrides influenced what was read."""

    lookup: Lookup
    facts: Facts = field(default_factory=Facts)
    taint: set[str] = field(default_factory=set)

    def get(self, name: str) -> str | None:
        value = self.lookup(name)
        if value is None:
            if name == "PWD":
                return self.facts.working_directory()
            if name in SET_BY_THE_SHELL:
                raise NeedsShell(f"the variable {name}, which the shell in the image sets")
            return None
        if value.unknown:
            raise UnknownVariable(value.unknown)
        self.taint |= value.taint
        return value.text


@dataclass(frozen=True, slots=True)
class Word:
    """A word as written; `literal` is its text where nothing in it is quoted or expanded, else None."""

    text: str
    literal: str | None


@dataclass(frozen=True, slots=True)
class Operator:
    text: str


Token = Word | Operator


def tokens(text: str) -> Iterator[Token]:
    """Words and operators of a shell text. Raises ShellSyntax for an unterminated quote, NeedsShell for a comment (it would hide what follows)."""
    at = 0
    while at < len(text):
        if text[at] in _BLANK:
            at += 1
        elif text.startswith("\\\n", at):
            at += 2
        elif operator := next((each for each in OPERATORS if text.startswith(each, at)), None):
            yield Operator(operator)
            at += len(operator)
        elif text[at] == "#":
            raise NeedsShell("a comment inside of the expression")
        else:
            end = _word_end(text, at)
            word = text[at:end]
            yield Word(word, None if any(char in word for char in "'\"\\$`") else word)
            at = end


def _word_end(text: str, at: int) -> int:
    while at < len(text) and text[at] not in _ENDS:
        at = _skip_one(text, at)
    return at


def _skip_one(text: str, at: int) -> int:
    """The position after the character, quoted text or substitution that starts at `at`."""
    match text[at]:
        case "\\":
            return min(at + 2, len(text))
        case "'":
            return _closing(text, text.find("'", at + 1), "'")
        case '"':
            return _closing(text, _double_end(text, at + 1), '"')
        case "$" if text.startswith("${", at):
            return _closing(text, brace_end(text, at + 2), "}")
        case "$" if text.startswith("$((", at):
            return _closing(text, _arithmetic_end(text, at + 3), "))", width=2)
        case "`":
            raise NeedsShell("a command substitution")
        case "$" if text.startswith("$(", at):
            raise NeedsShell("a command substitution")
    return at + 1


def _closing(text: str, at: int, what: str, *, width: int = 1) -> int:
    if at < 0:
        raise ShellSyntax(f"unterminated: {what!r} is missing in {text!r}")
    return at + width


def _double_end(text: str, at: int) -> int:
    while at < len(text) and text[at] != '"':
        at = at + 1 if text[at] == "'" else _skip_one(text, at)  # a single quote means itself between double quotes
    return at if at < len(text) else -1


def brace_end(text: str, at: int) -> int:
    """Where the `}` is that closes a `${` whose name starts at `at`; -1 where there is none."""
    while at < len(text) and text[at] != "}":
        at = _skip_one(text, at)
    return at if at < len(text) else -1


def _arithmetic_end(text: str, at: int) -> int:
    depth = 0
    for position in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        if depth < 0:
            return position if text.startswith("))", position) else -1
    return -1


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an expanded word: quoted text is neither split nor a pattern; `split` text (from a variable) is split at blanks."""

    text: str
    quoted: bool = False
    split: bool = False


def pieces(word: str, reader: Reader, *, quoted: bool = False) -> list[Piece]:
    """The parts of one word after parameter and arithmetic expansion, quotes taken off. `quoted`: the text stands between double quotes."""
    found: list[Piece] = []
    at = 0
    while at < len(word):
        end = at + 1 if quoted and word[at] == "'" else _skip_one(word, at)
        found += _expanded(word[at:end], reader, quoted=quoted)
        at = end
    return found


def _expanded(part: str, reader: Reader, *, quoted: bool) -> list[Piece]:
    if part[0] == "$" and len(part) > 1:
        return _substituted(part, reader, quoted=quoted)
    if part[0] == "\\":
        keeps_backslash = quoted and part[1:2] not in ("$", "`", '"', "\\", "\n")
        return [Piece(part if keeps_backslash else part[1:].replace("\n", ""), quoted=True)]
    if part[0] == '"':
        return [Piece("", quoted=True), *pieces(part[1:-1], reader, quoted=True)]
    if part[0] == "'" and not quoted:
        return [Piece(part[1:-1], quoted=True)]
    return [Piece(part, quoted=quoted)]


def _substituted(part: str, reader: Reader, *, quoted: bool) -> list[Piece]:
    if part.startswith("$(("):
        text = "".join(piece.text for piece in pieces(part[3:-2], reader, quoted=True))
        return [Piece(str(arithmetic(text, reader.get)), quoted=quoted, split=not quoted)]
    return _parameter(part[2:-1], reader, quoted=quoted)


@lru_cache(maxsize=4096)
def names_joined(word: str) -> str:
    """`$NAME` as `${NAME}`, so that one rule reads both; what is single-quoted or escaped stays."""
    found, at, double = "", 0, False
    while at < len(word):
        if word[at] == "\\":
            found, at = found + word[at : at + 2], at + 2
        elif word[at] == "'" and not double:
            end = word.find("'", at + 1) + 1
            found, at = found + word[at:end], end
        elif word[at] == "$" and (name := _variable(word, at + 1)):
            found, at = f"{found}${{{name}}}", at + 1 + len(name)
        else:
            double ^= word[at] == '"'
            found, at = found + word[at], at + 1
    return found


def _variable(word: str, at: int) -> str:
    name = _NAME.match(word, at)
    if name:
        return name.group()
    return word[at] if at < len(word) and word[at] in "@*#?-$!0123456789" else ""


_ESCAPED = re.compile(r"([\\*?\[\]])")
_OPERATION = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(:?[-+=?]|%%?|##?)?(.*)", re.DOTALL)


def _parameter(inside: str, reader: Reader, *, quoted: bool) -> list[Piece]:
    """`${inside}`."""
    if length := re.fullmatch(r"#([A-Za-z_][A-Za-z0-9_]*)", inside):
        return [Piece(str(len(reader.get(length.group(1)) or "")), quoted=quoted)]
    operation = _OPERATION.fullmatch(inside)
    if not operation or (operation.group(2) is None and operation.group(3)):
        raise NeedsShell(f"the expansion ${{{inside}}}")
    name, operator, word = operation.group(1), operation.group(2) or "", operation.group(3)
    value = reader.get(name)
    plain = [Piece(value or "", quoted=quoted, split=not quoted)]
    if operator and operator[0] in "%#":
        return [Piece(_trimmed(value or "", operator, _pattern(word, reader)), quoted=quoted, split=not quoted)]
    missing = value is None or (operator.startswith(":") and not value)
    return _chosen(operator, name, plain, missing=missing, word=lambda: _default(word, reader, quoted=quoted))


def _default(word: str, reader: Reader, *, quoted: bool) -> list[Piece]:
    found = pieces(names_joined(word), reader, quoted=quoted)
    return found if quoted else [Piece(each.text, quoted=each.quoted, split=not each.quoted) for each in found]


def _chosen(operator: str, name: str, plain: list[Piece], *, missing: bool, word: Callable[[], list[Piece]]) -> list[Piece]:
    match operator[-1:]:
        case "+":
            return [] if missing else word()
        case "-" if missing:
            return word()
        case "=" | "?" if missing:
            raise NeedsShell(f"the expansion ${{{name}{operator}...}} of a variable that is not set")
    return plain


def _pattern(word: str, reader: Reader) -> str:
    return "".join(_ESCAPED.sub(r"\\\1", each.text) if each.quoted else each.text for each in pieces(names_joined(word), reader))


def _trimmed(value: str, operator: str, pattern: str) -> str:
    regex = re.compile(pattern_regex(pattern), re.DOTALL)
    ends = range(len(value) + 1)
    if operator[0] == "#":
        cuts = [end for end in ends if regex.fullmatch(value[:end])]
        return value[(max(cuts) if operator == "##" else min(cuts)) :] if cuts else value
    starts = [start for start in ends if regex.fullmatch(value[start:])]
    return value[: (min(starts) if operator == "%%" else max(starts))] if starts else value


def pattern_regex(pattern: str) -> str:
    r"""A shell pattern (`*`, `?`, `[...]`, backslash) as a regular expression."""
    found, at = "", 0
    while at < len(pattern):
        char = pattern[at]
        group = re.compile(r"\[([!^]?)(\]?[^\]]*)\]").match(pattern, at) if char == "[" else None
        if group:
            inner = group.group(2).replace("\\", "\\\\").replace("[", "\\[")
            found, at = f"{found}[{'^' if group.group(1) else ''}{inner}]", group.end()
            continue
        if char == "\\" and at + 1 < len(pattern):
            at += 1
            found += re.escape(pattern[at])
        else:
            found += {"*": ".*", "?": "."}.get(char, re.escape(char))
        at += 1
    return found


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a command line; `glob`, where unquoted pattern characters are in it (a shell would look for files), is it with the quoted ones
    escaped."""

    text: str
    glob: str = ""


_QUOTED = re.compile(r'"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})"')
"""A variable in double quotes: what it stands for is one field, whatever is in it."""


def fields(word: Word, reader: Reader) -> list[Field]:
    """What one word becomes on a command line: none, one or several fields."""
    if word.literal is not None and not word.literal.startswith("~"):
        return [_plain(word.literal)]
    if found := _QUOTED.fullmatch(word.text):
        return [Field(reader.get(found[1] or found[2]) or "")]
    if "$" not in word.text and not word.text.startswith("~"):
        return list(_unchanging(word.text))
    text, home = word.text, list[Piece]()
    if text == "~" or text.startswith("~/"):
        text, home = text[1:], [Piece(reader.get("HOME") or "", quoted=True)]
    elif text.startswith("~"):
        raise NeedsShell("another user's home directory (~name)")
    parts: list[list[Piece]] = []
    open_field = False
    for piece in (*home, *pieces(names_joined(text), reader)):
        open_field = _append(parts, piece, open_field=open_field)
    return [_field(each) for each in parts]


@lru_cache(maxsize=4096)
def _unchanging(text: str) -> tuple[Field, ...]:
    """The fields of a word that nothing is expanded in, such as one in quotes."""
    found: list[list[Piece]] = []
    open_field = False
    for piece in pieces(text, Reader(lambda _: None)):
        open_field = _append(found, piece, open_field=open_field)
    return tuple([_field(parts) for parts in found])


@lru_cache(maxsize=4096)
def _plain(literal: str) -> Field:
    """The field of a word that holds nothing to expand and no quotes."""
    return _field([Piece(literal)])


def _append(found: list[list[Piece]], piece: Piece, *, open_field: bool) -> bool:
    """Add a piece to the fields; gives whether the next piece goes on in the last of them."""
    parts = re.split(r"[ \t\n]+", piece.text) if piece.split else [piece.text]
    for number, part in enumerate(parts):
        if number:
            open_field = False
        if not part and not piece.quoted:
            continue
        if not open_field:
            found.append([])
        found[-1].append(Piece(part, quoted=piece.quoted))
        open_field = True
    return open_field


def _field(parts: list[Piece]) -> Field:
    marked = "".join("\0" * len(part.text) if part.quoted else part.text for part in parts)
    pattern = "".join(_ESCAPED.sub(r"\\\1", part.text) if part.quoted else part.text for part in parts)
    return Field("".join(part.text for part in parts), glob=pattern if re.search(r"[*?]|\[.+\]", marked) else "")
