"""A manifest file -> what it declares, the source it is about, and what that comes to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from matrixbuild.adapters.lock_file import read_lock
from matrixbuild.adapters.manifest_files import read_manifest_document
from matrixbuild.adapters.schema_check import schema_names, schema_text
from matrixbuild.core import manifest_reader
from matrixbuild.core.document import Document
from matrixbuild.core.expand import Expansion, expand, in_order, overridden
from matrixbuild.core.lock import Lock, Pins
from matrixbuild.core.pins import remembered
from matrixbuild.core.problems import InvalidError, Problem, RefusedError, Severity, UsageError, did_you_mean
from matrixbuild.core.surroundings import ProfileUse
from matrixbuild.core.surroundings_reader import profile_use, source
from matrixbuild.workflow.facts import check_alike, facts_of
from matrixbuild.workflow.keeping import kept_of
from matrixbuild.workflow.options import PLAIN, Options
from matrixbuild.workflow.projects import Project, project_of
from matrixbuild.workflow.sources import Fetch, Trees, Variant, base_variant, git_and_ref, open_trees

if TYPE_CHECKING:
    from matrixbuild.core.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A manifest read to its cells and demands, with the source they are about; `document` is the manifest with what it extends, `pins` are
    those that it was read under: the lock's, and what an apply that was not published keeps beside them."""

    project: Project
    document: Document
    expansion: Expansion
    trees: Trees
    lock: Lock | None
    pins: Pins | None


def read_name(path: Path) -> str:
    """The name of the manifest, with nothing but the file read; InvalidError with all problems of the file by itself."""
    return str(read_manifest_document(path).root["metadata"]["name"].value)


def read_and_expand(path: Path, options: Options = PLAIN) -> Expansion:
    """The manifest's cells and demands, none of them doubtful; InvalidError with all problems, and with the warnings after them.

    Fetches nothing. The source is looked at only where it is there and a profile asks for it: without it versions and what is made of them
    stay open (`Expansion.complete`).
    """
    reading = _Reading(path, options)
    trees = reading.trees(Fetch.NEVER) if reading.use or reading.declared.git else None
    return reading.expansion(trees)


def source_is_here(path: Path, options: Options = PLAIN) -> bool:
    """Whether the source is there without fetching anything. Raises as `read_and_expand`."""
    return _Reading(path, options).trees(Fetch.NEVER) is not None


def known_pins(path: Path) -> Pins | None:
    """The pins of a manifest's lock, and those that an apply which was not published keeps beside them."""
    return _Reading(path, PLAIN).pins


def open_manifest(path: Path, options: Options = PLAIN, *, pins: Pins | None = None, fetch: Fetch = Fetch.UNSEEN) -> Opened:
    """Read a manifest, what it extends, its profile, its lock and its source. `pins` stand in for the lock's and those that are kept.

    Raises InvalidError with everything that is wrong, UnusableError where the source cannot be had, RefusedError for a lock that is broken or of
    another manifest.
    """
    reading = _Reading(path, options, pins)
    trees = reading.trees(fetch)
    if trees is None:
        raise AssertionError("a source that may be fetched is there or an error")
    expansion = reading.expansion(trees)
    return Opened(project=reading.project, document=reading.document, expansion=expansion, trees=trees, lock=reading.lock, pins=reading.pins)


class _Reading:
    def __init__(self, path: Path, options: Options, pins: Pins | None = None) -> None:
        self._options = options
        self.document = read_manifest_document(path)
        self.project = project_of(path)
        self._given = pins
        spec = self.document.root["spec"]
        self.use = profile_use(spec.get("profile"))
        self.declared = source(spec["source"], self.document.key_place(("spec", "source")))
        self._registry = str(spec["registry"].value)

    @cached_property
    def lock(self) -> Lock | None:
        """Read only where something hangs on it: a check of a manifest alone does not."""
        found = read_lock(self.project.lock)
        if found:
            _check_owner(found, self.project, str(self.document.root["metadata"]["name"].value))
        return found

    @cached_property
    def pins(self) -> Pins | None:
        """Those that are gone by: what was given, else the lock's with those that are kept beside them."""
        if self._given is not None:
            return self._given
        found = kept_of(self.project, str(self.document.root["metadata"]["name"].value))
        return remembered(self.lock.pins if self.lock else None, found, source=git_and_ref(self.declared))

    @property
    def _pins(self) -> Pins | None:
        return self.pins if self.use or self.declared.git else None

    def trees(self, fetch: Fetch) -> Trees | None:
        """None where the source is not there, and `fetch` does not allow to get it."""
        pinned = self._pins.source if self._pins else ()
        return open_trees(self.declared, self.project, self._options, registry=self._registry, pinned=pinned, fetch=fetch)

    def expansion(self, trees: Trees | None) -> Expansion:
        problems: list[Problem] = []
        facts = facts_of(
            _profile(self.use),
            self.use,
            trees.of(base_variant(self.declared)) if trees else None,
            problems,
            pinned={axis: dict(picks) for axis, picks in self._pins.versions} if self._pins else {},
            ref=self.declared.ref.value if self.declared.ref else "",
            commit=trees.commit if trees else "",
        )
        if trees:
            check_alike(facts, self.use, self.declared, trees, problems)
        if trees is None and self.use is None and self.declared.git is None:
            facts = replace(facts, known=True)  # nothing of such a manifest hangs on its source
        manifest = manifest_reader.read(self.document, facts, sets=self._options.sets)
        return _checked(expand(replace(manifest, problems=(*manifest.problems, *problems)), facts), trees)


def _check_owner(lock: Lock, project: Project, name: str) -> None:
    """release.yml beside release.yaml has the same lock, and would retire in it what the other one published. A manifest that only got another name
    is the one whose lock it is."""
    manifest = project.manifest
    twins = (manifest.with_suffix(suffix) for suffix in (".yaml", ".yml") if suffix != manifest.suffix)
    if lock.name == name or not (other := next((twin for twin in twins if _is_called(twin, lock.name)), None)):
        return
    summary = f"{project.lock} is the lock of {other} ({lock.name!r}), and {manifest} ({name!r}) would write over it"
    raise RefusedError(Problem(summary=summary, hint="give one of the two manifests another file name", code="shared-lock"))


def _is_called(path: Path, name: str) -> bool:
    try:
        return path.is_file() and read_name(path) == name
    except InvalidError:
        return False


def schema(name: str) -> str:
    """The text of a schema; UsageError where there is none of that name."""
    try:
        return schema_text(name)
    except KeyError:
        names = schema_names()
        hint = did_you_mean(name, names) or f"there are {', '.join(names)}"
        raise UsageError(Problem(summary=f"there is no schema {name!r}", hint=hint, code="unknown-schema")) from None


def _profile(use: ProfileUse | None) -> Profile | None:
    if use is None:
        return None
    from matrixbuild.adapters.profiles import profile

    return profile(use.name)


def _checked(expansion: Expansion, trees: Trees | None) -> Expansion:
    """The expansion with what its profile requires of the source's files; InvalidError where anything is wrong."""
    told = () if expansion.problems or trees is None else tuple(_unmet(expansion, trees))
    errors = [problem for problem in told if problem.severity is Severity.ERROR]
    warnings = in_order((*expansion.warnings, *(problem for problem in told if problem.severity is Severity.WARNING)))
    if expansion.problems or errors:
        raise InvalidError(*in_order((*expansion.problems, *errors)), *warnings)
    return replace(expansion, warnings=warnings)


def _unmet(expansion: Expansion, trees: Trees) -> Iterator[Problem]:
    facts = expansion.facts
    if facts.profile is None:
        return
    from matrixbuild.core import requirements

    @cache
    def tree_of(variant: Variant) -> requirements.Tree:
        source = trees.aside(variant)
        return requirements.Tree(listing=source.listing, text=source.text, hidden=trees.hidden(variant))

    yield from requirements.unmet(
        facts.profile,
        expansion.demands,
        expansion.cells_of,
        expansion.matrix,
        tree_of,
        line=facts.line,
        overrides=overridden(expansion.manifest),
        place=expansion.manifest.source.place,
    )
