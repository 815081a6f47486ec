"""--help and the manifest's schema -> the two reference pages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_CLI = """# Commands

Generated from `--help` by `make docs`.
"""
_MANIFEST = """# The manifest

Generated from `schemas/manifest.schema.json` by `make docs`. `matrixbuild schema` prints the schema itself, for an editor that completes and
checks while you write; a first line `# yaml-language-server: $schema=PATH` tells the editor where it is. Keys that are not on this page
are errors. Paths are relative to the manifest. Write versions in quotes: `1.30` without them is the number 1.3.

Required keys are **bold**.
"""
_WORDS = {
    "axisValue": "a value of an axis",
    "matcher": "cells, in `when` and a rule's effect",
    "template": "a template",
    "resources": "amounts, in `limits` and `resources`",
    "duration": "a time",
}
_LONGEST = 100


def cli_reference(run: Callable[[str], str]) -> str:
    """`run` gives what `matrixbuild ARGUMENTS` prints."""
    whole = run("--help")
    verbs = re.findall(r"(?m)^    ([a-z]+) {2,}\S", whole)
    parts = [_CLI, _block("matrixbuild --help", whole)]
    parts += [f"## {verb}\n\n{_block(f'matrixbuild {verb} --help', run(f'{verb} --help'))}" for verb in verbs]
    return "\n".join(parts)


def _block(command: str, output: str) -> str:
    return f"```console\n$ {command}\n{output}```\n"


def manifest_reference(schema: str) -> str:
    """A section for each mapping of the manifest, in the order of the schema: its keys, what they mean, what they are if left out."""
    root = json.loads(schema)
    words = [f"- **{called}**: {root['$defs'][name]['description']}" for name, called in _WORDS.items()]
    return "\n".join([_MANIFEST, *_sections(root, root, ""), "## What the tables mean by\n", *words]) + "\n"


def _sections(schema: Schema, root: Schema, path: str) -> Iterator[str]:
    """The section of one mapping, then those of the mappings below it."""
    schema = _resolved(schema, root)
    properties: Mapping[str, Schema] = schema.get("properties", {})
    if properties:
        yield f"## {path or 'The file'}\n\n{_sentence(schema)}\n"
        yield "| key | meaning | default | example |\n|---|---|---|---|"
        required = schema.get("required", ())
        yield "\n".join(_row(name, one, name in required, root) for name, one in properties.items()) + "\n"
    for name, one in properties.items():
        yield from _below(one, root, f"{path}.{name}" if path else name)


def _below(schema: Schema, root: Schema, path: str) -> Iterator[str]:
    """The mappings in a key's value: itself, the values of its free keys (`NAME`), the items of its list (`[]`), or its longer form."""
    schema = _resolved(schema, root)
    if "properties" in schema:
        yield from _sections(schema, root, path)
    for inner, label in ((schema.get("additionalProperties"), f"{path}.NAME"), (schema.get("items"), f"{path}[]"), (schema.get("else"), path)):
        if isinstance(inner, Mapping) and _has_keys(inner, root):
            yield from _below({"description": schema["description"], **inner} if label == path else inner, root, label)


def _has_keys(schema: Schema, root: Schema) -> bool:
    schema = _resolved(schema, root)
    inner = [schema.get("additionalProperties"), schema.get("items")]
    return "properties" in schema or any(isinstance(one, Mapping) and _has_keys(one, root) for one in inner)


def _row(name: str, schema: Schema, required: bool, root: Schema) -> str:  # noqa: FBT001
    whole = _resolved(schema, root)
    default = _code(whole["default"]) if "default" in whole else ""
    example = _code(whole["examples"][0]) if whole.get("examples") else ""
    if len(example) > _LONGEST:
        example = ""  # such a mapping has a section of its own
    return f"| {f'**{name}**' if required else name} | {_sentence(whole)} | {default} | {example} |"


def _sentence(schema: Schema) -> str:
    choices = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    told = str(schema["description"]).replace("|", "\\|")
    return f"{told} One of: {', '.join(map(_code, choices))}." if len(choices) > 1 else told


def _code(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"`{text}`".replace("|", "\\|")


def _resolved(schema: Schema, root: Schema) -> Schema:
    """A schema with what it refers to under what it says itself."""
    if "$ref" not in schema:
        return schema
    return {**_resolved(root["$defs"][schema["$ref"].rpartition("/")[2]], root), **schema}
