"""A file that a Dockerfile's ADD finds to be an archive, and a tree -> the tree with what the archive holds."""

from __future__ import annotations

import io
import tarfile

from matrixbuild.adapters.engines.embedded.base_files import MalformedLayerError, unpacked
from matrixbuild.adapters.engines.embedded.copying import CannotCopyError, How, made
from matrixbuild.adapters.engines.embedded.trees import Directory, File, TreeFiles, find, put
from matrixbuild.core.lookup import resolve

_ZSTD = b"\x28\xb5\x2f\xfd"


def archive_at(files: Directory, path: str) -> bytes | None:
    """The bytes of the file at a path (links followed) where it is a tar file, packed or not, by its contents; CannotCopyError for zstd."""
    found = find(files, resolve(TreeFiles(files), path))
    if not isinstance(found, File):
        return None
    data = b"".join(found.content.read())
    if data.startswith(_ZSTD):
        raise CannotCopyError(f"/{path} is packed with zstd, which cannot be unpacked here")
    return data if _is_tar(data) else None


def unpack(tree: Directory, archive: bytes, dest: str, how: How) -> Directory:
    """The archive's entries below `dest`, with the owners, modes and times it gives them; a directory that is made for it is owned as `how` says."""
    target = resolve(TreeFiles(tree), dest)
    tree = made(tree, target, how)
    below = find(tree, target)
    if not isinstance(below, Directory):
        raise CannotCopyError(f"/{target} is not a directory")
    try:
        return put(tree, target, unpacked(below, archive))
    except (tarfile.TarError, MalformedLayerError) as error:
        raise CannotCopyError(f"the archive cannot be unpacked: {error}") from error


def _is_tar(data: bytes) -> bool:
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:*") as archive:
            return archive.next() is not None
    except tarfile.TarError:
        return False
