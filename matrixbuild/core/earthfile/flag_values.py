"""The text of a flag's value in, the value out, by the rules of Go that Earthly inherits."""

from __future__ import annotations

import re
from enum import Enum, auto
from fractions import Fraction

Value = bool | int | str


class Form(Enum):
    """What a flag takes: nothing (or true, false), a text, texts by being repeated, a whole number, a duration."""

    SWITCH = auto()
    TEXT = auto()
    LIST = auto()
    COUNT = auto()
    DURATION = auto()


_TRUE = {"", "1", "t", "T", "true", "TRUE", "True"}
_FALSE = {"0", "f", "F", "false", "FALSE", "False"}
_COUNT = re.compile(r"[+-]?[0-9]+")
_NANOSECONDS = {"ns": 1, "us": 10**3, "\u00b5s": 10**3, "\u03bcs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_PIECE = re.compile(rf"([0-9]+\.?[0-9]*|\.[0-9]+)({'|'.join(sorted(_NANOSECONDS, key=len, reverse=True))})")
_DURATION = re.compile(rf"([+-]?)((?:{_PIECE.pattern})+)")
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\(?:[abfnrtv\\"]|[0-3][0-7]{2}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}))*"')
_ESCAPE = re.compile(r"\\(?:([abfnrtv\\\"])|([0-7]{3})|x(..)|u(....)|U(........))")
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}
_LARGEST = 2**63
_LONGEST = 100


def read_value(form: Form, text: str) -> Value:
    """The value of a flag written as `text`; a duration is in nanoseconds. ValueError says in a few words what is wrong."""
    if form is Form.SWITCH:
        return _switch(text)
    text = unquoted(text)
    if form is Form.COUNT:
        return _count(text)
    return _duration(text) if form is Form.DURATION else text


def _switch(text: str) -> bool:
    if text not in _TRUE | _FALSE:
        raise ValueError(f"{text!r} is neither true nor false")
    return text in _TRUE


def _count(text: str) -> int:
    if len(text) > _LONGEST or not _COUNT.fullmatch(text) or not -_LARGEST <= int(text) < _LARGEST:
        raise ValueError(f"{text!r} is no whole number")
    return int(text)


def _duration(text: str) -> int:
    if text in ("0", "+0", "-0"):
        return 0
    whole = _DURATION.fullmatch(text) if len(text) <= _LONGEST else None
    total = sum(int(Fraction(number) * _NANOSECONDS[unit]) for number, unit in _PIECE.findall(whole[2])) if whole else _LARGEST
    if not whole or total >= _LARGEST:
        raise ValueError(f"{text!r} is no duration such as 30s or 1m30s")
    return -total if whole[1] == "-" else total


def unquoted(text: str) -> str:
    """A text that begins with a double quote, as Go unquotes it; any other as it is. ValueError where it is no well-formed Go string."""
    if not text.startswith('"'):
        return text
    if not _QUOTED.fullmatch(text):
        raise ValueError(f"{text!r} is no quoted text")
    # \x and octal escapes are bytes in Go, several of which may make one character.
    raw = _ESCAPE.sub(lambda escape: _bytes(escape).decode("latin-1"), text[1:-1].encode(errors="replace").decode("latin-1"))
    return raw.encode("latin-1").decode(errors="replace")


def _bytes(escape: re.Match[str]) -> bytes:
    simple, octal, byte, *character = escape.groups()
    if simple:
        return _ESCAPED[simple].encode()
    if octal or byte:
        return bytes([int(octal, 8) if octal else int(byte, 16)])
    code = int(next(digits for digits in character if digits), 16)
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise ValueError(f"{escape[0]!r} is no character")
    return chr(code).encode()
