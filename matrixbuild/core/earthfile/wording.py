"""Statements of an Earthfile -> the names in them: those that are words of their text, that are expanded, that are said as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from matrixbuild.core.earthfile import syntax

ANY = "*"
REFERRING = frozenset({"FROM", "FROM DOCKERFILE", "BUILD", "COPY", "DOCKER"})
"""Commands that refer to Earthly targets (DO refers to functions)."""

Node = syntax.Statement | syntax.ElseIf | tuple["Node", ...] | None

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EXPANDED = re.compile(r"\$\{?[!#]?([A-Za-z_][A-Za-z0-9_]*)")
_PIECE = re.compile(r"'[^']*'|\\.|\$([A-Za-z_][A-Za-z0-9_]*)|\$\{([A-Za-z_][A-Za-z0-9_]*)(?=[}:%#/^,@+?=-])", re.DOTALL)
_REFERENCE = re.compile(r"(?:^|[\s=(\"'])\+([a-z][a-zA-Z0-9.-]*)")
_ANY_REFERENCE = re.compile(r"(?:^|[\s=(\"'])\+[^a-zA-Z\s]")
_ARG_OF = re.compile(r"(?:^|(?<=[\s(]))--([A-Za-z_]\w*)(?:=(\"[^\"]*\"|\S*))?")


@lru_cache(maxsize=8192)
def words(text: str) -> frozenset[str]:
    """Everything in a text that could be the name of a variable."""
    return frozenset(_WORD.findall(text))


@lru_cache(maxsize=8192)
def expanded(text: str) -> frozenset[str]:
    """The names behind a `$` or `${`, quoted or not."""
    return frozenset(_EXPANDED.findall(text))


@lru_cache(maxsize=8192)
def said(text: str) -> frozenset[str]:
    """The words that a text hands on as they are: all but those that the shell puts a value for. What is written so may be run later."""
    return words(_PIECE.sub(lambda piece: " " if piece[1] or piece[2] else piece[0], text))


def texts(node: Node) -> Iterator[str]:
    """The words of a statement and of the blocks in it, as written, joined for each command."""
    if isinstance(node, tuple):
        for each in node:
            yield from texts(each)
    elif isinstance(node, syntax.Command):
        yield " ".join(node.args)
    elif isinstance(node, syntax.With):
        yield from texts((node.command, *node.body))
    elif node is not None:
        yield " ".join(getattr(node, "expression", ()) or getattr(node, "args", ()))
        yield from texts(tuple(_blocks(node)))


def names(node: Node) -> frozenset[str]:
    """Every word in a statement and in the blocks in it."""
    return frozenset[str]().union(*(words(text) for text in texts(node)))


_PARTS = ("body", "else_ifs", "otherwise", "caught", "finally_")
"""The blocks that a statement may have, in the order of the text."""


def _blocks(node: object) -> Iterator[Node]:
    return (block for part in _PARTS if (block := getattr(node, part, None)))


def statements(node: Node) -> Iterator[syntax.Statement | syntax.ElseIf]:
    """A statement and all in it, in the order of the text."""
    found: list[syntax.Statement | syntax.ElseIf] = []
    _gather(node, found)
    return iter(found)


def _gather(node: Node, found: list[syntax.Statement | syntax.ElseIf]) -> None:
    if isinstance(node, tuple):
        for each in node:
            if isinstance(each, syntax.Command):
                found.append(each)  # most are, and each text is gone through many times
            else:
                _gather(each, found)
    elif node is not None:
        found.append(node)
        if isinstance(node, syntax.With):
            _gather((node.command, *node.body), found)
        elif not isinstance(node, syntax.Command):
            _gather(tuple(_blocks(node)), found)


def own_text(node: syntax.Statement | syntax.ElseIf) -> str:
    """The words of a statement without those of the blocks in it."""
    match node:
        case syntax.Command():
            return " ".join(node.args)
        case syntax.If() | syntax.ElseIf():
            return " ".join(node.expression)
        case syntax.For() | syntax.Wait():
            return " ".join(node.args)
    return ""


def declared(command: syntax.Statement | syntax.ElseIf) -> str:
    """The name that an ARG, LET, SET or ENV gives a value, or that FOR runs with; empty for anything else."""
    is_assignment = isinstance(command, syntax.Command) and command.name in ("ARG", "LET", "SET", "ENV")
    if not is_assignment and not isinstance(command, syntax.For):
        return ""
    return next((word for word in command.args if not word.startswith("--")), "")  # type: ignore[union-attr]


def args_of(text: str) -> Iterator[tuple[str, str]]:
    """The names and values of `--NAME=value` in a text; "" where there is no value."""
    for found in _ARG_OF.finditer(text):
        yield found[1], found[2] or ""


def references(node: Node) -> frozenset[str]:
    """The Earthly targets of the same Earthfile that a text refers to; `*` among them: any, as a variable names one."""
    found: set[str] = set()
    for each in statements(node):
        if isinstance(each, syntax.Command) and each.name in REFERRING:
            text = " ".join(each.args)
            found |= set(_REFERENCE.findall(text))
            found |= {ANY} if _ANY_REFERENCE.search(text) else set()
    return frozenset(found)


def runs(node: syntax.Statement | syntax.ElseIf) -> bool:
    """Whether a shell runs for a statement itself (not only for what is in it)."""
    if isinstance(node, syntax.Command):
        return node.name == "RUN" or "$(" in own_text(node)
    return isinstance(node, syntax.If | syntax.ElseIf | syntax.For)


def run_later(node: syntax.Statement | syntax.ElseIf) -> bool:
    """Whether what a statement says may be run, by itself or by another: RUN --entrypoint runs what an ENTRYPOINT says."""
    return runs(node) or (isinstance(node, syntax.Command) and node.name == "ENTRYPOINT")
