"""Digests of builds -> final tags in their registries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matrixbuild.adapters.image_moves import copy_manifest
from matrixbuild.adapters.registries import Registries
from matrixbuild.adapters.side_by_side import side_by_side
from matrixbuild.core.build import Build
from matrixbuild.core.names import ImageName
from matrixbuild.core.problems import Problem, RefusedError, UnusableError
from matrixbuild.core.publish import PutTag, tags_to_put


def held_tags(refs: Sequence[ImageName], registries: Registries) -> dict[str, str | None]:
    """What each image name holds now: a digest, or None where there is no such tag."""
    digests = side_by_side(lambda ref: registries.of(ref).digest(ref.repository, ref.tag), refs)
    return dict(zip(map(str, refs), digests, strict=True))


def publish(
    builds: Sequence[Build],
    digests: Mapping[str, str],
    registries: Registries,
    *,
    mutable: bool,
    moves: frozenset[str],
    overwrite: frozenset[str],
) -> tuple[PutTag, ...]:
    """Give every final name its digest; the tags that were put. Raises RefusedError before any is put where one must not move."""
    refs = sorted({ref for build in builds for ref in build.refs})
    held = held_tags(refs, registries)
    puts = tags_to_put(builds, digests, held, mutable=mutable, moves=moves, overwrite=overwrite)
    for put in puts:
        _put(put, held[str(put.ref)], registries)
    return puts


def _put(put: PutTag, expected: str | None, registries: Registries) -> None:
    registry, repository = registries.of(put.ref), put.ref.repository
    origin = registries.of(put.source)
    if origin is not registry or put.source.repository != repository:
        copy_manifest(registry, source=put.source.repository, target=repository, digest=put.digest, reference=put.digest, origin=origin)
    manifest = registry.manifest(repository, put.digest)
    if manifest is None:
        summary = f"the image {repository}@{put.digest} is no longer in its registry"
        raise UnusableError(Problem(summary=summary, hint="apply again: it is built anew", code="registry"))
    # Registries have no compare-and-swap: to ask right before the PUT, with all else done, is the smallest window there is.
    now = registry.digest(put.ref.repository, put.ref.tag)
    if now == put.digest:
        return
    if now != expected:
        raise RefusedError(
            Problem(
                summary=f"{put.ref} was moved by someone else during this run, to {now or 'nothing'}: it is left alone",
                hint="find out who publishes under this name, then apply again",
                code="tag-held",
            ),
        )
    registry.put_manifest(repository, put.ref.tag, manifest)
