"""The images of builds in their registries -> the indexes over them, put by digest after everything they list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matrixbuild.adapters.image_facts import platform_images
from matrixbuild.adapters.image_moves import copy_manifest
from matrixbuild.adapters.registries import Registries
from matrixbuild.adapters.side_by_side import side_by_side
from matrixbuild.core.build import Build
from matrixbuild.core.indexes import Child, Index, overlapping_platforms, rendered
from matrixbuild.core.lock import LockedImage
from matrixbuild.core.names import ImageName
from matrixbuild.core.problems import InvalidError, Problem, UnusableError
from matrixbuild.core.registry import StoredManifest


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeIndex:
    """An index and its bytes; `children` are its entries, each with the name under which its manifest is to be had."""

    index: Index
    manifest: StoredManifest
    children: tuple[tuple[Child, ImageName], ...]

    @property
    def locked(self) -> LockedImage:
        """What the lock records of it."""
        platforms = tuple(sorted((str(child.platform), child.manifest.digest) for child, _ in self.children))
        return LockedImage(digest=self.manifest.digest, media_type=self.manifest.media_type, size=len(self.manifest.data), platforms=platforms)


def made_indexes(indexes: Sequence[Index], digests: Mapping[str, str], registries: Registries) -> dict[str, MadeIndex]:
    """The indexes by image name, none of them put yet; `digests` are those of the children, by build key.

    Raises InvalidError where two images of one index are for one platform, UnusableError where one is not there; KeyError without its digest.
    """
    made = side_by_side(lambda index: _made(index, digests, registries), indexes)
    if problems := [problem for one in made for problem in overlapping_platforms(one.index, [child for child, _ in one.children])]:
        raise InvalidError(*problems)
    return {str(one.index.ref): one for one in made}


def _made(index: Index, digests: Mapping[str, str], registries: Registries) -> MadeIndex:
    children = tuple(entry for child in index.children for entry in _children(child, digests[child.key], registries))
    return MadeIndex(index=index, manifest=rendered([child for child, _ in children]), children=children)


def _children(build: Build, digest: str, registries: Registries) -> list[tuple[Child, ImageName]]:
    """The images of a build. What Earthly pushes for a platform is a list with one entry: the entry is the image (facts of Earthly)."""
    if build.image is None:
        raise ValueError(f"{build.name} has the name of an index and no image")
    registry, repository = registries.of(build.image), build.image.repository
    manifest = registry.manifest(repository, digest)
    if manifest is None:
        summary = f"the image {repository}@{digest} is no longer in its registry"
        raise UnusableError(Problem(summary=summary, hint="apply again: it is built anew", code="registry"))
    return [
        (Child(platform=platform, build=build.name, manifest=image), build.image.with_digest(image.digest))
        for platform, image in platform_images(registry, repository, manifest)
    ]


def put_index(made: MadeIndex, registries: Registries) -> None:
    """Its images by digest into the repository of its name, where they are not there yet, then the index by its own: a registry accepts an index
    without what it lists, and nobody could pull it (design.md 9)."""
    ref = made.index.ref
    registry = registries.of(ref)
    for child, source in made.children:
        origin = registries.of(source)
        if origin is not registry or source.repository != ref.repository:
            digest = child.manifest.digest
            copy_manifest(registry, source=source.repository, target=ref.repository, digest=digest, reference=digest, origin=origin)
    registry.put_manifest(ref.repository, made.manifest.digest, made.manifest)
