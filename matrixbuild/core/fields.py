"""The manifest's schema and the name of a field (`spec.publish.mode`) -> its documentation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matrixbuild.core.problems import InvalidError, Problem, did_you_mean

Schema = Mapping[str, Any]

_STEP = re.compile(r"\.?([^.\[\]]+)|\[\d*\]")
_NOUNS = {
    "string": "text",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
    "integer": "a whole number",
    "number": "a number",
    "null": "null",
}
_ANY = "NAME"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key below a field."""

    name: str
    description: str
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of the manifest: what it holds (`kinds` in words), what it is where it is left out (None: nothing), the words it may be, and the keys
    below it. `steps` are the keys and indexes that lead to it."""

    path: str
    steps: tuple[str | int, ...]
    description: str
    kinds: tuple[str, ...]
    required: bool
    choices: tuple[object, ...]
    default: object
    examples: tuple[object, ...]
    keys: tuple[Key, ...]


def field(root: Schema, path: str) -> Field:
    """The documentation of a field. List items are `[]` or `[0]` (`spec.rules[].when`) or left out, any name stands for a free key
    (`spec.axes.os`). Raises InvalidError for a field that the schema does not have, with the nearest that it has."""
    schema: Schema = root
    required = False
    steps: list[str | int] = []
    for found in _steps(path):
        name = found[1]
        if name is None:
            schema = _item(schema, root)
            steps.append(int(found[0][1:-1] or 0))
            continue
        schema = _through_list(schema, name, root)
        known = dict(_children(schema, root))
        if name not in known and _ANY not in known:
            where = ".".join(str(step) for step in steps if isinstance(step, str)) or "a manifest"
            below = f"did you mean 'spec.{path}'?" if not steps and name in _below_spec(root) else ""
            hint = below or did_you_mean(name, known) or (f"there are {', '.join(known)}" if known else "it has no keys")
            raise InvalidError(Problem(summary=f"{where} has no {name!r}", hint=hint, code="unknown-field"))
        required = name in schema.get("required", ())
        schema = known.get(name, known.get(_ANY, {}))
        steps.append(name)
    return _field(path, tuple(steps), schema, root, required=required)


def _below_spec(root: Schema) -> Mapping[str, Schema]:
    return dict(_children(dict(_children(root, root)).get("spec", {}), root))


def _steps(path: str) -> Iterator[re.Match[str]]:
    position = 0
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            hint = "write, for example, spec.publish.mode or spec.rules[].when"
            raise InvalidError(Problem(summary=f"{path!r} is not the name of a field", hint=hint, code="unknown-field"))
        yield step
        position = step.end()


def _field(path: str, steps: tuple[str | int, ...], schema: Schema, root: Schema, *, required: bool) -> Field:
    choices = (*schema.get("enum", ()), *([schema["const"]] if "const" in schema else ()), *schema.get("then", {}).get("enum", ()))
    return Field(
        path=path,
        steps=steps,
        description=str(schema.get("description", "")),
        kinds=tuple(_NOUNS[kind] for kind in _kinds(schema)),
        required=required,
        choices=choices,
        default=schema.get("default"),
        examples=tuple(schema.get("examples", ())),
        keys=tuple(_keys(schema, root)),
    )


def _kinds(schema: Schema) -> Sequence[str]:
    kinds = schema.get("type", "string" if schema.get("enum") or "const" in schema else ())
    return [kinds] if isinstance(kinds, str) else list(kinds)


def _keys(schema: Schema, root: Schema) -> Iterator[Key]:
    inner = _item(schema, root) if "items" in schema else schema
    needed = {*inner.get("required", ()), *inner.get("else", {}).get("required", ())}
    for name, child in _children(inner, root):
        yield Key(name=name, description=str(child.get("description", "")), required=name in needed)


def _children(schema: Schema, root: Schema) -> Iterator[tuple[str, Schema]]:
    """The keys of a mapping, those of its long form, and NAME for those that the author names."""
    for part in (schema, schema.get("else", {})):
        for name, child in part.get("properties", {}).items():
            yield name, _resolved(child, root)
    if isinstance(schema.get("additionalProperties"), Mapping):
        yield _ANY, _resolved(schema["additionalProperties"], root)


def _through_list(schema: Schema, name: str, root: Schema) -> Schema:
    """A list's item, where the name can only be one of its keys: `spec.rules.when`."""
    return _item(schema, root) if name not in dict(_children(schema, root)) and isinstance(schema.get("items"), Mapping) else schema


def _item(schema: Schema, root: Schema) -> Schema:
    return _resolved(schema["items"], root) if isinstance(schema.get("items"), Mapping) else schema


def _resolved(schema: Schema, root: Schema) -> Schema:
    """A schema with what it refers to under what it says itself."""
    if "$ref" not in schema:
        return schema
    return {**_resolved(root["$defs"][schema["$ref"].rpartition("/")[2]], root), **schema}
