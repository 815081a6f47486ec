"""The text between `$((` and `))` in, its number out, with the precedence and the truncating division of C."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

_TOKEN = re.compile(r"\s*(0[xX][0-9a-fA-F]+|[0-9]+|[A-Za-z_][A-Za-z0-9_]*|&&|\|\||[<>=!]=|[-+*/%()<>!])")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*")


class ArithmeticProblem(Exception):  # noqa: N818
    """Not a simple arithmetic expression (or one a shell refuses); the text says what stood in the way."""


def _divide(left: int, right: int) -> int:
    if not right:
        raise ArithmeticProblem("a division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


_LEVELS: tuple[dict[str, Callable[[int, int], int]], ...] = (
    {"||": lambda left, right: int(bool(left or right))},
    {"&&": lambda left, right: int(bool(left and right))},
    {"==": operator.eq, "!=": operator.ne},
    {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge},
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": _divide, "%": lambda left, right: left - right * _divide(left, right)},
)


def arithmetic(text: str, get: Callable[[str], str | None]) -> int:
    """The number an arithmetic expression stands for; `get` reads variables. Raises ArithmeticProblem."""
    reader = _Reader(_split(text), get)
    number = reader.level(0)
    if reader.peek():
        raise ArithmeticProblem(f"{reader.peek()!r} in an arithmetic expression")
    return number


def _split(text: str) -> list[str]:
    found, at = [], 0
    while at < len(text.rstrip()):
        token = _TOKEN.match(text, at)
        if not token:
            raise ArithmeticProblem(f"{text[at:].strip()!r} in an arithmetic expression")
        found.append(token.group(1))
        at = token.end()
    return found


class _Reader:
    def __init__(self, tokens: list[str], get: Callable[[str], str | None]) -> None:
        self._tokens = tokens
        self._at = 0
        self._get = get

    def peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self.peek()
        self._at += 1
        return token

    def level(self, number: int) -> int:
        if number == len(_LEVELS):
            return self._unary()
        left = self.level(number + 1)
        while (token := self.peek()) in _LEVELS[number]:
            self._next()
            left = _checked(int(_LEVELS[number][token](left, self.level(number + 1))))
        return left

    def _unary(self) -> int:
        symbol = self._next()
        if symbol == "(":
            value = self.level(0)
            if self._next() != ")":
                raise ArithmeticProblem("a missing ) in an arithmetic expression")
            return value
        if symbol in ("-", "+", "!"):
            value = self._unary()
            return int(not value) if symbol == "!" else (-value if symbol == "-" else value)
        return self._number(symbol)

    def _number(self, token: str) -> int:
        text = token if token[:1].isdigit() else (self._get(token) or "0").strip() if token.isidentifier() else ""
        sign = -1 if text.startswith("-") else 1
        digits = text.removeprefix("-")
        if not _NUMBER.fullmatch(digits):
            raise ArithmeticProblem(f"{text or token!r} in an arithmetic expression")
        base = 16 if digits[:2] in ("0x", "0X") else 8 if digits.startswith("0") else 10
        return sign * int(digits, base)


def _checked(number: int) -> int:
    if not -(2**63) <= number < 2**63:
        raise ArithmeticProblem("a number that does not fit 64 bits")
    return number
