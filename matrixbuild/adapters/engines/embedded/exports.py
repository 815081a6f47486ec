"""Nodes of a tree -> files and directories on disk, each put in place as a whole."""

from __future__ import annotations

import hashlib
import os
import posixpath
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from matrixbuild.adapters.engines.embedded.layers import read_pieces
from matrixbuild.adapters.engines.embedded.trees import Directory, File, Node, Special, Symlink, TreeFiles, find
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.recipe import SavedLocal
from matrixbuild.core.lookup import LookupFailedError, expand, resolve
from matrixbuild.core.patterns import clean, has_wildcard


class ExportError(Exception):
    """An artifact that cannot be written where it should; `summary` is one sentence, `hint` what to do."""

    def __init__(self, summary: str, hint: str) -> None:
        super().__init__(summary)
        self.summary = summary
        self.hint = hint


def write(node: Node, to: Path) -> None:
    """Put `node` at `to`, replacing what is there, so that nobody ever sees half of it; its directory is made.

    Permission bits are the node's, whatever the umask; owners and times are the writer's. Devices and pipes cannot be written: ExportError.
    """
    _check(node, to.name)
    to.parent.mkdir(parents=True, exist_ok=True)
    beside = to.parent / f".{to.name}.{uuid.uuid4().hex}"
    try:
        _write(node, beside)
        if isinstance(node, Directory) or is_directory(to):
            remove(to)
        beside.replace(to)
    finally:
        remove(beside)


def _check(node: Node, name: str) -> None:
    if isinstance(node, Special):
        raise ExportError(f"{name} is a device or a pipe", "only files, directories and links can be artifacts")
    for inside, each in sorted(node.entries.items()) if isinstance(node, Directory) else ():
        _check(each, posixpath.join(name, inside))


def _write(node: Node, to: Path) -> None:
    match node:
        case File():
            with to.open("wb") as stream:
                stream.writelines(node.content.read())
            to.chmod(node.meta.mode & 0o7777)
        case Symlink():
            to.symlink_to(node.target)
        case Directory():
            to.mkdir()
            for name in sorted(node.entries):
                _write(node.entries[name], to / name)
            to.chmod(node.meta.mode & 0o7777)


def is_directory(path: Path) -> bool:
    """A directory itself, and no link to one."""
    return path.is_dir() and not path.is_symlink()


def remove(path: Path) -> None:
    """Whatever it is, if it is there. Raises OSError."""
    if not is_directory(path):
        path.unlink(missing_ok=True)
        return
    # A directory that its owner may not write can still be the owner's to remove.
    for folder, _, _ in os.walk(path):
        Path(folder).chmod(0o700)
    shutil.rmtree(path)


def kept(node: Node, folder: Path) -> Node:
    """The same node with its contents in files of their own below `folder`: what they were read from may change now."""
    if isinstance(node, Directory):
        return replace(node, entries={name: kept(inside, folder) for name, inside in node.entries.items()})
    if not isinstance(node, File):
        return node
    file = folder / uuid.uuid4().hex
    with file.open("wb") as stream:
        stream.writelines(node.content.read())
    return replace(node, content=_Kept(file))


@dataclass(frozen=True, slots=True)
class _Kept:
    file: Path

    def read(self) -> Iterator[bytes]:
        return read_pieces(self.file)

    @property
    def size(self) -> int | None:
        return self.file.stat().st_size


def described(path: Path, name: str) -> Iterator[tuple[str, str, int]]:
    """(name, sha256 digest, size) of a file, or of each file below a directory, sorted."""
    if path.is_dir() and not path.is_symlink():
        for inside in sorted(path.iterdir()):
            yield from described(inside, posixpath.join(name, inside.name))
        return
    if path.is_symlink():
        return
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    yield name, f"sha256:{digest}", path.stat().st_size


def matches(tree: Directory, pattern: str) -> list[tuple[str, Node]]:
    """What a pattern means in a tree, links followed: (path as matched, node). Empty where there is nothing."""
    files = TreeFiles(tree)
    try:
        paths = expand(files, clean(f"/{pattern}"))
        found = [(path, find(tree, resolve(files, path))) for path in paths]
    except LookupFailedError:
        return []
    return [(path, node) for path, node in found if node is not None]


Found = list[tuple[str, Node]]


def to_save(tree: Directory, saved: SavedLocal) -> Found:
    """What a SAVE ARTIFACT ... AS LOCAL means: (path, node).

    EarthfileError: FILE_NOT_FOUND where that is nothing and may not be, INVALID_ARG for a destination that Earthly can send nothing to.
    """
    if not saved.dest.isascii():
        raise _refused(saved, f"Earthly cannot save to {saved.dest}, which is not ASCII", "save the directory above it, or choose another name")
    found = matches(tree, saved.pattern)
    if not found and not saved.if_exists:
        summary = f"{saved.pattern} cannot be saved, since it does not exist"
        raise _refused(saved, summary, "correct the path, or use --if-exists", Fault.FILE_NOT_FOUND)
    return found


def save_local(found: Found, saved: SavedLocal, checkout: Path) -> None:
    """Write what `to_save` gave, as Earthly's saveartifactlocally does it below `checkout`.

    Raises EarthfileError at the command (INVALID_ARG), and ExportError for devices.
    """
    into_directory = saved.dest.endswith("/") or saved.dest == "."
    for path, node in found:
        to = checkout / posixpath.normpath(posixpath.join(saved.directory, saved.dest))
        if into_directory:
            to /= posixpath.basename(path)
        elif has_wildcard(saved.pattern) and not to.exists():
            raise _refused(saved, f"the pattern {saved.pattern} is saved to {saved.dest}, which is no directory", "end the destination with a slash")
        _check_kinds(node, to, saved)
        try:
            write(node, to)
        except (FileExistsError, NotADirectoryError) as error:
            summary = f"{saved.pattern} cannot be saved to {saved.dest}: a file stands where a directory is needed"
            raise _refused(saved, summary, "remove the file, or choose another destination") from error


def _check_kinds(node: Node, to: Path, saved: SavedLocal) -> None:
    if isinstance(node, Directory) and to.exists() and not to.is_dir():
        raise _refused(saved, f"the directory {saved.pattern} cannot replace the file {saved.dest}", "remove the file, or choose another destination")
    if not isinstance(node, Directory) and to.is_dir():
        raise _refused(saved, f"the file {saved.pattern} cannot replace the directory {saved.dest}", "end the destination with a slash")


def _refused(saved: SavedLocal, summary: str, hint: str, fault: Fault = Fault.INVALID_ARG) -> EarthfileError:
    return EarthfileError(fault, summary, place=saved.place, hint=hint)
