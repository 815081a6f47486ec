"""A manifest, its source, its lock and (where asked) its registry -> a plan, with everything an apply needs to carry it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from matrixbuild.adapters.collector import patient
from matrixbuild.adapters.notes import Notes
from matrixbuild.adapters.registries import Registries
from matrixbuild.core.basis import Basis
from matrixbuild.core.build import Build
from matrixbuild.core.expand import Expansion, in_order
from matrixbuild.core.lock import Lock, LockedImage, Pins
from matrixbuild.core.lock_merge import Output
from matrixbuild.core.manifest import Manifest
from matrixbuild.core.pins import added
from matrixbuild.core.plan import Plan, RegistryState, Rules, plan
from matrixbuild.core.problems import InvalidError, Problem, RefusedError, UnusableError, did_you_mean
from matrixbuild.core.secrets import check_secrets
from matrixbuild.core.selection import selected
from matrixbuild.core.surroundings import PublishMode
from matrixbuild.workflow.analysing import Analysis, analyse
from matrixbuild.workflow.basing import basis_of, corrections, dropped
from matrixbuild.workflow.examining import Examiners
from matrixbuild.workflow.generations import generated
from matrixbuild.workflow.narrowing import PLAIN as UNSHARED
from matrixbuild.workflow.narrowing import Narrowed, Sharing
from matrixbuild.workflow.options import PLAIN, Options
from matrixbuild.workflow.projects import Project
from matrixbuild.workflow.reading import Opened, open_manifest
from matrixbuild.workflow.sources import Fetch, Trees
from matrixbuild.workflow.targets import LINES

if TYPE_CHECKING:
    from matrixbuild.workflow.surveying import Survey

KINDS = {line: kind for kind, line in LINES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A manifest read to the end: its builds, and what they were made from. `engine` is the kind that builds Earthly targets; `unpinned` are base
    images that no pin answers; `chosen` the names of the builds that were selected (None: all); `basis` is what a plan of it is made from; `remarks`
    are what pinning has to say. `sharing` is what its builds may share (None: they are not to), `narrowed` what they are built from because of it."""

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
    remarks: tuple[Problem, ...] = ()
    sharing: Sharing | None = None
    narrowed: Narrowed = UNSHARED

    @property
    def manifest(self) -> Manifest:
        return self.expansion.manifest

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return (*self.expansion.warnings, *self.remarks, *self.narrowed.remarks)

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
    prepared = prepare_asking(path, options) if refresh else prepare(path, resolve=False, options=options, recall=False)
    return with_shared(planned(prepared, overwrite=overwrite, refresh=refresh))


@patient()
def planned(prepared: Prepared, *, overwrite: frozenset[str], refresh: bool) -> Planned:
    """The plan of what was prepared. Raises InvalidError for a name to overwrite that the manifest does not publish, and as core.plan does."""
    manifest = prepared.manifest
    _check_overwrite(prepared, overwrite)
    survey = _surveyed(prepared) if refresh else None
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
        registry=survey.state if survey else RegistryState(),
        selected=prepared.chosen,
        to_pin=prepared.unpinned,
    )
    basis = replace(prepared.basis, overwrite=tuple(sorted(overwrite)))
    whole = replace(found, dropped=dropped(prepared.expansion), uses=corrections(prepared.expansion), basis=basis)
    return Planned(prepared=prepared, plan=whole, adopted=survey.adopted if survey else {}, images=survey.images if survey else {})


@patient()
def with_shared(found: Planned) -> Planned:
    """A plan that tells what the builds that are to run share: for people, since nothing else of a plan depends on it, and it takes its time. One
    that is built alone is built from what it would be built from among all."""
    prepared, names = found.prepared, found.plan.to_build
    if prepared.sharing is None or not names:
        return found
    narrowed = prepared.sharing.narrowed
    work = prepared.sharing.work(names) if narrowed.texts else ()
    shared = tuple(each for each in work if each.saved)
    return replace(found, prepared=replace(prepared, narrowed=narrowed), plan=replace(found.plan, shared=shared))


@patient()
def _surveyed(prepared: Prepared) -> Survey:
    # Imported here: most plans ask nobody.
    from matrixbuild.workflow.surveying import Places, look_around

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
    """Read a manifest to its builds; `building`: they are to be built at once, so what their checkouts lack is remarked.

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
    remarks: tuple[Problem, ...] = ()
    if resolve and analysis.unpinned:
        # Imported here: only who builds asks registries.
        from matrixbuild.workflow.observing import resolved

        seen = resolved(analysis.unpinned, registries, layout=manifest.layout, engine=engine)
        remarks = seen.remarks
        pins = replace(pins, images=tuple(sorted({**dict(pins.images), **seen.digests}.items())))
        analysis = analyse(opened.expansion.demands, examiners, dict(pins.images), inherited=manifest.inherited_args)
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
        # What a build reads of it is an error by now; a checkout on the disk shows the rest to whoever looks.
        remarks=(*remarks, *analysis.remarks, *_pointers(opened, analysis), *(opened.trees.absent() if building and engine == "earthly" else ())),
        sharing=Sharing(made, examiners) if engine == "earthly" and manifest.schedule.share else None,
    )


def prepare_asking(path: Path, options: Options) -> Prepared:
    """A manifest read to its builds for a plan that asks the registry: base images that no pin answers are asked for too, so that builds have the
    keys which an apply would give them, and what has these is known as theirs. Nothing is pinned by that: the plan says that it is to be."""
    prepared = prepare(path, resolve=False, options=options)
    if not prepared.unpinned:
        return prepared
    from matrixbuild.workflow.observing import resolved

    seen = resolved(prepared.unpinned, prepared.registries, layout=prepared.manifest.layout, engine=prepared.engine)
    pins = replace(prepared.pins, images=tuple(sorted({**dict(prepared.pins.images), **seen.digests}.items())))
    asked = prepare(path, resolve=False, options=options, pins=pins)
    return replace(asked, basis=prepared.basis, unpinned=prepared.unpinned, remarks=(*seen.remarks, *asked.remarks))


def _pointers(opened: Opened, analysis: Analysis) -> tuple[Problem, ...]:
    different = {id(reading): reading for reading in analysis.readings.values()}
    return opened.trees.pointers(file for reading in different.values() for file in reading.files)


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
    # An image that nobody could be asked for is pinned to what its tag gives, and this engine is given digests.
    known = {ref: digest for ref, digest in pins.images if digest or kind != "embedded"}
    found = analyse(opened.expansion.demands, examiners, known, hasty=hasty, inherited=opened.expansion.manifest.inherited_args)
    opened.trees.remember()
    notes.save()
    return kind, examiners, found


def _check_read(opened: Opened, analysis: Analysis) -> None:
    """Raise InvalidError for what the manifest gives and no build reads, and for secrets that builds ask for and it does not give; with the warnings
    after them, for one of these may say why."""
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
        raise InvalidError(*in_order(problems), *opened.expansion.warnings)


def _in_use(pins: Pins, analysis: Analysis) -> tuple[tuple[str, str], ...]:
    """The pins that some build still starts from: one that nothing uses would only make locks of branches differ."""
    different = {id(reading): reading for reading in analysis.readings.values()}
    used = {base.partition("@")[0] for reading in different.values() for base in reading.bases}
    return tuple((ref, digest) for ref, digest in pins.images if ref in used)


def tagged(manifest: Manifest) -> bool:
    """Whether builds get their final image names."""
    return manifest.publish.mode is not PublishMode.NONE


def _check_overwrite(prepared: Prepared, overwrite: frozenset[str]) -> None:
    if not overwrite:
        return
    if not tagged(prepared.manifest):
        hint = "publish.mode atomic or each gives image names"
        summary = f"--overwrite {min(overwrite)}: with publish.mode none no image name is given, so none can move"
        raise InvalidError(Problem(summary=summary, place=prepared.manifest.publish.place, hint=hint, code="overwrite"))
    names = {str(ref) for build in prepared.builds for ref in build.refs}
    if unknown := sorted(overwrite - names):
        hint = did_you_mean(unknown[0], names) or "give the whole name, as `plan` shows it"
        raise InvalidError(*(Problem(summary=f"--overwrite {ref}: the manifest publishes no such image name", hint=hint) for ref in unknown))
    if left_out := sorted(overwrite - {str(ref) for build in prepared.selected for ref in build.refs}):
        hint = "select its build as well, or leave --overwrite out"
        raise InvalidError(*(Problem(summary=f"--overwrite {ref}: -l does not select what publishes it", hint=hint) for ref in left_out))
