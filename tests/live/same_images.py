"""Two images in registries -> every difference between them, layer by layer: contents, modes, owners, links and configuration, but no times.

`python -m tests.live.same_images REPOSITORY@DIGEST REPOSITORY@DIGEST`, or two locks: each build's image of the one against that of the other.
Exits 1 where anything differs.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from matrixbuild.adapters.registry import HttpRegistry
from matrixbuild.core.names import ImageName

KEY = "dev.matrixbuild.key"
_TIMES = ("created", "history", "rootfs")
Entries = dict[str, tuple[object, ...]]


def differences(one: ImageName, other: ImageName) -> list[str]:
    """What is not the same; of layers the number, from 0, and the path."""
    left, right = image_of(one), image_of(other)
    told = [] if left.config == right.config else [f"config: {_fields(left.config, right.config)}"]
    if len(left.layers) != len(right.layers):
        return [*told, f"{len(left.layers)} layers and {len(right.layers)}"]
    for number, (digest, against) in enumerate(zip(left.layers, right.layers, strict=True)):
        if digest != against:
            told += [f"layer {number}: {difference}" for difference in _of_entries(left.entries(digest), right.entries(against))]
    return told


def _fields(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[str]:
    return [f"{name}: {left.get(name)} / {right.get(name)}" for name in sorted(left.keys() | right.keys()) if left.get(name) != right.get(name)]


def _of_entries(left: Entries, right: Entries) -> Iterator[str]:
    for path in sorted(left.keys() | right.keys()):
        if left.get(path) != right.get(path):
            yield f"{path}: {left.get(path)} / {right.get(path)}"


class _Image:
    def __init__(self, name: ImageName) -> None:
        self._client, self._repository = HttpRegistry(name.registry), name.repository
        manifest = self._manifest(name.digest or name.tag)
        self.layers = [layer["digest"] for layer in manifest["layers"]]
        config = json.loads(self._client.blob(self._repository, manifest["config"]["digest"]))
        inner = config.get("config", {})
        inner["Labels"] = {label: value for label, value in (inner.get("Labels") or {}).items() if label != KEY}
        self.config = {key: value for key, value in {**config, **inner}.items() if key not in (*_TIMES, "config")}

    def _manifest(self, reference: str) -> dict[str, Any]:
        stored = self._client.manifest(self._repository, reference)
        if stored is None:
            raise SystemExit(f"there is no {self._repository} {reference}")
        found: dict[str, Any] = json.loads(stored.data)
        # Earthly makes a list of one wherever a platform is named.
        return self._manifest(found["manifests"][0]["digest"]) if "manifests" in found else found

    def entries(self, digest: str) -> Entries:
        data = self._client.blob(self._repository, digest)
        unpacked = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        with tarfile.open(fileobj=io.BytesIO(unpacked)) as archive:
            return {member.name: _entry(archive, member) for member in archive}


def image_of(name: ImageName) -> _Image:
    """An image of a registry, with its layers in their order."""
    return _Image(name)


def _entry(archive: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[object, ...]:
    file = archive.extractfile(member) if member.isfile() else None
    content = hashlib.sha256(file.read()).hexdigest() if file else ""
    marks = tuple(sorted((name, value) for name, value in member.pax_headers.items() if "xattr" in name))
    return member.type, oct(member.mode), member.uid, member.gid, member.linkname, member.devmajor, member.devminor, content, marks


def _of_locks(one: Path, other: Path) -> Iterator[tuple[str, ImageName, ImageName]]:
    left, right = (json.loads(path.read_text())["builds"] for path in (one, other))
    if left.keys() != right.keys() or not left:
        raise SystemExit("the locks are not about the same builds")
    for name in sorted(left):
        yield name, *(_locked(lock[name]) for lock in (left, right))


def _locked(entry: Mapping[str, Any]) -> ImageName:
    ref = next(ref for refs in entry["cells"].values() for ref in refs)
    return ImageName.parse(ref).with_digest(entry["image"]["digest"])


def main(one: str, other: str) -> int:
    pairs = list(_of_locks(Path(one), Path(other))) if one.endswith(".json") else [(one, ImageName.parse(one), ImageName.parse(other))]
    differing = 0
    for name, left, right in pairs:
        told = differences(left, right)
        differing += bool(told)
        print(f"{name}: {'the same' if not told else ''}", *told, sep="\n  " if told else "")
    print(f"{len(pairs) - differing} of {len(pairs)} images are the same in contents, modes, owners, links and configuration")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
