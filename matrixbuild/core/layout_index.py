"""The index.json of an OCI image layout that holds many repositories: bytes -> entries -> bytes, the same whatever the order of puts.

An entry is named by the annotation `org.opencontainers.image.ref.name`, which is `repository:tag` here. Layouts that skopeo or
buildx made name their entries by a tag alone: such an entry is that tag in *every* repository, unless the repository has the tag under
its full name. So an image somebody else laid down can be a base image, and its tag counts as taken: nothing is overwritten by mistake.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from matrixbuild.core.image_parts import NotAManifestError, descriptor
from matrixbuild.core.registry import Descriptor

REF_NAME = "org.opencontainers.image.ref.name"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntry:
    """One entry: `name` is its ref.name ("" where it has none), `line` the whole entry as JSON, with what other tools wrote into it."""

    name: str
    descriptor: Descriptor
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutIndex:
    """All entries, and what else the file says (`rest`: schemaVersion, mediaType, annotations), kept as it is."""

    entries: tuple[IndexEntry, ...] = ()
    rest: Mapping[str, Any] = field(default_factory=lambda: {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json"})


def read_index(data: bytes) -> LayoutIndex:
    """Read index.json; NotAManifestError where it is not one."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NotAManifestError(f"it is not JSON: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("manifests"), list):
        raise NotAManifestError("it is not an object with a list 'manifests'")
    entries = tuple(_entry(item) for item in content["manifests"])
    return LayoutIndex(entries=entries, rest={key: value for key, value in content.items() if key != "manifests"})


def find(index: LayoutIndex, repository: str, tag: str) -> Descriptor | None:
    """What a tag stands for; ValueError where two entries of one name differ."""
    for name in (f"{repository}:{tag}", tag):
        found = {entry.descriptor.digest: entry.descriptor for entry in index.entries if entry.name == name}
        if len(found) > 1:
            raise ValueError(f"it names {name!r} {len(found)} times, with different digests")
        if found:
            return next(iter(found.values()))
    return None


def tags_of(index: LayoutIndex, repository: str) -> tuple[str, ...]:
    """The tags of a repository, sorted; tags without a repository belong to every repository (see the module's text)."""
    own = {entry.name.removeprefix(f"{repository}:") for entry in index.entries if entry.name.startswith(f"{repository}:")}
    foreign = {entry.name for entry in index.entries if entry.name and ":" not in entry.name}
    return tuple(sorted(own | foreign))


def with_manifest(index: LayoutIndex, manifest: Descriptor, name: str) -> LayoutIndex:
    """The index with `manifest` under `name`, in place of what had it; nameless ("") it stays only until another entry refers to it."""
    kept = [entry for entry in index.entries if not name or entry.name != name]
    return LayoutIndex(entries=(*kept, _made(manifest, name)), rest=index.rest)


def pruned(index: LayoutIndex, reachable: Callable[[Descriptor], Iterable[str]]) -> LayoutIndex:
    """The index without the nameless entries that another entry keeps; `reachable` gives the digests of all manifests below one."""
    named = {entry.descriptor.digest for entry in index.entries if entry.name}
    below = {digest for entry in index.entries for digest in reachable(entry.descriptor)}
    bare: dict[str, IndexEntry] = {entry.descriptor.digest: entry for entry in index.entries if not entry.name}
    kept = [entry for digest, entry in bare.items() if digest not in named and digest not in below]
    return LayoutIndex(entries=(*(entry for entry in index.entries if entry.name), *kept), rest=index.rest)


def rendered(index: LayoutIndex) -> bytes:
    """The bytes of index.json: entries sorted by name, then digest, one a line."""
    lines = sorted((entry.name, entry.descriptor.digest, entry.line) for entry in index.entries)
    head = "".join(f"{_compact(key)}:{_compact(value)},\n" for key, value in sorted(index.rest.items()))
    body = ",\n".join(line for _, _, line in lines)
    return f'{{{head}"manifests":[\n{body}\n]}}\n'.encode()


def _compact(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _made(manifest: Descriptor, name: str) -> IndexEntry:
    content: dict[str, Any] = {"mediaType": manifest.media_type, "digest": manifest.digest, "size": manifest.size}
    if name:
        content["annotations"] = {REF_NAME: name}
    return IndexEntry(name=name, descriptor=manifest, line=_compact(content))


def _entry(item: object) -> IndexEntry:
    found = descriptor(item)
    content = item if isinstance(item, dict) else {}
    annotations = content.get("annotations") or {}
    name = annotations.get(REF_NAME, "") if isinstance(annotations, dict) else ""
    if not isinstance(name, str):
        raise NotAManifestError(f"the {REF_NAME} of {found.digest} is not text")
    return IndexEntry(name=name, descriptor=found, line=_compact(content))
