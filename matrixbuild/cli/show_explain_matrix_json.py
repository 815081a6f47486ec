"""An explained cell, build, tag or field -> JSON, as schemas/explain.schema.json describes it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from matrixbuild.cli.show_explain_words import plain
from matrixbuild.core.declared import Rule
from matrixbuild.core.explain_matrix import ExplainedBuild, ExplainedCell, ExplainedTag
from matrixbuild.core.inputs import Pairs
from matrixbuild.core.problems import Place
from matrixbuild.core.subjects import SubjectKind
from matrixbuild.workflow.explaining_matrix import ExplainedField, Explanations


def explanations_json(found: Explanations) -> str:
    shown = {"kind": "Explanation", "name": found.name, "subjects": [_subject(subject) for subject in found.subjects], "problems": []}
    return json.dumps(shown, indent=2, ensure_ascii=False) + "\n"


def _subject(subject: object) -> Mapping[str, object]:
    match subject:
        case ExplainedCell():
            return _cell(subject)
        case ExplainedBuild():
            return _build(subject)
        case ExplainedTag():
            return _tag(subject)
        case ExplainedField():
            return _field(subject)
        case _:
            raise TypeError(subject)


def _cell(found: ExplainedCell) -> dict[str, object]:
    return {
        "kind": SubjectKind.CELL.value,
        "cell": str(found.cell),
        "built": not found.dropped_by,
        "included": found.included,
        "droppedBy": [_rule(rule) for rule in found.dropped_by],
        "remarks": [_rule(rule) for rule in found.remarks],
        "targets": [{"target": one.target, "build": one.build, "images": list(one.refs)} for one in found.targets],
    }


def _rule(rule: Rule) -> dict[str, object]:
    return {"name": rule.name, "reason": rule.reason, "place": _place(rule.place)}


def _build(found: ExplainedBuild) -> dict[str, object]:
    build, planned = found.build, found.planned
    return {
        "kind": SubjectKind.BUILD.value,
        "build": build.name,
        "key": build.key,
        "engine": build.engine,
        "earthly": build.earthly,
        "docker": {"context": build.docker.context, "dockerfile": build.docker.dockerfile} if build.docker else None,
        "action": planned.action.value,
        "reasons": [reason.to_dict() for reason in planned.reasons],
        "cells": {str(cell): [str(ref) for ref in refs] for cell, refs in build.cells},
        "uncovered": list(build.uncovered),
        "artifacts": {name: path for path, name in build.artifacts},
        "args": _values(build.args),
        "nameOnly": _values(build.name_only),
        "unused": _values(found.unused),
        "uses": [{"effect": each.effect, "arg": each.arg, "where": each.where} for each in found.uses],
        "ambient": list(build.ambient),
        "files": [path for path, _ in build.inputs.files],
        "bases": dict(build.inputs.bases),
        "secrets": [{"name": one.name, "from": one.origin, "version": one.version} for one in found.secrets],
        "needs": [name for name, _ in build.needs],
        "neededBy": list(found.needed_by),
        "opaque": list(build.opaque),
        "privileged": build.privileged,
    }


def _values(pairs: Pairs) -> dict[str, str]:
    return {name: plain(value) for name, value in pairs}


def _tag(found: ExplainedTag) -> dict[str, object]:
    return {
        "kind": SubjectKind.TAG.value,
        **found.image.to_dict(),
        "cells": list(found.cells),
        "locked": {"build": found.holder, "digest": found.digest} if found.holder else None,
    }


def _field(found: ExplainedField) -> dict[str, object]:
    field = found.field
    shown: dict[str, object] = {
        "kind": SubjectKind.FIELD.value,
        "field": field.path,
        "description": field.description,
        "kinds": list(field.kinds),
        "required": field.required,
        "choices": list(field.choices),
        "examples": list(field.examples),
        "keys": [{"name": key.name, "description": key.description, "required": key.required} for key in field.keys],
        "here": _place(found.here) if found.here else None,
    }
    return shown | ({"default": field.default} if field.default is not None else {})


def _place(place: Place) -> dict[str, object]:
    return {"file": place.file, "line": place.line, "column": place.column, "text": place.text.strip()}
