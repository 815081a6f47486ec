"""Digests of builds -> final tags in their registries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from matrixbuild.adapters.image_moves import copy_manifest
from matrixbuild.adapters.registries import Registries
from matrixbuild.adapters.side_by_side import side_by_side
from matrixbuild.core.build import Build
from matrixbuild.core.indexes import Index
from matrixbuild.core.lock import LockedImage
from matrixbuild.core.names import ImageName
from matrixbuild.core.problems import Problem, RefusedError, UnusableError
from matrixbuild.core.publish import PutTag, tags_to_put
from matrixbuild.workflow.indexing import made_indexes, put_index


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Which tags may move: with `mutable` those that the plan showed as `moves` (image name: the digest it held then), and those that a person
    named (`overwrite`)."""

    mutable: bool
    moves: Mapping[str, str]
    overwrite: frozenset[str]


def final_refs(builds: Sequence[Build]) -> list[ImageName]:
    """All final image names of builds, sorted, each once."""
    return sorted({ref for build in builds for ref in build.refs})


def held_tags(refs: Sequence[ImageName], registries: Registries) -> dict[str, str | None]:
    """What each image name holds now: a digest, or None where there is no such tag."""
    digests = side_by_side(lambda ref: registries.of(ref).digest(ref.repository, ref.tag), refs)
    return dict(zip(map(str, refs), digests, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The tags that were put, and the indexes that are published, by image name (whether their tags were put now or before)."""

    puts: tuple[PutTag, ...]
    indexes: Mapping[str, LockedImage]


def publish(
    builds: Sequence[Build],
    digests: Mapping[str, str],
    registries: Registries,
    *,
    keeping: Keeping,
    indexes: Sequence[Index] = (),
    held: Mapping[str, str | None] | None = None,
    on_put: Callable[[PutTag], None] = lambda _: None,
) -> Published:
    """Give every final name its digest. Raises RefusedError before any is put where one must not move, InvalidError for an index that would list
    two images for one platform.

    `indexes` are all of the manifest; those that are names of `builds` are made, of these and of what else they list, and put after their images
    and before any tag. `held` is what the names hold, where that was asked already; `on_put` hears of each tag when it is put.
    """
    names = final_refs(builds)
    if held is None:
        held = held_tags(names, registries)
    made = made_indexes([index for index in indexes if index.ref in set(names)], digests, registries)
    puts = tags_to_put(
        builds,
        digests,
        held,
        mutable=keeping.mutable,
        moves=keeping.moves,
        overwrite=keeping.overwrite,
        indexes={ref: one.manifest.digest for ref, one in made.items()},
    )
    for put in puts:
        if str(put.ref) in made:
            put_index(made[str(put.ref)], registries)
    for put in puts:
        _put(put, held[str(put.ref)], registries)
        on_put(put)
    _check_kept(puts, registries)
    return Published(puts=puts, indexes={ref: one.locked for ref, one in made.items()})


def _put(put: PutTag, expected: str | None, registries: Registries) -> None:
    registry, repository = registries.of(put.ref), put.ref.repository
    origin = registries.of(put.source)
    if origin is not registry or put.source.repository != repository:
        copy_manifest(registry, source=put.source.repository, target=repository, digest=put.digest, reference=put.digest, origin=origin)
    manifest = registry.manifest(repository, put.digest)
    if manifest is None:
        summary = f"the image {repository}@{put.digest} is no longer in its registry"
        raise UnusableError(Problem(summary=summary, hint="apply again: it is built anew", code="registry"))

    def is_to_be_put() -> bool:
        now = registry.digest(repository, put.ref.tag)
        if now not in (put.digest, expected):
            raise RefusedError(_held(f"{put.ref} was moved by someone else during this run, to {now or 'nothing'}: it is left alone"))
        return now != put.digest

    # Registries have no compare-and-swap: to ask right before the PUT, with all else done, is the smallest window there is.
    registry.put_manifest(repository, put.ref.tag, manifest, wanted=is_to_be_put)


def _check_kept(puts: Sequence[PutTag], registries: Registries) -> None:
    """Raise RefusedError where a name does not hold what it was given a moment ago: another run came into the window, or the registry lost it. A
    lock must not claim it."""
    now = held_tags([put.ref for put in puts], registries)
    lost = [(put, found) for put in puts if (found := now[str(put.ref)]) != put.digest]
    if problems := [_held(f"{put.ref} was given {put.digest}, and holds {found or 'nothing'} a moment later") for put, found in lost]:
        raise RefusedError(*problems)


def _held(summary: str) -> Problem:
    return Problem(summary=summary, hint="find out who publishes under this name, then apply again", code="tag-held")
