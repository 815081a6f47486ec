"""Recipes and checkouts for the embedded engine's tests, with everything defaulted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matrixbuild.adapters.engines.embedded.trees import Directory, File, Node, Symlink, walk
from matrixbuild.core.earthfile.recipe import Copied, CopyFlags, FromContext, FromTree, MadeDirectory, Scratch, Tree
from matrixbuild.core.listing import Entry, Kind, Listing
from matrixbuild.core.problems import Place

PLACE = Place(file="Earthfile", line=7, column=3)


class Sources:
    """A checkout in memory: contents by path; a value that is an Entry stands for itself (links, empty directories, other modes)."""

    def __init__(self, files: Mapping[str, bytes | Entry], **modes: int) -> None:
        self.data = {path: data for path, data in files.items() if isinstance(data, bytes)}
        given = {path: entry for path, entry in files.items() if isinstance(entry, Entry)}
        made = {path: Entry(kind=Kind.FILE) for path in self.data}
        parents = {parent: Entry(kind=Kind.DIRECTORY, mode=0o755) for path in files for parent in _parents(path)}
        self.listing = Listing(entries={**parents, **made, **given})

    def open(self, path: str) -> bytes:
        return self.data[path]

    def text(self, path: str) -> str | None:
        return self.data[path].decode() if path in self.data else None


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def link(target: str) -> Entry:
    return Entry(kind=Kind.SYMLINK, mode=0o777, target=target)


def copied(parent: Tree, dest: str, *sources: str | FromContext | FromTree, **flags: Any) -> Copied:
    """COPY of sources (a text is a path of the checkout)."""
    from_context = (FromContext(directory="", pattern=source, ignored=()) if isinstance(source, str) else source for source in sources)
    return Copied(parent=parent, sources=tuple(from_context), dest=dest, flags=CopyFlags(**flags), place=PLACE)


def workdir(parent: Tree, path: str, user: str = "") -> MadeDirectory:
    return MadeDirectory(parent=parent, path=path, user=user, place=PLACE)


def scratch() -> Scratch:
    return Scratch()


def shown(tree: Directory) -> dict[str, str]:
    """Path -> `kind mode uid:gid [content or target]`."""
    return {f"/{path}": _shown(node) for path, node in walk(tree)}


def _shown(node: Node) -> str:
    owner = f"{node.meta.uid}:{node.meta.gid}"
    match node:
        case Directory():
            return f"dir {node.meta.mode:04o} {owner}"
        case Symlink():
            return f"link {owner} {node.target}"
        case File():
            return f"file {node.meta.mode:04o} {owner} {b''.join(node.content.read()).decode('utf-8', 'replace')}"
        case _:
            return f"special {node.type.decode()} {node.meta.mode:04o} {owner} {node.major}:{node.minor}"
