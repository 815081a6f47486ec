"""What was explained -> JSON, as schemas/explain.schema.json describes it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from matrixbuild.cli.show_explain_words import plain
from matrixbuild.cli.show_problems import problem_json
from matrixbuild.core.earthfile.analysis import WHOLE_ENVIRONMENT, Base, Correction, Edge, Local, Saved, Source
from matrixbuild.core.earthfile.findings import Guard, Need, Opaque
from matrixbuild.core.explain import Mention, UsedArg
from matrixbuild.core.explain_variants import Explanation, Seen, Variant
from matrixbuild.core.problems import Place
from matrixbuild.core.subjects import SubjectKind
from matrixbuild.workflow.explaining import Overview

T = TypeVar("T")


def overview_json(found: Overview) -> str:
    """One Earthly target or all of a source: the same form for each."""
    shown = {
        "kind": "Explanation",
        "name": found.name,
        "subjects": [_target(each) for each in found.explanations],
        "problems": [problem_json(problem) for problem in found.broken],
    }
    return json.dumps(shown, indent=2, ensure_ascii=False) + "\n"


def _target(found: Explanation) -> dict[str, object]:
    return {
        "kind": SubjectKind.EARTHLY_TARGET.value,
        "earthly": found.earthly,
        "docs": found.docs,
        "declaredBy": list(found.declared_by),
        "reachedBy": list(found.reached_by),
        "leftOut": list(found.left_out),
        "version": found.features[0] if found.features else "",
        "features": list(found.features[1:]),
        "variants": [_variant(each) for each in found.variants],
        "used": _all(found.used, _used),
        "nameOnly": _all(found.name_only, _named),
        "unused": _all(found.unused, _named),
        "edges": _all(found.edges, _edge),
        "functions": _all(found.functions, lambda called: {"source": called[0], "function": called[1]}),
        "shared": {target: list(others) for target, others in found.shared},
        "bases": _all(found.bases, _base),
        "sources": _all(found.sources, _source),
        "dockerfiles": _all(found.dockerfiles, lambda each: {"file": each[0], "target": each[1]}),
        "images": _all(found.images, _image),
        "locals": _all(found.locals, _local),
        "secrets": _all(found.secrets, _need),
        "privileged": _all(found.privileged, _need),
        "guards": _all(found.guards, _guard),
        "opaque": _all(found.opaque, _opaque),
        "corrections": _all(found.corrections, _correction),
        "whole": list(found.whole),
        "anything": list(found.anything),
    }


def _all(found: Sequence[Seen[T]], show: Callable[[T], dict[str, object]]) -> list[dict[str, object]]:
    return [show(seen.what) | {"variants": list(seen.variants)} for seen in found]


def _variant(variant: Variant) -> dict[str, object]:
    shown: dict[str, object] = {
        "number": variant.number,
        "args": {name: plain(value) for name, value in variant.args},
        "callers": [{"target": caller.target, "cell": str(caller.cell)} for caller in variant.callers],
    }
    return shown | ({"problem": problem_json(variant.problem)} if variant.problem else {})


def _used(used: UsedArg) -> dict[str, object]:
    shown: dict[str, object] = {
        "name": used.name,
        "place": _place(used.place),
        "proof": used.proof.value,
        "through": [{"name": step.name, "place": _place(step.place)} for step in used.through],
        "mentions": [_mention(mention) for mention in used.mentions],
    }
    if used.file:
        shown["file"] = _place(used.file)
        shown["word"] = "" if used.word == WHOLE_ENVIRONMENT else used.word or used.name
    return shown


def _mention(mention: Mention) -> dict[str, object]:
    return {"place": _place(mention.place)} | ({"sets": mention.sets, "idle": mention.idle} if mention.sets else {})


def _named(name: str) -> dict[str, object]:
    return {"name": name}


def _edge(edge: Edge) -> dict[str, object]:
    return {"source": edge.source, "target": edge.target, "kind": edge.kind.value}


def _base(base: Base) -> dict[str, object]:
    return {"ref": plain(base.ref), "platform": str(base.platform), "place": _place(base.place)}


def _source(source: Source) -> dict[str, object]:
    return {"target": source.target, "patterns": list(source.patterns), "paths": list(source.paths)}


def _image(image: Saved) -> dict[str, object]:
    return {"names": list(image.names), "push": image.push, "place": _place(image.place)}


def _local(local: Local) -> dict[str, object]:
    return {"directory": local.directory, "path": local.path, "place": _place(local.place)}


def _need(need: Need) -> dict[str, object]:
    return {"name": need.name, "place": _place(need.place)}


def _correction(correction: Correction) -> dict[str, object]:
    return {"name": correction.name, "effect": "add" if correction.adds else "ignore", "place": _place(correction.place)}


def _guard(guard: Guard) -> dict[str, object]:
    return {"message": guard.message, "place": _place(guard.place)}


def _opaque(opaque: Opaque) -> dict[str, object]:
    return {"kind": opaque.kind.value, "why": opaque.why, "place": _place(opaque.place)}


def _place(place: Place) -> dict[str, object]:
    return {"file": place.file, "line": place.line, "column": place.column, "text": place.text.strip()}
