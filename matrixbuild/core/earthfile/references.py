"""The text of a reference (`+t`, `./d+t`, `alias+t`, `+t/path`, `+FUNCTION`) in, what it refers to out."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

TARGET_NAME = re.compile(r"[a-z][a-zA-Z0-9.-]*")
_FUNCTION = re.compile(r"[A-Z][A-Z0-9._]*")


class ReferenceProblem(Exception):  # noqa: N818
    """The text is no reference; one clause says why."""


class Where(Enum):
    """Where a reference leads: the same Earthfile, another directory, an import, or another repository."""

    HERE = "here"
    DIRECTORY = "directory"
    ALIAS = "alias"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """`path` is the directory as written and cleaned, the alias, or the remote project; `name` the target's or function's."""

    where: Where
    path: str
    name: str

    def __str__(self) -> str:
        return f"{'' if self.where is Where.HERE else self.path}+{self.name}"


@lru_cache(maxsize=4096)  # the same references are met in every evaluation
def parse_target(text: str) -> Reference:
    """`./d+t`; raises ReferenceProblem."""
    return _parse(text, TARGET_NAME, "an Earthly target's name is a lower-case letter, then letters, digits, '.' and '-'")


@lru_cache(maxsize=4096)
def parse_function(text: str) -> Reference:
    """`./d+FUNCTION`; raises ReferenceProblem."""
    return _parse(text, _FUNCTION, "a function's name is an upper-case letter, then upper-case letters, digits, '.' and '_'")


@lru_cache(maxsize=4096)
def parse_artifact(text: str) -> tuple[Reference, str]:
    """`+t/some/path` as target and absolute path; raises ReferenceProblem (then a COPY takes its source for a path of the build context)."""
    parts = _split(text)
    if len(parts) != 2 or "/" not in parts[1]:
        raise ReferenceProblem(f"{text!r} is not an artifact such as +target/path")
    name, _, path = parts[1].partition("/")
    return parse_target(f"{parts[0].replace('+', chr(92) + '+')}+{name}"), f"/{path}"


def _parse(text: str, pattern: re.Pattern[str], rule: str) -> Reference:
    parts = _split(text)
    if len(parts) != 2:
        raise ReferenceProblem(f"{text!r} is not a reference such as +target or ./directory+target")
    where, name = parts
    if not pattern.fullmatch(name):
        raise ReferenceProblem(f"{name!r} cannot be referred to: {rule}")
    if not where:
        return Reference(where=Where.HERE, path="", name=name)
    if where.startswith((".", "~/", "/")):
        path = where if where.startswith("~/") else posixpath.normpath(where)
        return Reference(where=Where.HERE if path == "." else Where.DIRECTORY, path="" if path == "." else path, name=name)
    return Reference(where=Where.REMOTE if re.search("[/:]", where) else Where.ALIAS, path=where, name=name)


def _split(text: str) -> list[str]:
    r"""The parts between `+`; `\+` is a plus that does not split."""
    parts, word, at = [], "", 0
    while at < len(text):
        if text[at] == "\\":
            if at + 1 == len(text):
                raise ReferenceProblem(f"{text!r} ends with a backslash")
            word += text[at + 1] if text[at + 1] == "+" else text[at : at + 2]
            at += 2
            continue
        if text[at] == "+":
            parts.append(word)
            word = ""
        else:
            word += text[at]
        at += 1
    return [*parts, word] if word else parts


def resolved(directory: str, path: str) -> str:
    """The directory, relative to the checkout, that `path` names seen from `directory`; "" is the root. ReferenceProblem where it is outside."""
    joined = posixpath.normpath(posixpath.join(directory, path))
    if joined.startswith(("/", "..", "~")):
        raise ReferenceProblem(f"{path!r} leads out of the checkout")
    return "" if joined == "." else joined


def import_alias(path: str, alias: str) -> str:
    """The name an IMPORT of `path` gets, `alias` being its AS (empty without one); raises ReferenceProblem."""
    if not path:
        raise ReferenceProblem("only another directory, such as ./directory, can be imported")
    name = alias or path.rstrip("/").rpartition("/")[2]
    if not alias and name in (".", "..", ""):
        raise ReferenceProblem(f"IMPORT {path} needs AS: its path does not end with a name")
    if re.search("[/:]", name):
        raise ReferenceProblem(f"{name!r} cannot be the name of an import: it holds a '/' or ':'")
    return name
