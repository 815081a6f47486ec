"""The tokens of ENV, ARG, SET, LET and LABEL in, their arguments (name, `=`, value) out."""

from __future__ import annotations

import re

from matrixbuild.core.earthfile.cursor import Cursor
from matrixbuild.core.earthfile.faults import Fault
from matrixbuild.core.earthfile.lexer import Kind, Token
from matrixbuild.core.earthfile.words import joined

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_WITH_FLAGS = {"ARG", "LET"}
_VALUE_NEEDED = {"SET", "LET"}


def assigned(command: str, cursor: Cursor) -> tuple[str, ...]:
    """Flags, name, and `=` with the value where there is one.

    A value keeps its blanks, line continuations included, as Earthly keeps them; only ENV may go without `=`, and then
    Earthly puts the words of the value together without the blanks between them.
    """
    words = list(cursor.some_words(command, hint=f"write {command} NAME=value"))
    flags = words[:-1] if command in _WITH_FLAGS else []
    name, rest = words[len(flags)], words[len(flags) + 1 :]
    value = "".join(word.text for word in rest)
    if rest and command != "ENV":
        raise cursor.refused(rest[0], "'='", hint=f"write {command} {name.text}=value")
    if not rest:
        value = _after_equals(command, name, cursor)
    _check_name(name, cursor)
    return (*(joined(flag.text) for flag in flags), name.text, *(("=", value) if value else ()))


def _after_equals(command: str, name: Token, cursor: Cursor) -> str:
    if not cursor.at(Kind.EQUALS):
        if command in _VALUE_NEEDED:
            raise cursor.unexpected("'='", hint=f"write {command} {name.text}=value")
        return ""
    cursor.take()
    needed = command in _VALUE_NEEDED or cursor.at(Kind.BLANK)
    if cursor.at(Kind.BLANK):
        cursor.take()
    if needed and not cursor.at(Kind.WORD):
        raise cursor.unexpected("a value", hint=f'write {command} {name.text}="" for an empty one')
    return _value(cursor)


def _value(cursor: Cursor) -> str:
    parts: list[str] = []
    while cursor.at(Kind.WORD, Kind.BLANK):
        blank = cursor.at(Kind.BLANK)
        parts.append(cursor.take().text)
        if blank and not cursor.at(Kind.WORD):
            raise cursor.unexpected("more of the value", hint="remove the backslash that ends the line above")
    return "".join(parts)


def _check_name(name: Token, cursor: Cursor) -> None:
    if not _NAME.fullmatch(name.text):
        summary = f"{name.text!r} is no name of a variable"
        hint = "a name is letters, digits and '_', and begins with no digit; it is never expanded"
        cursor.late(cursor.source.error(summary, name.start, name.end, hint=hint, fault=Fault.INVALID_ARG))


def labels(cursor: Cursor) -> tuple[str, ...]:
    """Name, `=` and value of each label; all three are single words."""
    out: list[str] = []
    while cursor.at(Kind.WORD):
        out += (cursor.take().text, "=")
        if not cursor.at(Kind.EQUALS):
            raise cursor.unexpected("'='", hint="write LABEL name=value")
        cursor.take()
        if not cursor.at(Kind.WORD):
            raise cursor.unexpected("a value", hint='write LABEL name="" for an empty one, and quote a value that holds "="')
        out.append(cursor.take().text)
    if cursor.at(Kind.EQUALS):
        raise cursor.unexpected("another label or the end of the line", hint='quote a value that holds "=": LABEL name="a=b"')
    return tuple(out)
