"""A YAML file as it was written: values that know their kind, their spelling and their place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from matrixbuild.core.problems import Place, Problem

Scalar = str | bool | int | float | None
Path = tuple[str | int, ...]


class Kind(StrEnum):
    MAPPING = "mapping"
    SEQUENCE = "list"
    STRING = "string"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    NULL = "null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A key of a mapping (always a string) and its value."""

    key: Node
    value: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One value: `source` is a scalar as written, without its quotes, and `plain` says that it had none.

    The place of a block list or mapping is its first line; of one in brackets, its opening bracket.
    """

    kind: Kind
    place: Place
    value: Scalar = None
    source: str = ""
    plain: bool = False
    items: tuple[Node, ...] = ()
    entries: Mapping[str, Entry] = field(default_factory=dict)

    def get(self, key: str) -> Node | None:
        """The value under `key` of a mapping; None where it is not there."""
        entry = self.entries.get(key)
        return entry.value if entry else None

    def __getitem__(self, key: str) -> Node:
        return self.entries[key].value

    @property
    def data(self) -> object:
        """The same as plain dict, list and scalars."""
        if self.kind is Kind.MAPPING:
            return {key: entry.value.data for key, entry in self.entries.items()}
        if self.kind is Kind.SEQUENCE:
            return [item.data for item in self.items]
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file: its root, and what is wrong with it as YAML although it could be read (a key given twice, a tag).

    `turned_off` are the targets that a manifest writes out, and one that extends it says `false` of.
    """

    file: str
    root: Node
    problems: tuple[Problem, ...] = ()
    turned_off: frozenset[str] = frozenset()

    def node(self, path: Sequence[str | int]) -> Node:
        """The value at a path such as ("spec", "axes", "os", 0); KeyError or IndexError where there is none."""
        node = self.root
        for step in path:
            node = node.items[step] if isinstance(step, int) else node[step]
        return node

    def key_place(self, path: Sequence[str | int]) -> Place:
        """Where the key at the end of a path is written; of an item of a list, the item."""
        *parent, last = path
        return self.node(path).place if isinstance(last, int) else self.node(parent).entries[last].key.place

    def place(self, path: Sequence[str | int]) -> Place:
        """The spot a message about the value at `path` points to: a scalar itself; a list, a mapping or nothing at all by its key."""
        node = self.node(path)
        visible = bool(node.source) or not node.plain
        if path and (node.kind in (Kind.MAPPING, Kind.SEQUENCE) or not visible):
            return self.key_place(path)
        return node.place


def dotted(path: Sequence[str | int]) -> str:
    """`spec.axes.os[0].version`: a path as a person reads it; the root is "the manifest"."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "the manifest"


_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?:[Tt ].*)?")
_OLD_BOOLEAN = re.compile(r"yes|no|on|off", re.IGNORECASE)
_OLD_NUMBER = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|[0-9]+_[0-9_]*)")
_CANONICAL_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")

PROSE = frozenset({"reason"})
"""Keys whose values are sentences, where `no` is only a word."""


def surprises(document: Document) -> Iterator[Problem]:
    """Unquoted scalars that another YAML reader, or the author, would take for something else than this program does."""
    pending: list[tuple[Path, Node]] = [((), document.root)]
    while pending:
        path, node = pending.pop()
        pending.extend(((*path, index), item) for index, item in enumerate(node.items))
        pending.extend(((*path, key), entry.value) for key, entry in node.entries.items() if key not in PROSE)
        if node.plain and (problem := _surprise(path, node)):
            yield problem


def _surprise(path: Path, node: Node) -> Problem | None:
    what, hint = _reading(node)
    if not what:
        return None
    return Problem(
        summary=f"{dotted(path)}: {node.source} without quotes {what}",
        place=node.place,
        hint=hint or f'quote it: "{node.source}"',
        code="ambiguous-scalar",
    )


def _reading(node: Node) -> tuple[str, str]:
    text = node.source
    if node.kind is Kind.INTEGER and not _CANONICAL_INTEGER.fullmatch(text):
        return f"is the number {node.value}", ""
    if node.kind is not Kind.STRING:
        return "", ""
    if _OLD_BOOLEAN.fullmatch(text):
        meant = "true" if text.lower() in ("yes", "on") else "false"
        return "is a string here and a boolean to older YAML readers", f'write {meant}, or "{text}" with quotes'
    if _DATE.fullmatch(text):
        return "is a date to many YAML readers", ""
    if _OLD_NUMBER.fullmatch(text):
        return "is a number to older YAML readers", ""
    return "", ""
