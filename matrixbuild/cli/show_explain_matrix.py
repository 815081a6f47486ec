"""An explained cell, build, tag or field -> plain text for a person."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from matrixbuild.cli.show_explain_words import WIDTH, at, plain, wrapped
from matrixbuild.cli.show_plan_words import reasons_text
from matrixbuild.core.counts import counted
from matrixbuild.core.declared import Rule
from matrixbuild.core.demand import DockerDemand
from matrixbuild.core.explain_matrix import ExplainedBuild, ExplainedCell, ExplainedTag
from matrixbuild.core.inputs import Pairs
from matrixbuild.core.names import short
from matrixbuild.workflow.explaining_matrix import ExplainedField, Explanations

_CELLS = 10
"""So many cells are explained; the others are counted."""

_LISTED = 12
"""So many cells, names and files are listed; ARGs all are."""


def explanations_text(found: Explanations) -> str:
    """Each subject in full, a blank line between two; LF-terminated."""
    blocks = ["\n".join(_lines(subject)) for subject in found.subjects[:_CELLS]]
    more = len(found.subjects) - _CELLS
    rest = [f"and {more} more: name more axes"] if more > 0 else []
    return "\n\n".join([*blocks, *rest]) + "\n"


def _lines(subject: object) -> Iterator[str]:
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


def _cell(found: ExplainedCell) -> Iterator[str]:
    yield f"cell {found.cell}"
    if found.dropped_by:
        yield f"  is not built: {counted(len(found.dropped_by), 'rule')} {'drops' if len(found.dropped_by) == 1 else 'drop'} it"
        yield from _rules(found.dropped_by)
        return
    yield "  is built: `include` adds it" if found.included else "  is built: no rule drops it"
    if found.remarks:
        yield "  remarked on by"
        yield from _rules(found.remarks)
    for one in found.targets:
        yield f"  {one.target}: {one.build}"
        yield from (f"      {ref}" for ref in one.refs)


def _rules(rules: Sequence[Rule]) -> Iterator[str]:
    for rule in rules:
        yield from wrapped(f"    {rule.name} ({at(rule.place)}): ", rule.reason.split(), glue=" ")


def _build(found: ExplainedBuild) -> Iterator[str]:
    build, planned = found.build, found.planned
    yield f"build {build.name}"
    yield from wrapped(f"  {planned.action.value}: ", reasons_text(planned.reasons).split(), glue=" ")
    yield f"  by {build.earthly or _dockerfile(build.docker)}, {build.engine}"
    yield f"  key {build.key}"
    yield from _section("Cells", [str(cell) or "the only one" for cell, _ in build.cells])
    yield from _section("Image names", [str(ref) for ref in build.refs])
    if build.uncovered:
        yield from wrapped("  not told by the name, though they change the content: ", build.uncovered)
    yield from _section("Artifacts", [f"{path} as {name}" for path, name in build.artifacts])
    yield from _pairs("ARGs that can change it", build.args)
    yield from _pairs("ARGs that reach nothing but names of images", build.name_only)
    yield from _pairs("ARGs that reach nothing, and are not passed", found.unused)
    yield from _section("Corrected by the manifest's `uses`", [f"{each.effect} {each.arg} ({each.where})" for each in found.uses])
    yield from _section("ARGs from the environment, in no key", build.ambient)
    yield from _section("Files (a directory of many is one)", [path for path, _ in build.inputs.files])
    yield from _section("Base images", [f"{plain(ref)} {short(digest) if digest else 'not pinned yet'}" for ref, digest in build.inputs.bases])
    yield from _section("Secrets", [f"{one.name} from {one.origin}{f', version {one.version}' if one.version else ''}" for one in found.secrets])
    yield from _section("Needs", [name for name, _ in build.needs])
    yield from _section("Needed by", found.needed_by)
    yield from _section("Opaque in", build.opaque)


def _dockerfile(docker: DockerDemand | None) -> str:
    return f"the Dockerfile {docker.dockerfile} of {docker.context}" if docker else ""


def _pairs(title: str, pairs: Pairs) -> Iterator[str]:
    return _section(title, [f"{name}={plain(value)}" for name, value in pairs], most=len(pairs))


def _section(title: str, lines: Sequence[str], *, most: int = _LISTED) -> Iterator[str]:
    if not lines:
        return
    yield f"  {title}: {len(lines)}"
    yield from (f"    {line}" for line in lines[:most])
    if len(lines) > most:
        yield f"    and {len(lines) - most} more"


def _tag(found: ExplainedTag) -> Iterator[str]:
    image = found.image
    yield f"tag {image.ref}"
    why = reasons_text([image.reason]) or "its build has changed"
    yield f"  {image.action.value}: {why}"
    if image.index:
        yield from _section("The index of", image.index)
    elif image.build:
        yield f"  published by {image.build}"
    yield from _section("Cells", [cell or "the only one" for cell in found.cells])
    yield f"  in the lock: {found.holder} {found.digest}".rstrip() if found.holder else "  in the lock: nothing"
    if image.new and image.new != found.digest:
        yield f"  will hold {image.new}"


def _field(found: ExplainedField) -> Iterator[str]:
    field = found.field
    yield f"field {field.path}{' (required)' if field.required else ''}"
    yield from wrapped("  ", field.description.split(), glue=" ")
    yield f"  {' or '.join(field.kinds) or 'anything'}"
    if field.choices:
        yield from wrapped("  one of ", [_value(one) for one in field.choices])
    if field.default is not None:
        yield f"  default: {_value(field.default)}"
    for example in field.examples:
        yield f"  example: {_value(example)}"
    for key in field.keys:
        yield from wrapped(f"    {key.name}{' (required)' if key.required else ''}: ", key.description.split(), glue=" ", width=WIDTH)
    yield f"  here: {at(found.here)}: {found.here.text.strip()}" if found.here else "  here: left out"


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
