"""A manifest, its source, its lock and (where asked) its registry -> a plan, with everything an apply needs to carry it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from matrixbuild.adapters.artifact_files import artifacts_intact
from matrixbuild.adapters.engines.base import Engine
from matrixbuild.adapters.image_facts import key_of, locked_image
from matrixbuild.adapters.image_moves import holds_image
from matrixbuild.adapters.lock_file import lock_path, read_lock
from matrixbuild.adapters.project import project_root
from matrixbuild.adapters.registries import Registries
from matrixbuild.adapters.side_by_side import side_by_side
from matrixbuild.adapters.source import Snapshot, snapshot
from matrixbuild.adapters.state import STATE_DIRECTORY, WORK_DIRECTORY
from matrixbuild.core.build import Build, builds
from matrixbuild.core.expand import Expansion
from matrixbuild.core.lock import Lock, LockedBuild, LockedImage, Pins
from matrixbuild.core.lock_merge import Holdings
from matrixbuild.core.manifest import Manifest
from matrixbuild.core.names import LAYOUT_PREFIX, ImageName
from matrixbuild.core.plan import Plan, RegistryState, Rules, plan
from matrixbuild.core.problems import InvalidError, Problem, UnusableError, did_you_mean
from matrixbuild.core.registry import Registry, StoredManifest
from matrixbuild.workflow.analysing import Analysis, analyse
from matrixbuild.workflow.publishing import held_tags
from matrixbuild.workflow.reading import read_and_expand
from matrixbuild.workflow.targets import LINES

OUTPUT_DIRECTORY = "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Where a manifest's things are: itself, its lock, the project's root with state and artifacts, its registries."""

    manifest: Path
    lock: Path
    root: Path
    registries: Registries

    @property
    def output(self) -> Path:
        return self.root / OUTPUT_DIRECTORY

    def state(self, name: str) -> Path:
        return self.root / STATE_DIRECTORY / name


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A manifest read to the end: its builds, and what they were made from. `unpinned` are base images that no pin answers."""

    project: Project
    expansion: Expansion
    source: Snapshot
    builds: tuple[Build, ...]
    lock: Lock | None
    pins: Pins
    unpinned: tuple[str, ...] = ()

    @property
    def manifest(self) -> Manifest:
        return self.expansion.manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, what it was made from, and the images by build key that the registry proved to be built though the lock does not know them."""

    prepared: Prepared
    plan: Plan
    adopted: Mapping[str, LockedImage]


def plan_manifest(path: Path, *, refresh: bool, overwrite: frozenset[str]) -> Planned:
    """The plan of a manifest; with `refresh` the registry and the artifacts on this machine are asked, else the lock is believed."""
    prepared = prepare(path, resolve=False)
    return planned(prepared, overwrite=overwrite, refresh=refresh)


def planned(prepared: Prepared, *, overwrite: frozenset[str], refresh: bool) -> Planned:
    """The plan of what was prepared. Raises InvalidError for a name to overwrite that the manifest does not publish, and as core.plan does."""
    manifest = prepared.manifest
    _check_overwrite(prepared, overwrite)
    adopted, state = look_around(prepared) if refresh else ({}, None)
    limits = {amount.pool: amount.amount for amount in manifest.limits}
    found = plan(
        prepared.builds,
        prepared.lock,
        name=manifest.name,
        engine=LINES[manifest.engine],
        cells=len(prepared.expansion.cells),
        demands=len(prepared.expansion.demands),
        rules=Rules(mutable=manifest.mutable_tags, overwrite=overwrite, limits=limits),
        registry=state,
        to_pin=prepared.unpinned,
    )
    return Planned(prepared=prepared, plan=found, adopted=adopted)


def prepare(path: Path, *, resolve: bool) -> Prepared:
    """Read a manifest to its builds. With `resolve`, base images that no pin answers are asked of their registries and pinned."""
    expansion = read_and_expand(path)
    manifest = expansion.manifest
    project = project_of(path)
    lock = read_lock(project.lock)
    source = _source(manifest, project)
    pins = Pins(source=(("path", manifest.source.value),), engine=LINES[manifest.engine], images=lock.pins.images if lock else ())
    analysis = analyse(expansion.demands, source, dict(pins.images), engine=manifest.engine)
    if resolve and analysis.unpinned:
        resolved = _resolved(analysis.unpinned, manifest, project.registries)
        pins = replace(pins, images=tuple(sorted({**dict(pins.images), **resolved}.items())))
        analysis = analyse(expansion.demands, source, dict(pins.images), engine=manifest.engine)
    pins = replace(pins, images=_in_use(pins, analysis))
    made = builds(expansion.demands, analysis.readings)
    return Prepared(project=project, expansion=expansion, source=source, builds=made, lock=lock, pins=pins, unpinned=analysis.unpinned)


def project_of(path: Path) -> Project:
    return Project(manifest=path, lock=lock_path(path), root=project_root(path), registries=Registries(base=path.parent))


def check_engine(manifest: Manifest) -> None:
    """Raise UnusableError for an engine that plans and cannot build yet."""
    if manifest.engine != "embedded":
        hint = "what is built without RUN the embedded engine can build: `engine: embedded`"
        raise UnusableError(Problem(summary="this matrixbuild can plan for Earthly but not run it yet", hint=hint, code="engine"))


def engine_of(prepared: Prepared) -> Engine:
    """The embedded engine over the snapshot that was planned; base images by the digests that were pinned."""
    from matrixbuild.adapters.engines.embedded.engine import EmbeddedEngine

    project, manifest, pins = prepared.project, prepared.manifest, dict(prepared.pins.images)

    def locate(ref: str) -> tuple[Registry, ImageName]:
        name = ImageName.parse(ref, layout=manifest.layout)
        found = name.with_digest(pins[ref]) if ref in pins else name
        return project.registries.of(found), found

    return EmbeddedEngine(checkout=prepared.source, locate=locate, registry=project.registries.of, work=project.state(manifest.name) / WORK_DIRECTORY)


def look_around(prepared: Prepared) -> tuple[dict[str, LockedImage], RegistryState]:
    """What the registry and this machine still have: of what the lock holds, of builds it does not know (by their content tags), and
    what the final tags hold."""
    held = Holdings(prepared.lock)
    known = [(build, entry) for build in prepared.builds if (entry := held.same(build))]
    registries = prepared.project.registries
    there = side_by_side(lambda pair: image_held(pair[0], pair[1], registries), known)
    missing = frozenset(build.key for (build, _), held_now in zip(known, there, strict=True) if not held_now)
    unknown = [build for build in prepared.builds if build.key in missing or held.same(build) is None]
    found = zip(unknown, side_by_side(lambda build: adoptable(build, registries), unknown), strict=True)
    adopted = {build.key: image for build, image in found if image}
    state = RegistryState(
        missing_images=missing,
        missing_artifacts=frozenset(build.key for build, entry in known if not artifacts_held(build, entry, prepared.project.output)),
        tags=held_tags(sorted({ref for build in prepared.builds for ref in build.refs}), registries),
        adopted={key: image.digest for key, image in adopted.items()},
    )
    return adopted, state


def adoptable(build: Build, registries: Registries) -> LockedImage | None:
    """The image under the content tag of a build, where it is whole and its label holds the full build key. A build that also leaves
    artifacts cannot be taken over: those are in no registry."""
    if build.content_image is None or build.artifacts:
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


def _source(manifest: Manifest, project: Project) -> Snapshot:
    base = project.manifest.parent
    without = [project.root / STATE_DIRECTORY, project.root / OUTPUT_DIRECTORY, project.lock]
    if manifest.layout:
        without.append(base / manifest.layout.removeprefix(LAYOUT_PREFIX))
    return snapshot(base / manifest.source.value, named=manifest.source.value, without=tuple(path.resolve() for path in without))


def _resolved(refs: tuple[str, ...], manifest: Manifest, registries: Registries) -> Mapping[str, str]:
    """The digests that base images have now, by ref."""
    found = {}
    for ref in refs:
        name = _base_name(ref, manifest)
        digest = registries.of(name).digest(name.repository, name.tag)
        if digest is None:
            summary = f"the base image {ref} is not in its registry"
            raise UnusableError(Problem(summary=summary, hint="push it first, or correct its name", code="registry"))
        found[ref] = digest
    return found


def _base_name(ref: str, manifest: Manifest) -> ImageName:
    try:
        return ImageName.parse(ref, layout=manifest.layout)
    except ValueError as error:
        raise UnusableError(Problem(summary=f"a base image cannot be found: {error}", hint="correct its name in the Earthfile or in args")) from error


def _in_use(pins: Pins, analysis: Analysis) -> tuple[tuple[str, str], ...]:
    """The pins that some build still starts from: one that nothing uses would only make locks of branches differ."""
    used = {base.partition("@")[0] for reading in analysis.readings.values() for base in reading.bases}
    return tuple((ref, digest) for ref, digest in pins.images if ref in used)


def _check_overwrite(prepared: Prepared, overwrite: frozenset[str]) -> None:
    names = {str(ref) for build in prepared.builds for ref in build.refs}
    if unknown := sorted(overwrite - names):
        hint = did_you_mean(unknown[0], names) or "give the whole name, as `plan` shows it"
        raise InvalidError(*(Problem(summary=f"--overwrite {ref}: the manifest publishes no such image name", hint=hint) for ref in unknown))
