"""One standard OCI image layout (a directory) as a registry that holds many repositories.

index.json names an image by the annotation org.opencontainers.image.ref.name = `repository:tag` (core/layout_index.py says how
names of other tools are read). Blobs are shared by all repositories. Every file is written beside its place, synced and renamed,
and index.json is replaced under a lock on `index.json.lock`, so that threads, processes and kills lose nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from matrixbuild.adapters.checked import checked
from matrixbuild.adapters.fingerprints import State, state_of
from matrixbuild.core.image_parts import media_type_of, parts
from matrixbuild.core.layout_index import LayoutIndex, find, pruned, read_index, rendered, tags_of, with_manifest
from matrixbuild.core.names import DIGEST, LAYOUT_PREFIX
from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.registry import Descriptor, StoredManifest, always

_MARKER = "oci-layout"
_INDEX = "index.json"
_LOCK = "index.json.lock"
_OWN = re.compile(r"index\.json\.lock|\.tmp-[0-9a-f]{32}")
_ABANDONED = 3600
"""Seconds after which a temporary file that nobody writes to was left by a killed process."""
_PIECE = 1 << 20
_NAME_ANOTHER = "name a directory that is an OCI image layout, or a new one"
_REMOVE_IT = "remove that file and apply again: what the layout then lacks is built anew"
_LARGEST_MANIFEST = 16 << 20
"""Bytes; registries refuse manifests above 4 MiB, so a larger blob is a layer and is not read to see whether it is a manifest."""


class OciLayout:
    """A registry in a directory, which is made on the first write."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._blobs = directory / "blobs" / "sha256"
        self._name = f"{LAYOUT_PREFIX}{directory}"
        self._index: tuple[bytes, LayoutIndex] | None = None
        self._below: dict[str, frozenset[str]] = {}
        self._sound: dict[str, State] = {}
        self._swept = False

    def manifest(self, repository: str, reference: str) -> StoredManifest | None:
        with self._told():
            return self._manifest(repository, reference) if self._is_layout() else None

    def digest(self, repository: str, reference: str) -> str | None:
        found = self.manifest(repository, reference)
        return found.digest if found else None

    def has_blob(self, repository: str, digest: str, *, size: int | None = None) -> bool:  # noqa: ARG002  (blobs are shared by all repositories)
        with self._told():
            if size is None:
                return self._is_layout() and self._blob(digest).is_file()
            return self._is_layout() and self._is_sound(Descriptor(media_type="", digest=digest, size=size))

    def blob(self, repository: str, digest: str) -> bytes:
        return b"".join(self.read_blob(repository, digest))

    def read_blob(self, repository: str, digest: str) -> Iterator[bytes]:
        with self._told():
            if not self.has_blob(repository, digest):
                raise self._unusable(f"{self._name} has no blob {digest}", "it was removed; build the image again")
            path = self._blob(digest)
            descriptor = Descriptor(media_type="", digest=digest, size=path.stat().st_size)
            yield from checked(_pieces(path), descriptor, of=f"the blob {path}", hint=_REMOVE_IT)

    def put_blob(self, repository: str, data: bytes | Iterable[bytes], descriptor: Descriptor) -> None:  # noqa: ARG002
        with self._told():
            self._prepare()
            if not self._is_sound(descriptor):
                pieces = (data,) if isinstance(data, bytes) else data
                path = self._blob(descriptor.digest)
                self._write(path, checked(pieces, descriptor, of=f"a blob for {self._name}"))
                self._sound[descriptor.digest] = state_of(path.stat())

    def mount_blob(self, repository: str, digest: str, *, source: str) -> bool:  # noqa: ARG002
        with self._told():
            path = self._blob(digest)
            return self.has_blob(repository, digest) and self.has_blob(repository, digest, size=path.stat().st_size)

    def put_manifest(self, repository: str, reference: str, manifest: StoredManifest, *, wanted: Callable[[], bool] = always) -> str:
        by_digest = ":" in reference
        self._check_put(repository, reference, manifest)
        self.put_blob(repository, manifest.data, manifest.descriptor)
        name = "" if by_digest else f"{repository}:{reference}"
        with self._told():
            self._change(lambda index: with_manifest(index, manifest.descriptor, name), wanted)
        return manifest.digest

    def tags(self, repository: str) -> tuple[str, ...]:
        with self._told():
            return tags_of(self._load()[1], repository) if self._is_layout() else ()

    # What is in the directory.

    def _manifest(self, repository: str, reference: str) -> StoredManifest | None:
        index = self._load()[1]
        if ":" in reference:
            known = next((entry.descriptor for entry in index.entries if entry.descriptor.digest == reference), None)
            return self._manifest_blob(reference, known)
        try:
            found = find(index, repository, reference)
        except ValueError as error:
            raise self._corrupt_index(error) from error
        return self._manifest_blob(found.digest, found) if found else None

    def _manifest_blob(self, digest: str, known: Descriptor | None) -> StoredManifest | None:
        path = self._blob(digest)
        if not path.is_file() or path.stat().st_size > _LARGEST_MANIFEST:
            return None
        promised = Descriptor(media_type="", digest=digest, size=path.stat().st_size)
        data = b"".join(checked(_pieces(path), promised, of=f"the blob {path}", hint=_REMOVE_IT))
        media_type = known.media_type if known else media_type_of(data)
        return StoredManifest(media_type=media_type, data=data) if media_type else None

    def _blob(self, digest: str) -> Path:
        # Digests come from manifests that others wrote: nothing else may become a path.
        if not DIGEST.fullmatch(digest):
            raise self._unusable(f"{self._name} holds sha256 digests only, not {digest!r}", "correct the reference")
        return self._blobs / digest.removeprefix("sha256:")

    def _is_sound(self, descriptor: Descriptor) -> bool:
        """Whether the blob is there and has the bytes of its digest. It is read once in this process, and again where it changed: nothing else
        tells that a disk or a person left other bytes of the same size, which must be made anew and never be reused."""
        path = self._blob(descriptor.digest)
        if not path.is_file() or path.stat().st_size != descriptor.size:
            return False
        state = state_of(path.stat())
        if self._sound.get(descriptor.digest) != state:
            try:
                for _ in checked(_pieces(path), descriptor, of=""):
                    pass
            except UnusableError:
                return False
            self._sound[descriptor.digest] = state
        return True

    def _is_layout(self) -> bool:
        """False where there is nothing yet; UnusableError where there is something else."""
        marker = self._directory / _MARKER
        try:
            content = json.loads(marker.read_bytes())
        except FileNotFoundError:
            self._refuse_foreign()
            return False
        except ValueError as error:
            raise self._unusable(f"{marker} is not JSON: {error}", _NAME_ANOTHER) from error
        version = content.get("imageLayoutVersion") if isinstance(content, dict) else None
        if version != "1.0.0":
            raise self._unusable(f"{marker} has the imageLayoutVersion {version!r}, not '1.0.0'", _NAME_ANOTHER)
        return True

    def _refuse_foreign(self) -> None:
        if not self._directory.exists():
            return
        others = sorted(path.name for path in self._directory.iterdir() if not _OWN.fullmatch(path.name))
        # Another process may be making the layout right now: its oci-layout file comes first of all.
        if others and not (self._directory / _MARKER).exists():
            raise self._unusable(
                f"{self._directory} is not an OCI image layout: it has no oci-layout file, but holds {others[0]!r}", _NAME_ANOTHER
            )

    # How the directory changes.

    def _prepare(self) -> None:
        if self._is_layout() and self._swept:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        with self._locked():
            if not self._is_layout():
                self._write(self._directory / _MARKER, (b'{"imageLayoutVersion":"1.0.0"}',))
            self._sweep()
            self._blobs.mkdir(parents=True, exist_ok=True)
        self._swept = True

    def _sweep(self) -> None:
        for path in self._directory.glob(".tmp-*"):
            with contextlib.suppress(FileNotFoundError):  # its writer renamed it just now
                if _OWN.fullmatch(path.name) and path.stat().st_mtime < time.time() - _ABANDONED:
                    path.unlink()

    def _check_put(self, repository: str, reference: str, manifest: StoredManifest) -> None:
        name = f"{repository}{'@' if ':' in reference else ':'}{reference}"
        if ":" in reference and reference != manifest.digest:
            raise self._unusable(f"{name} was put with bytes whose digest is {manifest.digest}", "this is a bug in matrixbuild")
        try:
            needed = parts(manifest)
        except ValueError as error:
            raise self._unusable(f"{name} is no manifest: {error}", "this is a bug in what made it") from error
        own = media_type_of(manifest.data)
        if own != manifest.media_type:
            raise self._unusable(f"{name} is put as {manifest.media_type}, but its own media type is {own}", "this is a bug in what made it")
        missing = next((blob.digest for blob in needed.blobs if not self.has_blob(repository, blob.digest, size=blob.size)), None)
        if missing:
            raise self._unusable(f"{self._name} has no blob {missing}, which {name} refers to", "blobs are put before the manifest")

    def _change(self, change: Callable[[LayoutIndex], LayoutIndex], wanted: Callable[[], bool]) -> None:
        with self._locked():
            if not wanted():
                return
            before, index = self._load()
            changed = pruned(change(index), self._reachable)
            after = rendered(changed)
            if after != before:
                # First what the index names, then the index: a crash between leaves an unnamed blob, never a name without one.
                _sync_directory(self._blobs)
                self._write(self._directory / _INDEX, (after,))
                _sync_directory(self._directory)
                self._index = after, changed

    def _reachable(self, manifest: Descriptor) -> frozenset[str]:
        known = self._below.get(manifest.digest)
        if known is None:
            known = self._below_read(manifest)
            self._below[manifest.digest] = known
        return known

    def _below_read(self, manifest: Descriptor) -> frozenset[str]:
        path = self._blob(manifest.digest)
        if not path.is_file() or path.stat().st_size > _LARGEST_MANIFEST:
            return frozenset()
        try:
            children = parts(StoredManifest(media_type=manifest.media_type, data=path.read_bytes())).children
        except ValueError:
            # Something else than a manifest, or a corrupted one: it keeps nothing alive; reading it is what tells of the damage.
            return frozenset()
        return frozenset(child.digest for child in children).union(*(self._reachable(child) for child in children))

    def _load(self) -> tuple[bytes, LayoutIndex]:
        """The file's bytes and what they say; other processes replace the file, so it is read each time and parsed only where it differs."""
        try:
            data = (self._directory / _INDEX).read_bytes()
        except FileNotFoundError:
            return b"", LayoutIndex()
        known = self._index
        if known is None or data != known[0]:
            try:
                known = data, read_index(data)
            except ValueError as error:
                raise self._corrupt_index(error) from error
            self._index = known
        return known

    def _write(self, path: Path, pieces: Iterable[bytes]) -> None:
        temporary = self._directory / f".tmp-{uuid.uuid4().hex}"
        try:
            with temporary.open("xb") as file:
                file.writelines(pieces)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._directory / _LOCK).open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    # How it tells.

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            summary = f"{self._name} cannot be used: {error.filename or self._directory}: {error.strerror}"
            raise self._unusable(summary, "make the directory readable and writable, with space left") from error

    def _corrupt_index(self, error: ValueError) -> UnusableError:
        return self._unusable(f"{self._directory / _INDEX} is not an OCI image index: {error}", "restore it, or remove the directory and build again")

    @staticmethod
    def _unusable(summary: str, hint: str) -> UnusableError:
        return UnusableError(Problem(summary=summary, hint=hint, code="registry"))


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
