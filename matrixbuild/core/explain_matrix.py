"""The matrix and the plan of a manifest -> why a cell, a build or a tag is as it is, in terms a person can follow."""

from __future__ import annotations

from dataclasses import dataclass

from matrixbuild.core.build import Build
from matrixbuild.core.built_for import BuiltFor, built_for
from matrixbuild.core.cells import Cell
from matrixbuild.core.declared import Rule
from matrixbuild.core.expand import Expansion, overridden
from matrixbuild.core.image_names import PlannedImage
from matrixbuild.core.lock import Lock, LockedImage
from matrixbuild.core.plan import Corrected, Plan, PlannedBuild
from matrixbuild.core.problems import InvalidError, Problem, UsageError, did_you_mean
from matrixbuild.core.rules import Deed, matcher, rulings
from matrixbuild.core.selectors import parse_selector
from matrixbuild.core.surroundings import DeclaredSecret


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A manifest with its builds, what a plan says of them, and its lock."""

    expansion: Expansion
    builds: tuple[Build, ...]
    plan: Plan
    lock: Lock | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedCell:
    """One combination of values: `dropped_by` are all rules that drop it (none where it is there), `remarks` those that remark on it; `included`:
    it is there because `include` names it."""

    cell: Cell
    dropped_by: tuple[Rule, ...]
    remarks: tuple[Rule, ...]
    included: bool
    targets: tuple[BuiltFor, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenSecret:
    """A secret that a build asks for and where the manifest takes it from, in words."""

    name: str
    origin: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedBuild:
    """One build: what a plan says of it; ARGs that it was given and that reach nothing (`unused`); who needs it; its secrets; what `uses`
    corrects."""

    build: Build
    planned: PlannedBuild
    unused: tuple[tuple[str, str], ...]
    needed_by: tuple[str, ...]
    secrets: tuple[GivenSecret, ...]
    uses: tuple[Corrected, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedTag:
    """One image name: what a plan says of it, for which cells, and what the lock has for it (`holder` and `digest` are "" where it has nothing)."""

    image: PlannedImage
    cells: tuple[str, ...]
    holder: str
    digest: str


def explained_cells(found: Planned, text: str) -> tuple[ExplainedCell, ...]:
    """The cells that a selector means, those that are there first. Raises UsageError for what is none, InvalidError where it means no cell."""
    problems: list[Problem] = []
    conditions = parse_selector(text, problems, file="cell")
    if problems:
        raise UsageError(*problems)
    expansion = found.expansion
    wanted = matcher(conditions, expansion.matrix, problems)
    if problems:
        raise InvalidError(*problems)
    cells = _Cells(found)
    chosen = [cells.explained(cell, ()) for cell in expansion.cells if wanted.matches(cell)]
    chosen += [cells.explained(one.cell, one.rules) for one in expansion.dropped if wanted.matches(one.cell)]
    if not chosen:
        hint = "its axes have these values, but no combination of theirs has all of them"
        raise InvalidError(Problem(summary=f"no cell is {text}", hint=hint, code="unknown-cell"))
    return tuple(chosen)


class _Cells:
    def __init__(self, found: Planned) -> None:
        expansion = found.expansion
        self._expansion = expansion
        self._included = frozenset(expansion.cells[len(expansion.cells) - expansion.included :])
        deeds = {name: deed for name, deed in overridden(expansion.manifest).items() if deed is not None}
        self._warning = [each for each in rulings(expansion.rules, expansion.matrix, [], overrides=deeds) if each.deed is Deed.WARN]
        self._built = built_for(expansion, found.builds)

    def explained(self, cell: Cell, dropped_by: tuple[Rule, ...]) -> ExplainedCell:
        return ExplainedCell(
            cell=cell,
            dropped_by=dropped_by,
            remarks=tuple(each.rule for each in self._warning if each.faults(cell)),
            included=cell in self._included,
            targets=() if dropped_by else self._built.get(cell, ()),
        )


def explained_build(found: Planned, name: str) -> ExplainedBuild:
    """The build of a name. Raises InvalidError where there is none."""
    build = next((build for build in found.builds if build.name == name), None)
    if build is None:
        hint = did_you_mean(name, [build.name for build in found.builds]) or "`plan` shows the names of all builds"
        raise InvalidError(Problem(summary=f"there is no build {name}", hint=hint, code="unknown-build"))
    return ExplainedBuild(
        build=build,
        planned=next(one for one in found.plan.builds if one.name == name),
        unused=_unused(found.expansion, build),
        needed_by=tuple(other.name for other in found.builds if any(key == build.key for _, key in other.needs)),
        secrets=tuple(_secrets(found.expansion, build)),
        uses=tuple(each for each in found.plan.uses if each.target in build.targets),
    )


def _unused(expansion: Expansion, build: Build) -> tuple[tuple[str, str], ...]:
    """The ARGs of its first cell that it does not pass."""
    first = build.cells[0][0]
    demand = next(one for one in expansion.demands if one.target == build.target and one.cell == first)
    passed = {name for name, _ in build.passed}
    return tuple(sorted((arg.name, arg.value) for arg in demand.args if arg.name not in passed and not arg.tacit))


def _secrets(expansion: Expansion, build: Build) -> list[GivenSecret]:
    found = []
    cells = {full for address in build.answers for full in expansion.cells_of.get(address, ())}
    for secret in expansion.manifest.secrets:
        when = matcher(secret.when, expansion.matrix, [], inherited=True)
        if secret.name in build.secrets and any(when.matches(cell) for cell in cells):
            found.append(GivenSecret(name=secret.name, origin=_origin(secret), version=secret.version))
    return found


def _origin(secret: DeclaredSecret) -> str:
    if secret.env:
        return f"env {secret.env.value}"
    return f"file {secret.file.value}" if secret.file else " ".join(secret.command)


def explained_tag(found: Planned, ref: str) -> ExplainedTag:
    """The image name of a text. Raises InvalidError where neither the manifest nor the lock has it."""
    image = next((image for image in found.plan.images if image.ref == ref), None)
    if image is None:
        hint = did_you_mean(ref, [image.ref for image in found.plan.images]) or "`plan` shows all image names"
        raise InvalidError(Problem(summary=f"neither the manifest nor its lock has the image name {ref}", hint=hint, code="unknown-tag"))
    cells = sorted(str(cell) for build in found.builds for cell, refs in build.cells if ref in map(str, refs))
    holder, held = _held(found.lock, ref)
    return ExplainedTag(image=image, cells=tuple(cells), holder=holder, digest=held.digest if held else "")


def _held(lock: Lock | None, ref: str) -> tuple[str, LockedImage | None]:
    """What a lock has under an image name: the names of the entries, and the image or the index."""
    entries = [(name, entry) for name, entry in (lock.builds if lock else ()) if any(ref in refs for _, refs in entry.cells)]
    index = dict(lock.indexes).get(ref) if lock else None
    return " and ".join(name for name, _ in entries), index or (entries[0][1].image if entries else None)
