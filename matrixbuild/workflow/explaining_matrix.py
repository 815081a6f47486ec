"""A manifest and a word for one of its cells, builds, tags or fields -> what there is to say of that."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from matrixbuild.adapters.manifest_files import read_manifest_document
from matrixbuild.adapters.schema_check import schema_text
from matrixbuild.core.document import Document
from matrixbuild.core.explain_matrix import (
    ExplainedBuild,
    ExplainedCell,
    ExplainedTag,
    Planned,
    explained_build,
    explained_cells,
    explained_tag,
)
from matrixbuild.core.fields import Field, field
from matrixbuild.core.plan import Rules, plan
from matrixbuild.core.problems import Place, Problem
from matrixbuild.core.subjects import Subject, SubjectKind
from matrixbuild.workflow.basing import corrections
from matrixbuild.workflow.options import Options
from matrixbuild.workflow.planning import prepare, tagged
from matrixbuild.workflow.targets import LINES


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedField:
    """A field's documentation, and where the manifest (or one that it extends) has it: `here` is None where it has not."""

    field: Field
    here: Place | None


Explained = ExplainedCell | ExplainedBuild | ExplainedTag | ExplainedField


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanations:
    """What was explained of a manifest: several only of cells."""

    name: str
    subjects: tuple[Explained, ...]
    warnings: tuple[Problem, ...] = ()


def explain_subject(path: Path, subject: Subject, options: Options) -> Explanations:
    """Explain a cell, a build, a tag or a field. Raises InvalidError where the manifest is wrong or has nothing of that name."""
    if subject.kind is SubjectKind.FIELD:
        document = read_manifest_document(path)
        found = field(json.loads(schema_text("manifest")), subject.text)
        return Explanations(name=str(document.root["metadata"]["name"].value), subjects=(ExplainedField(field=found, here=_here(document, found)),))
    planned, warnings = _planned(path, options)
    explained: tuple[Explained, ...]
    match subject.kind:
        case SubjectKind.CELL:
            explained = explained_cells(planned, subject.text)
        case SubjectKind.BUILD:
            explained = (explained_build(planned, subject.text),)
        case _:
            explained = (explained_tag(planned, subject.text),)
    return Explanations(name=planned.expansion.manifest.name, subjects=explained, warnings=warnings)


def _planned(path: Path, options: Options) -> tuple[Planned, tuple[Problem, ...]]:
    """The plan as it would be if every name could move: to be refused is no reason not to be explained."""
    prepared = prepare(path, resolve=False, options=options)
    expansion = prepared.expansion
    found = plan(
        prepared.builds,
        prepared.lock,
        name=expansion.manifest.name,
        engine=LINES[prepared.engine],
        cells=len(expansion.cells),
        demands=len(expansion.demands),
        rules=Rules(
            tagged=tagged(expansion.manifest),
            overwrite=frozenset(str(ref) for build in prepared.builds for ref in build.refs),
            defaults=expansion.defaults,
        ),
    )
    whole = replace(found, uses=corrections(expansion))
    return Planned(expansion=expansion, builds=prepared.builds, plan=whole, lock=prepared.lock), prepared.warnings


def _here(document: Document, found: Field) -> Place | None:
    try:
        return document.key_place(found.steps)
    except (KeyError, IndexError):
        return None
