"""A manifest and a revision of its repository -> what is there to do because of the changes since, and what was pending before them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from matrixbuild.adapters.git import place, resolve, tracked
from matrixbuild.adapters.git_checkout import checked_out
from matrixbuild.adapters.manifest_files import read_manifest_document
from matrixbuild.core.against import Against, against
from matrixbuild.core.plan import Plan
from matrixbuild.core.problems import MatrixbuildError, UnusableError
from matrixbuild.workflow.options import Options
from matrixbuild.workflow.planning import Planned, planned, prepare


def plan_against(now: Planned, revision: str, options: Options) -> Against:
    """The plan, apart by whether it would be the same with the manifest, what it extends, its lock and its source as they were at a revision.

    A source that is no part of the manifest's repository is taken as it is now. What could not be planned then counts as not there, with a note.
    Raises InvalidError for a revision that git does not know, UnusableError where the manifest is in no git repository.
    """
    manifest = now.prepared.project.manifest
    try:
        where = place(manifest.parent.resolve())
    except UnusableError as error:
        raise UnusableError(replace(error.problems[0], hint="--against compares with a revision of the manifest's git repository")) from error
    commit = resolve(where.git, revision)
    with checked_out(where.root, commit) as tree:
        before, notes = _before(tree / where.prefix / manifest.name, manifest, options)
        shown = tuple(note.replace(f"{tree}{os.sep}", "") for note in notes)
    return against(before, now.plan, revision=revision, notes=shown)


def _before(old: Path, manifest: Path, options: Options) -> tuple[Plan | None, tuple[str, ...]]:
    if not old.is_file():
        return None, ("the manifest was not there yet",)
    try:
        source = options.source or _elsewhere(old, manifest)
        notes = ("the source is no part of the manifest's repository: it is taken as it is now",) if source and not options.source else ()
        prepared = prepare(old, resolve=False, options=replace(options, source=source), recall=False)
        return planned(prepared, overwrite=frozenset(), refresh=False).plan, notes
    except MatrixbuildError as error:
        return None, (f"the manifest could not be planned as it was, so that all counts as changed: {error.problems[0]}",)


def _elsewhere(old: Path, manifest: Path) -> Path | None:
    """The directory of the source, where it is not in the old tree for being no part of the repository."""
    declared = read_manifest_document(old).root["spec"]["source"].get("path")
    if declared is None:
        return None
    then, now = old.parent / str(declared.value), manifest.parent / str(declared.value)
    there = then.is_dir() and any(then.iterdir())
    return now if not there and now.is_dir() and not _is_part(now, manifest) else None


def _is_part(directory: Path, manifest: Path) -> bool:
    """Whether the manifest's repository has files in this directory."""
    try:
        where = place(directory.resolve())
    except UnusableError:
        return False
    return where.root == place(manifest.parent.resolve()).root and bool(tracked(where.git))
