"""Digests of builds -> final tags in their registries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from matrixbuild.adapters.image_moves import copy_manifest
from matrixbuild.adapters.registries import Registries
from matrixbuild.adapters.side_by_side import side_by_side
from matrixbuild.core.build import Build
from matrixbuild.core.names import ImageName
from matrixbuild.core.problems import Problem, RefusedError, UnusableError
from matrixbuild.core.publish import PutTag, tags_to_put


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Which tags may move: with `mutable` those that the plan showed as `moves`, and those that a person named (`overwrite`)."""

    mutable: bool
    moves: frozenset[str]
    overwrite: frozenset[str]


def final_refs(builds: Sequence[Build]) -> list[ImageName]:
    """All final image names of builds, sorted, each once."""
    return sorted({ref for build in builds for ref in build.refs})


def held_tags(refs: Sequence[ImageName], registries: Registries) -> dict[str, str | None]:
    """What each image name holds now: a digest, or None where there is no such tag."""
    digests = side_by_side(lambda ref: registries.of(ref).digest(ref.repository, ref.tag), refs)
    return dict(zip(map(str, refs), digests, strict=True))


def publish(
    builds: Sequence[Build],
    digests: Mapping[str, str],
    registries: Registries,
    *,
    keeping: Keeping,
    held: Mapping[str, str | None] | None = None,
    on_put: Callable[[PutTag], None] = lambda _: None,
) -> tuple[PutTag, ...]:
    """Give every final name its digest; the tags that were put. Raises RefusedError before any is put where one must not move. `held` is what
    the names hold, where that was asked already; `on_put` hears of each when it is put."""
    if held is None:
        held = held_tags(final_refs(builds), registries)
    puts = tags_to_put(builds, digests, held, mutable=keeping.mutable, moves=keeping.moves, overwrite=keeping.overwrite)
    for put in puts:
        _put(put, held[str(put.ref)], registries)
        on_put(put)
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
