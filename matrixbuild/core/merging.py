"""A manifest and the one that it extends -> the one manifest they are together, in which everything still knows where it was written."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from matrixbuild.core.document import Document, Entry, Kind, Node
from matrixbuild.core.names import LAYOUT_PREFIX

EXTENDS = "extends"
_OWN = "x-"
_NEVER_INHERITED = frozenset({"metadata"})
_SHORT = {("spec", "profile"): "name", ("spec", "engine"): "kind", ("spec", "publish"): "mode"}
"""What may be written as a string alone, and the key that the string then stands for."""
_SOURCE = {"path": ("git", "ref"), "git": ("path",)}
_TARGET = {"earthly": ("docker", "engine"), "docker": ("earthly",)}
_EACH = "*"


def plain(document: Document) -> Document:
    """The document without what is only for reading it: `extends`, and the keys x-* of the root and of `spec` (which hold YAML anchors)."""
    root = _without(document.root)
    if spec := root.entries.get("spec"):
        root = replace(root, entries={**root.entries, "spec": replace(spec, value=_without(spec.value))})
    return replace(document, root=root)


def merge(base: Document, extending: Document, *, directory: str) -> Document:
    """What `extending` is with all that it inherits of `base`, both of them plain (design.md 3).

    Mappings merge and the extending file wins; lists replace; rules merge by name, in the place of the inherited one; metadata is not
    inherited. What is a choice of two is inherited whole or not at all: a `source` that gives `path` inherits no `git`. `directory` is that of
    `base` as seen from the extending file's ("" or "." where it is the same): inherited paths are rewritten so that they are relative to the
    extending file. Nodes keep their places.
    """
    moved = _moved(base.root, directory)
    inherited = {key: entry for key, entry in moved.entries.items() if key not in _NEVER_INHERITED}
    root = merged(replace(moved, entries=inherited), extending.root)
    turned_off = base.turned_off | extending.turned_off | _turned_off(base.root, extending.root)
    return Document(file=extending.file, root=root, problems=(*extending.problems, *base.problems), turned_off=turned_off)


def _turned_off(base: Node, own: Node) -> frozenset[str]:
    """Of the merged manifest alone one could not tell them from a name that is spelled wrong."""
    written = {name for name, entry in _targets(base).items() if entry.value.kind is Kind.MAPPING}
    return frozenset(name for name, entry in _targets(own).items() if entry.value.value is False and name in written)


def _targets(root: Node) -> Mapping[str, Entry]:
    spec = root.get("spec")
    targets = spec.get("targets") if spec else None
    return targets.entries if targets else {}


def _without(node: Node) -> Node:
    kept = {key: entry for key, entry in node.entries.items() if key != EXTENDS and not key.startswith(_OWN)}
    return replace(node, entries=kept)


def merged(base: Node, own: Node, path: tuple[str, ...] = ()) -> Node:
    """Two nodes as one, `own` winning; `path` is where in a manifest they stand, for what is special there."""
    base, own = _widened(base, own, path), _widened(own, base, path)
    if base.kind is Kind.MAPPING and own.kind is Kind.MAPPING:
        return replace(own, entries=dict(_entries(base, own, path)))
    if path == ("spec", "rules") and base.kind is Kind.SEQUENCE and own.kind is Kind.SEQUENCE:
        return replace(own, items=tuple(_rules(base.items, own.items)))
    return own


def _widened(node: Node, other: Node, path: tuple[str, ...]) -> Node:
    """The short form in full where the other one is not short, so that the two merge."""
    if path not in _SHORT or node.kind is not Kind.STRING or other.kind is not Kind.MAPPING:
        return node
    key = Node(kind=Kind.STRING, place=node.place, value=_SHORT[path], source=_SHORT[path], plain=True)
    return Node(kind=Kind.MAPPING, place=node.place, entries={_SHORT[path]: Entry(key=key, value=node)})


def _entries(base: Node, own: Node, path: tuple[str, ...]) -> Iterator[tuple[str, Entry]]:
    """In the order of the base, then what is new."""
    chosen = {key for name in own.entries for key in _alternatives(path).get(name, ())}
    for key, entry in base.entries.items():
        if key in own.entries:
            yield key, replace(own.entries[key], value=merged(entry.value, own.entries[key].value, (*path, key)))
        elif key not in chosen:
            yield key, entry
    yield from ((key, entry) for key, entry in own.entries.items() if key not in base.entries)


def _alternatives(path: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """Key -> those that it stands instead of."""
    if path == ("spec", "source"):
        return _SOURCE
    return _TARGET if len(path) == 3 and path[:2] == ("spec", "targets") else {}


def _rules(base: Sequence[Node], own: Sequence[Node]) -> Iterator[Node]:
    """A name that one file has twice stays twice: that is a mistake, which is told later."""
    first: dict[str, int] = {}
    for index, rule in enumerate(own):
        if (name := _name(rule)) is not None:
            first.setdefault(name, index)
    taken = set()
    for rule in base:
        index = first.pop(_name(rule) or "", -1)
        taken.add(index)
        yield rule if index < 0 else own[index]
    yield from (rule for index, rule in enumerate(own) if index not in taken)


def _name(rule: Node) -> str | None:
    name = rule.get("name")
    return name.value if name and isinstance(name.value, str) else None


def joined(directory: str, path: str) -> str:
    """A path relative to `directory`, as one relative to where `directory` itself is.

    Only the path's leading `..` are taken back: behind a name of the path itself, which may be a link, `..` is not what it looks like. So
    `directory` must hold no links.
    """
    if not path or posixpath.isabs(path):
        return path
    above = [part for part in posixpath.normpath(directory).split("/") if part != "."]
    below = path.split("/")
    while below and below[0] in (".", ".."):
        if below.pop(0) == "..":
            above = above[:-1] if above and above[-1] != ".." else [*above, ".."]
    return "/".join([*above, *below]) or "."


def _joined_layout(directory: str, registry: str) -> str:
    layout = registry.removeprefix(LAYOUT_PREFIX)
    return LAYOUT_PREFIX + joined(directory, layout) if registry.startswith(LAYOUT_PREFIX) else registry


_PATHS: Mapping[tuple[str, ...], Callable[[str, str], str]] = {
    ("spec", "source", "path"): joined,
    ("spec", "source", "files", _EACH, "from"): joined,
    ("spec", "secrets", _EACH, "file"): joined,
    ("spec", "network", "ca", _EACH): joined,
    ("spec", "registry"): _joined_layout,
}
"""The values that are relative to the file they stand in."""


def _moved(node: Node, directory: str) -> Node:
    if directory in ("", "."):
        return node
    for path, join in _PATHS.items():
        node = _changed(node, path, partial(join, directory))
    return node


def _changed(node: Node, path: Sequence[str], change: Callable[[str], str]) -> Node:
    if not path:
        return replace(node, value=change(node.value), source=change(node.value)) if isinstance(node.value, str) else node
    step, rest = path[0], path[1:]
    if step == _EACH:
        return replace(node, items=tuple(_changed(item, rest, change) for item in node.items))
    entry = node.entries.get(step)
    if entry is None:
        return node
    return replace(node, entries={**node.entries, step: replace(entry, value=_changed(entry.value, rest, change))})
