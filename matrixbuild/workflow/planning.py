"""A manifest, its source, its lock and (where asked) its registry -> a plan, with everything an apply needs to carry it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from matrixbuild.adapters.collector import patient
from matrixbuild.adapters.engines.base import Engine
from matrixbuild.adapters.notes import Notes
from matrixbuild.adapters.registries import Registries
from matrixbuild.adapters.state import WORK_DIRECTORY
from matrixbuild.core.basis import Basis
from matrixbuild.core.build import Build
from matrixbuild.core.expand import Expansion, in_order
from matrixbuild.core.lock import Lock, LockedImage, Pins
from matrixbuild.core.lock_merge import Output
from matrixbuild.core.manifest import Manifest
from matrixbuild.core.names import ImageName
from matrixbuild.core.pins import added
from matrixbuild.core.plan import Plan, RegistryState, Rules, plan
from matrixbuild.core.problems import InvalidError, Problem, RefusedError, UnusableError, did_you_mean
from matrixbuild.core.registry import Registry
from matrixbuild.core.secrets import check_secrets
from matrixbuild.core.selection import selected
from matrixbuild.core.surroundings import PublishMode
from matrixbuild.workflow.analysing import Analysis, analyse
from matrixbuild.workflow.basing import basis_of, dropped
from matrixbuild.workflow.examining import Examiners
from matrixbuild.workflow.generations import generated
from matrixbuild.workflow.options import PLAIN, Options
from matrixbuild.workflow.projects import Project
from matrixbuild.workflow.reading import Opened, open_manifest
from matrixbuild.workflow.sources import Fetch, Trees
from matrixbuild.workflow.surveying import Places, Survey, look_around
from matrixbuild.workflow.targets import LINES

KINDS = {line: kind for kind, line in LINES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A manifest read to the end: its builds, and what they were made from. `engine` is the kind that builds Earthly targets; `unpinned` are base
    images that no pin answers; `chosen` the names of the builds that were selected (None: all); `basis` is what a plan of it is made from."""

    project: Project
    registries: Registries
    expansion: Expansion
    trees: Trees
    builds: tuple[Build, ...]
    lock: Lock | None
    pins: Pins
    engine: str
    basis: Basis
    unpinned: tuple[str, ...] = ()
    chosen: frozenset[str] | None = None

    @property
    def manifest(self) -> Manifest:
        return self.expansion.manifest

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return self.expansion.warnings

    @property
    def selected(self) -> tuple[Build, ...]:
        """The builds that were selected."""
        return tuple(build for build in self.builds if self.chosen is None or build.name in self.chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, what it was made from, and (as in surveying.Survey, by build key) what builds left that the lock does not know, and the images of
    those that run again for their files."""

    prepared: Prepared
    plan: Plan
    adopted: Mapping[str, Output]
    images: Mapping[str, LockedImage]


@patient()
def plan_manifest(path: Path, *, refresh: bool = False, overwrite: frozenset[str] = frozenset(), options: Options = PLAIN) -> Planned:
    """The plan of a manifest; with `refresh` the registry and the artifacts on this machine are asked, else the lock is believed."""
    prepared = prepare(path, resolve=False, options=options, recall=refresh)
    return planned(prepared, overwrite=overwrite, refresh=refresh)


@patient()
def planned(prepared: Prepared, *, overwrite: frozenset[str], refresh: bool) -> Planned:
    """The plan of what was prepared. Raises InvalidError for a name to overwrite that the manifest does not publish, and as core.plan does."""
    manifest = prepared.manifest
    _check_overwrite(prepared, overwrite)
    survey = _surveyed(prepared) if refresh else Survey(adopted={}, images={}, state=RegistryState())
    limits = {amount.pool: amount.amount for amount in manifest.limits}
    found = plan(
        prepared.builds,
        prepared.lock,
        name=manifest.name,
        engine=LINES[prepared.engine],
        cells=len(prepared.expansion.cells),
        demands=len(prepared.expansion.demands),
        rules=Rules(
            tagged=tagged(manifest),
            mutable=manifest.publish.mutable,
            overwrite=overwrite,
            limits=limits,
            defaults=prepared.expansion.defaults,
        ),
        registry=survey.state,
        selected=prepared.chosen,
        to_pin=prepared.unpinned,
    )
    basis = replace(prepared.basis, overwrite=tuple(sorted(overwrite)))
    whole = replace(found, dropped=dropped(prepared.expansion), basis=basis)
    return Planned(prepared=prepared, plan=whole, adopted=survey.adopted, images=survey.images)


@patient()
def _surveyed(prepared: Prepared) -> Survey:
    project, name = prepared.project, prepared.manifest.name
    # Names that are not given are nobody's business.
    names = sorted({ref for build in prepared.builds for ref in build.refs}) if tagged(prepared.manifest) else []
    places = Places(registries=prepared.registries, output=project.output, state=project.state(name))
    return look_around(prepared.builds, prepared.lock, places, names=names)


def prepare(
    path: Path,
    *,
    resolve: bool,
    options: Options = PLAIN,
    recall: bool = True,
    locked: bool = False,
    rebuild: str = "",
    pins: Pins | None = None,
    building: bool = False,
) -> Prepared:
    """Read a manifest to its builds; `building`: they are to be built at once, so that an engine which cannot is told before anybody is asked.

    With `resolve`, what no pin answers is asked of repositories and registries, and pinned; with `locked` that is refused (RefusedError). Without
    `recall`, digests of base images that only an apply kept count as not pinned: another machine could not know them. `rebuild` selects the cells
    whose builds get a new generation. `pins` stand in for those that are known.
    """
    resolve = resolve and not locked
    opened = open_manifest(path, options, pins=pins, fetch=Fetch.CURRENT if resolve else Fetch.UNSEEN)
    manifest = opened.expansion.manifest
    registries = Registries(base=path.parent, network=manifest.network)
    pins = _pins(opened, recall=recall or resolve)
    engine, examiners, analysis = _analysed(opened, pins)
    if resolve and analysis.unpinned:
        if building and not options.selector:
            # Before anybody is asked for digests: what cannot be built needs none.
            _check_lines({reading.engine for reading in analysis.readings.values()})
        resolved = _resolved(analysis.unpinned, manifest, registries)
        pins = replace(pins, images=tuple(sorted({**dict(pins.images), **resolved}.items())))
        analysis = analyse(opened.expansion.demands, examiners, dict(pins.images))
    _check_read(opened, analysis)
    pins = replace(pins, engine=LINES[engine], images=_in_use(pins, analysis))
    made, tokens = generated(
        opened.expansion, analysis.readings, opened.lock, pins.generations, rebuild=rebuild, selector=options.selector
    )
    pins = replace(pins, generations=tokens)
    if locked:
        _check_locked(opened, pins, analysis.unpinned)
    return Prepared(
        project=opened.project,
        registries=registries,
        expansion=opened.expansion,
        trees=opened.trees,
        builds=made,
        lock=opened.lock,
        pins=pins,
        engine=engine,
        basis=basis_of(opened, made, pins, options),
        unpinned=analysis.unpinned,
        chosen=selected(made, opened.expansion, options.selector),
    )


def _check_locked(opened: Opened, pins: Pins, unpinned: Sequence[str]) -> None:
    hint = "without --locked apply adds it; then commit the lock"
    missing = added(opened.lock.pins if opened.lock else None, pins, unpinned)
    if problems := [Problem(summary=f"--locked: the lock does not have {what}", hint=hint, code="not-locked") for what in missing]:
        raise RefusedError(*problems)


def _pins(opened: Opened, *, recall: bool = True) -> Pins:
    held = opened.pins
    if held and not recall:
        locked = dict(opened.lock.pins.images) if opened.lock else {}
        held = replace(held, images=tuple((ref, digest) for ref, digest in held.images if ref in locked))
    return Pins(
        source=opened.trees.pin,
        engine=held.engine if held else "",
        images=held.images if held else (),
        versions=tuple((axis, tuple(sorted(picks.items()))) for axis, picks in sorted(opened.expansion.versions.items())),
        generations=held.generations if held else (),
    )


def _analysed(opened: Opened, pins: Pins) -> tuple[str, Examiners, Analysis]:
    """The kind of engine that builds Earthly targets, and what the demands read.

    `auto` is decided by manifest and source alone: the kind that the lock has pinned as long as it can, else embedded where every target can
    run there, else Earthly.
    """
    kind = opened.expansion.manifest.engine.kind
    if kind != "auto":
        return _analysed_for(kind, opened, pins)
    if KINDS.get(pins.engine) != "earthly":
        try:
            return _analysed_for("embedded", opened, pins, hasty=True)
        except (InvalidError, UnusableError) as error:
            # What stands in the way may be what only Earthly does, or knows of base images; else Earthly's analysis tells the same mistakes.
            if isinstance(error, UnusableError) and any(problem.code != "needs-earthly" for problem in error.problems):
                raise
    return _analysed_for("earthly", opened, pins)


def engine_kind(opened: Opened) -> str:
    """The kind of engine that builds the Earthly targets of a manifest. Raises as a plan does."""
    return _analysed(opened, _pins(opened))[0]


def _analysed_for(kind: str, opened: Opened, pins: Pins, *, hasty: bool = False) -> tuple[str, Examiners, Analysis]:
    notes = Notes(opened.project.root)
    examiners = Examiners(opened.trees.of, kind, opened.expansion.facts.statements, notes)
    found = analyse(opened.expansion.demands, examiners, dict(pins.images), hasty=hasty)
    opened.trees.remember()
    notes.save()
    return kind, examiners, found


def _check_read(opened: Opened, analysis: Analysis) -> None:
    """Raise InvalidError for what the manifest gives and no build reads, and for secrets that builds ask for and it does not give."""
    problems: list[Problem] = []
    manifest = opened.expansion.manifest
    for index in opened.trees.unread:
        file = manifest.source.files[index]
        if manifest.inherits(file.place):
            continue
        what = file.origin.value if file.origin else file.to
        hint = "remove it, or correct where it goes: paths are relative to the source's root"
        problems.append(Problem(summary=f"no build reads anything of {what}", place=file.place, hint=hint, code="unread-file"))
    check_secrets(opened.expansion, analysis.readings, problems)
    if problems:
        raise InvalidError(*in_order(problems))


def check_engine(prepared: Prepared) -> None:
    """Raise UnusableError for an engine that plans and cannot build yet."""
    _check_lines({build.engine for build in prepared.selected})


def _check_lines(lines: set[str]) -> None:
    if lines <= {LINES["embedded"]}:
        return
    needing = "Earthly" if LINES["earthly"] in lines else "Docker"
    hint = "what is built without RUN the embedded engine can build: `engine: embedded`"
    raise UnusableError(Problem(summary=f"this matrixbuild can plan for {needing} but not run it yet", hint=hint, code="engine"))


def engine_of(prepared: Prepared) -> Engine:
    """The embedded engine over the snapshot that was planned; base images by the digests that were pinned."""
    from matrixbuild.adapters.engines.embedded.engine import EmbeddedEngine

    manifest, pins = prepared.manifest, dict(prepared.pins.images)

    def locate(ref: str) -> tuple[Registry, ImageName]:
        name = ImageName.parse(ref, layout=manifest.layout)
        found = name.with_digest(pins[ref]) if ref in pins else name
        return prepared.registries.of(found), found

    work = prepared.project.state(manifest.name) / WORK_DIRECTORY
    checkout = partial(prepared.trees.of, reveal=True)
    return EmbeddedEngine(checkout=checkout, locate=locate, registry=prepared.registries.of, work=work)


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
    different = {id(reading): reading for reading in analysis.readings.values()}
    used = {base.partition("@")[0] for reading in different.values() for base in reading.bases}
    return tuple((ref, digest) for ref, digest in pins.images if ref in used)


def tagged(manifest: Manifest) -> bool:
    """Whether builds get their final image names."""
    return manifest.publish.mode is not PublishMode.NONE


def _check_overwrite(prepared: Prepared, overwrite: frozenset[str]) -> None:
    if overwrite and not tagged(prepared.manifest):
        hint = "publish.mode atomic or each gives image names"
        summary = f"--overwrite {min(overwrite)}: with publish.mode none no image name is given, so none can move"
        raise InvalidError(Problem(summary=summary, place=prepared.manifest.publish.place, hint=hint, code="overwrite"))
    names = {str(ref) for build in prepared.builds for ref in build.refs}
    if unknown := sorted(overwrite - names):
        hint = did_you_mean(unknown[0], names) or "give the whole name, as `plan` shows it"
        raise InvalidError(*(Problem(summary=f"--overwrite {ref}: the manifest publishes no such image name", hint=hint) for ref in unknown))
