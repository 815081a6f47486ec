"""Builds, their digests and what the final tags hold now become the tags to put, or a refusal of all of them (design.md 9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matrixbuild.core.build import Build
from matrixbuild.core.names import ImageName
from matrixbuild.core.problems import Problem, RefusedError


@dataclass(frozen=True, slots=True, kw_only=True)
class PutTag:
    """Give `ref` to the manifest `digest`, whose bytes are in `source` (registry and repository, by digest)."""

    ref: ImageName
    digest: str
    source: ImageName


def tags_to_put(
    builds: Sequence[Build],
    digests: Mapping[str, str],
    held: Mapping[str, str | None],
    *,
    mutable: bool = False,
    moves: Mapping[str, str] | None = None,
    overwrite: frozenset[str] = frozenset(),
    indexes: Mapping[str, str] | None = None,
) -> tuple[PutTag, ...]:
    """The tags that do not yet hold the digest they should, sorted by name.

    `digests` are of each build with an image, by key, and `indexes` of each index, by image name; `held` is what the registry says that each
    final image name holds now. A tag that holds its digest already is left: so a publish that died half-way goes on where it stopped. One that
    holds another digest moves only with `mutable` tags and from the digest that the plan showed (`moves`, by image name: what somebody put there
    since is nobody's to move), or where a person named it (`overwrite`).
    Raises RefusedError with every tag that must not move, before any is put; KeyError where a digest or an answer is missing.
    """
    wanted = sorted({_wanted(build, ref, digests, indexes or {}) for build in builds for ref in build.refs}, key=lambda put: put.ref)
    puts = tuple(put for put in wanted if held[str(put.ref)] != put.digest)
    shown = (moves or {}) if mutable else {}
    refused = [
        _refused(put, now, mutable=mutable, shown=shown.get(ref, ""))
        for put in puts
        if (now := held[ref := str(put.ref)]) and ref not in overwrite and shown.get(ref) != now
    ]
    if refused:
        raise RefusedError(*refused)
    return puts


def _wanted(build: Build, ref: ImageName, digests: Mapping[str, str], indexes: Mapping[str, str]) -> PutTag:
    if build.index_of(ref):
        digest = indexes[str(ref)]
        return PutTag(ref=ref, digest=digest, source=ref.with_digest(digest))
    return PutTag(ref=ref, digest=digests[build.key], source=_source(build, digests[build.key]))


def _source(build: Build, digest: str) -> ImageName:
    if build.image is None:
        raise ValueError(f"{build.name} has image names but no image")
    return build.image.with_digest(digest)


def _refused(put: PutTag, held: str, *, mutable: bool, shown: str) -> Problem:
    why = f"and the plan showed a move from {shown}" if shown else "which the plan did not show as a move" if mutable else "and tags are immutable"
    return Problem(
        summary=f"{put.ref} holds {held} in the registry, {why}: it is not moved to {put.digest}",
        hint=f"let it move with --overwrite {put.ref}" if mutable else f"give the release a new tag, or let this one move with --overwrite {put.ref}",
        code="tag-held",
    )
