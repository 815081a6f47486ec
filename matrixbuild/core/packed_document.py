"""A Document <-> plain lists that JSON can hold and from which it is made again without its file being parsed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matrixbuild.core.document import Document, Entry, Kind, Node
from matrixbuild.core.problems import Place

_KINDS = {kind.value: kind for kind in Kind}


def packed(document: Document) -> list[Any]:
    """The root as [kind, line, column, width, contents...], the texts of the lines left out. Contents: pairs of key and value; items; of a scalar its
    value, how it is written, and whether that is without quotes. Aliases are written out. ValueError for a document that is not right as YAML."""
    if document.problems:
        raise ValueError(f"{document.file} has {len(document.problems)} problems")
    return _packed(document.root)


def _packed(node: Node) -> list[Any]:
    place = node.place
    at = [node.kind.value, place.line, place.column, place.width]
    if node.kind is Kind.MAPPING:
        return [*at, *((_packed(entry.key), _packed(entry.value)) for entry in node.entries.values())]
    if node.kind is Kind.SEQUENCE:
        return [*at, *(_packed(item) for item in node.items)]
    return [*at, node.value, node.source, node.plain]


def unpacked(root: Sequence[Any], *, file: str, lines: Sequence[str]) -> Document:
    """The document that `packed` was given; `lines` are those of its file, without their ends."""
    return Document(file=file, root=_Unpacking(file=file, lines=lines).node(root))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unpacking:
    file: str
    lines: Sequence[str]

    def node(self, parts: Sequence[Any]) -> Node:
        kind, line, column, width, *rest = parts
        place = Place(file=self.file, line=line, column=column, text=self.lines[line - 1], width=width)
        if kind == Kind.MAPPING:
            return Node(kind=Kind.MAPPING, place=place, entries=self._entries(rest))
        if kind == Kind.SEQUENCE:
            return Node(kind=Kind.SEQUENCE, place=place, items=tuple([self.node(item) for item in rest]))
        value, source, plain = rest
        return Node(kind=_KINDS[kind], place=place, value=value, source=source, plain=plain)

    def _entries(self, pairs: Sequence[Any]) -> Mapping[str, Entry]:
        made = [Entry(key=self.node(key), value=self.node(value)) for key, value in pairs]
        return {str(entry.key.value): entry for entry in made}
