"""One copy of a path from one tree into another, as BuildKit's file operation does it (solver/llbsolver/file, tonistiigi/fsutil/copy)."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace

from matrixbuild.adapters.engines.embedded.owners import Owner
from matrixbuild.adapters.engines.embedded.trees import Directory, Meta, Node, Symlink, TreeFiles, find, put
from matrixbuild.core.listing import FIXED_TIME
from matrixbuild.core.lookup import LookupFailedError, resolve


class CannotCopyError(Exception):
    """A file stands where the copy needs a directory, or the other way round; the text is one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """`as_directory`: a directory itself is copied into one that exists, not its contents. `owner` None keeps the source's,
    `mtime` None keeps the source's times, `chmod` None its permission bits (setuid, setgid and sticky always stay)."""

    as_directory: bool = False
    follow: bool = True
    owner: Owner | None = None
    mtime: int | None = FIXED_TIME
    chmod: int | None = None


def copy(into: Directory, source: Directory, path: str, dest: str, how: How) -> Directory:
    """The tree `into` with `path` of `source` (no wildcards) copied to `dest` (absolute; a trailing slash makes it a directory).

    Raises LookupFailedError where there is no such path, CannotCopyError where kinds do not fit.
    """
    tree = made(into, resolve(TreeFiles(into), _must_exist(dest)), how)
    real = resolve(TreeFiles(source), path, follow=how.follow)
    node = find(source, real)
    if node is None:
        raise LookupFailedError(f"/{real}")
    target = _target(tree, node, path, resolve(TreeFiles(tree), dest), how)
    # Contents of a directory go into one that is made like any missing parent: it does not take the source's mode.
    new = not how.as_directory and isinstance(node, Directory) and find(tree, target) is None
    tree = made(tree, target if new else posixpath.dirname(target), how)
    return put(tree, target, _copied(node, find(tree, target), how, target, inside=False))


def made(tree: Directory, path: str, how: How) -> Directory:
    """The tree with the directories of `path` that were missing, 0755 and owned as the copy is."""
    below = ""
    for name in path.split("/") if path else ():
        below = posixpath.join(below, name)
        found = find(tree, resolve(TreeFiles(tree), below))
        if found is None:
            tree = put(tree, below, Directory(meta=_new_meta(how), entries={}))
        elif not isinstance(found, Directory):
            raise CannotCopyError(f"/{below} is not a directory")
    return tree


def _must_exist(dest: str) -> str:
    return dest if dest.endswith(("/", "/.")) else posixpath.dirname(dest)


def _target(tree: Directory, node: Node, path: str, dest: str, how: How) -> str:
    existing = find(tree, dest)
    into_directory = isinstance(existing, Directory) if not isinstance(node, Directory) else how.as_directory and existing is not None
    return posixpath.join(dest, posixpath.basename(path)) if into_directory and posixpath.basename(path) else dest


def _copied(node: Node, existing: Node | None, how: How, path: str, *, inside: bool) -> Node:
    """What stands at `path` after `node` went there; `inside` a copied directory, one that existed takes the source's metadata."""
    if not isinstance(node, Directory):
        if isinstance(existing, Directory):
            raise CannotCopyError(f"a file cannot replace the directory /{path}")
        return replace(node, meta=_meta(node, how))
    if existing is not None and not isinstance(existing, Directory):
        raise CannotCopyError(f"a directory cannot be copied to /{path}, which is not one")
    entries = dict(existing.entries) if existing else {}
    for name in sorted(node.entries):
        entries[name] = _copied(node.entries[name], entries.get(name), how, posixpath.join(path, name), inside=True)
    return Directory(meta=_meta(node, how) if existing is None or inside else replace(existing.meta, mtime=_mtime(node, how)), entries=entries)


def _meta(node: Node, how: How) -> Meta:
    mode = node.meta.mode
    if how.chmod is not None and not isinstance(node, Symlink):
        mode = (mode & ~0o777) | (how.chmod & 0o777)
    uid, gid = (how.owner.uid, how.owner.gid) if how.owner else (node.meta.uid, node.meta.gid)
    return replace(node.meta, mode=mode, uid=uid, gid=gid, mtime=_mtime(node, how))


def _mtime(node: Node, how: How) -> int:
    return node.meta.mtime if how.mtime is None else how.mtime


def _new_meta(how: How) -> Meta:
    uid, gid = (how.owner.uid, how.owner.gid) if how.owner else (0, 0)
    return Meta(mode=0o755, uid=uid, gid=gid, mtime=FIXED_TIME)
