"""An unquoted YAML scalar -> what YAML 1.2 says it is."""

from __future__ import annotations

import re

from matrixbuild.core.document import Kind, Scalar

# The core schema, YAML 1.2.2 section 10.3.2.
_NULL = re.compile(r"(?:null|Null|NULL|~)?")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?(?:\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN")
_BEGINNINGS = frozenset(("", *"nN~tTfF+-.0123456789"))
"""What any of these begins with: nearly everything else is a word, and none of them."""

_LONGEST_INTEGER = 18  # digits: beyond that, reading one costs time that grows with its square


def resolve(text: str) -> tuple[Kind, Scalar]:
    """Kind and value of an unquoted scalar. An integer too long to be one is a number."""
    return _resolved(text) if text[:1] in _BEGINNINGS else (Kind.STRING, text)


def _resolved(text: str) -> tuple[Kind, Scalar]:
    if _NULL.fullmatch(text):
        return Kind.NULL, None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return Kind.BOOLEAN, text.lower() == "true"
    if len(text) <= _LONGEST_INTEGER and (base := _base(text)):
        return Kind.INTEGER, int(text.removeprefix("0o"), base)
    if _FLOAT.fullmatch(text) or _base(text):
        return Kind.NUMBER, _number(text)
    if _INFINITE.fullmatch(text):
        return Kind.NUMBER, float(text.replace(".", "", 1))
    return Kind.STRING, text


def _base(text: str) -> int:
    if _DECIMAL.fullmatch(text):
        return 10
    if _OCTAL.fullmatch(text):
        return 8
    return 16 if _HEXADECIMAL.fullmatch(text) else 0


def _number(text: str) -> float:
    # A long octal or hexadecimal one: nothing that takes a number takes one of these, so only the kind matters.
    return float(text) if _FLOAT.fullmatch(text) else float("inf")
