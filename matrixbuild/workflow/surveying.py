"""What the lock and the journal say was built -> what of it the registry and this machine still have (design.md 9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matrixbuild.adapters.artifact_files import artifacts_intact
from matrixbuild.adapters.image_facts import key_of, locked_image
from matrixbuild.adapters.image_moves import holds_image
from matrixbuild.adapters.journal import read_journal
from matrixbuild.adapters.registries import Registries
from matrixbuild.adapters.side_by_side import side_by_side
from matrixbuild.core.build import Build
from matrixbuild.core.indexes import indexes
from matrixbuild.core.journal import answers
from matrixbuild.core.lock import Lock, LockedBuild, LockedImage
from matrixbuild.core.lock_merge import Holdings, Output
from matrixbuild.core.names import ImageName
from matrixbuild.core.plan import RegistryState
from matrixbuild.core.problems import UnusableError
from matrixbuild.core.registry import Registry, StoredManifest
from matrixbuild.workflow.indexing import made_indexes
from matrixbuild.workflow.publishing import held_tags


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where to look: the registries, the project's output directory, and the manifest's state directory."""

    registries: Registries
    output: Path
    state: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What is there, by build key: `adopted` is everything that builds left of which the lock does not know (or no longer has it where it knew);
    `images` are those of builds whose files are gone. They run again, and keep their images: those are published, or what others need."""

    adopted: Mapping[str, Output]
    images: Mapping[str, LockedImage]
    state: RegistryState


def look_around(builds: Sequence[Build], lock: Lock | None, places: Places, *, names: Sequence[ImageName]) -> Survey:
    """What registry and machine still have: of what the lock holds, of builds it does not know (by the journal, and by their content tags), and
    what the image `names` hold."""
    held = Holdings(lock)
    known = [(build, entry) for build in builds if (entry := held.same(build))]
    there = side_by_side(lambda pair: image_held(pair[0], pair[1], places.registries), known)
    missing = frozenset(build.key for (build, _), held_now in zip(known, there, strict=True) if not held_now)
    lost = frozenset(build.key for build, entry in known if not artifacts_held(build, entry, places.output))
    adopted = _beside([build for build in builds if build.key in missing | lost or held.same(build) is None], places)
    again = [build for build in builds if build.artifacts and build.key not in adopted and (build.key in lost or held.same(build) is None)]
    images = _images(again, {build.key: entry.image for build, entry in known if entry.image and build.key not in missing}, places)
    there_now = {
        **{build.key: entry.image.digest for build, entry in known if entry.image and build.key not in missing},
        **{key: image.digest for key, image in images.items()},
        **{key: found.image.digest for key, found in adopted.items() if found.image},
    }
    state = RegistryState(
        missing_images=missing,
        missing_artifacts=lost,
        tags=held_tags(names, places.registries),
        adopted={key: found.image.digest if found.image else "" for key, found in adopted.items()},
        images={key: image.digest for key, image in images.items()},
        indexes=_indexes(builds, there_now, places.registries) if names else {},
    )
    return Survey(adopted=adopted, images=images, state=state)


def _indexes(builds: Sequence[Build], digests: Mapping[str, str], registries: Registries) -> dict[str, str]:
    """The digests that the indexes of builds have or would have, by image name, where all that they list is there."""
    whole = [index for index in indexes(builds) if all(child.key in digests for child in index.children)]
    return {ref: made.manifest.digest for ref, made in made_indexes(whole, digests, registries).items()}


def _images(builds: Sequence[Build], locked: Mapping[str, LockedImage], places: Places) -> dict[str, LockedImage]:
    def found(build: Build) -> LockedImage | None:
        return locked.get(build.key) or pushed_image(build, places.registries)

    return {build.key: image for build, image in zip(builds, side_by_side(found, builds), strict=True) if image}


def _beside(builds: Sequence[Build], places: Places) -> dict[str, Output]:
    recalled = _recalled([build.key for build in builds], places.state)

    def found(build: Build) -> Output | None:
        output = recalled.get(build.key)
        return output if output and proven(build, output, places) else adoptable(build, places.registries)

    return {build.key: output for build, output in zip(builds, side_by_side(found, builds), strict=True) if output}


def _recalled(keys: Sequence[str], state: Path) -> Mapping[str, Output]:
    with read_journal(state) as journal:
        return {key: result.output for key, result in journal.results(keys).items()} if journal and keys else {}


def proven(build: Build, output: Output, places: Places) -> bool:
    """Whether everything that a build of this key left, as the journal tells it, is there now."""
    if not answers(build, output) or not artifacts_intact(places.output / build.slug, (), dict(output.artifacts)):
        return False
    if build.content_image is None or output.image is None:
        return True
    registry = places.registries.of(build.content_image)
    return _whole(registry, build.content_image.repository, output.image.digest, build.key) is not None


def adoptable(build: Build, registries: Registries) -> Output | None:
    """What a build left that leaves an image alone, where that is under its content tag. One that also leaves artifacts cannot be taken over:
    those are in no registry."""
    image = None if build.artifacts else pushed_image(build, registries)
    return Output(image=image) if image else None


def pushed_image(build: Build, registries: Registries) -> LockedImage | None:
    """The image under the content tag of a build, where it is whole and its label holds the full build key."""
    if build.content_image is None:
        return None
    registry, repository = registries.of(build.content_image), build.content_image.repository
    manifest = _whole(registry, repository, build.content_tag, build.key)
    return locked_image(registry, repository, manifest) if manifest else None


def image_held(build: Build, entry: LockedBuild, registries: Registries) -> bool:
    """Whether the registry has the whole image that the lock holds for a build (true where the build has none).

    The image says itself whose it is: digests that changed places in a lock (a merge, an editor) must not publish one build under another's name.
    """
    if build.image is None or entry.image is None:
        return True
    return _whole(registries.of(build.image), build.image.repository, entry.image.digest, build.key) is not None


def _whole(registry: Registry, repository: str, reference: str, key: str) -> StoredManifest | None:
    """The manifest of an image that is there with all its parts and says itself that it has this build key."""
    try:
        manifest = registry.manifest(repository, reference)
        if manifest and holds_image(registry, repository, manifest.digest) and key_of(registry, repository, manifest) == key:
            return manifest
    except UnusableError as error:
        # Other bytes than were pushed are as good as none.
        if error.problems[0].code != "digest-mismatch":
            raise
    return None


def artifacts_held(build: Build, entry: LockedBuild, output: Path) -> bool:
    return artifacts_intact(output / build.slug, tuple(name for _, name in build.artifacts), dict(entry.artifacts))
