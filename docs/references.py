"""--help, the manifest's schema and a profile's rules -> the reference pages, and the table of rules."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from matrixbuild.core.declared import Condition, Effect
from matrixbuild.core.matching import shown
from matrixbuild.core.profile import Profile, ProfileRule, Span

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
    "wanted": "what a cell has to have, in the same place",
    "template": "a template",
    "resources": "amounts, in `limits` and `resources`",
    "duration": "a time",
}
_EFFECTS = {Effect.REQUIRE: "drops", Effect.EXCLUDE: "drops", Effect.DENY: "error", Effect.WARN: "warning"}
_FOUND = {
    "catalog": "by the list of versions",
    "files": "by the files of the source",
    "forms": "by the text of ARGs",
    "analysis": "by the analysis of the Earthfile",
    "names": "by the names of images",
}
_LONGEST = 100
_TOLD_ONCE = frozenset({"matcher"})
"""What a section would say of it again and again, below each key that it stands under."""
_NOUNS = {
    "string": "text",
    "boolean": "true or false",
    "object": "mapping",
    "array": "list",
    "integer": "whole number",
    "number": "number",
    "null": "null",
}


def cli_reference(run: Callable[[str], str]) -> str:
    """`run` gives what `matrixbuild ARGUMENTS` prints."""
    whole = run("--help")
    return "\n".join([_CLI, _block("matrixbuild --help", whole), *(part for verb in _verbs(whole) for part in _verb(verb, run))])


def _verb(verb: str, run: Callable[[str], str]) -> Iterator[str]:
    """The section of a verb, then those of its own (`lock update`)."""
    told = run(f"{verb} --help")
    yield f"## {verb}\n\n{_block(f'matrixbuild {verb} --help', told)}"
    for inner in _verbs(told):
        yield from _verb(f"{verb} {inner}", run)


def _verbs(told: str) -> list[str]:
    return re.findall(r"(?m)^    ([a-z]+) {2,}\S", told)


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
        yield "| key | what it is | meaning | default | example |\n|---|---|---|---|---|"
        required = schema.get("required", ())
        yield "\n".join(_row(name, one, name in required, root) for name, one in properties.items()) + "\n"
    for name, one in properties.items():
        yield from _below(one, root, f"{path}.{name}" if path else name)


def _below(schema: Schema, root: Schema, path: str) -> Iterator[str]:
    """The mappings in a key's value: itself, the values of its free keys (`NAME`), the items of its list (`[]`), or its longer form."""
    if _called(schema) in _TOLD_ONCE:
        return
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
    return f"| {f'**{name}**' if required else name} | {_kinds(whole)} | {_sentence(whole)} | {default} | {example} |"


def _kinds(schema: Schema) -> str:
    """`text or mapping`; a choice of words is text."""
    kinds = schema.get("type", "string")
    return " or ".join(_NOUNS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _sentence(schema: Schema) -> str:
    choices = schema.get("enum") or ([schema["const"]] if "const" in schema else schema.get("then", {}).get("enum", []))
    told = str(schema["description"]).replace("|", "\\|")
    told += f" One of: {', '.join(map(_code, choices))}{' or a mapping' if 'else' in schema else ''}." if len(choices) > 1 else ""
    return told + _of_keys(schema)


def _of_keys(schema: Schema) -> str:
    """The keys, and the values, that a mapping with free keys may have."""
    names, values = schema.get("propertyNames", {}).get("enum", []), schema.get("additionalProperties", {})
    words = values.get("enum", []) if isinstance(values, Mapping) else []
    told = f" Keys: {', '.join(map(_code, names))}." if names else ""
    return told + (f" Values: {', '.join(map(_code, words))}." if words else "")


def _called(schema: Schema) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _code(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"`{text}`".replace("|", "\\|")


def _resolved(schema: Schema, root: Schema) -> Schema:
    """A schema with what it refers to under what it says itself."""
    if "$ref" not in schema:
        return schema
    return {**_resolved(root["$defs"][schema["$ref"].rpartition("/")[2]], root), **schema}


def rules_table(profile: Profile) -> str:
    """A row for each rule of a profile: what it does, for which upstream versions, about what, and why."""
    rows = (
        f"| {one.rule.name} | {_EFFECTS[one.rule.effect]} | {_span(one.span)} | {_about(one)} | {_plain(one.rule.reason)} |" for one in profile.rules
    )
    return "\n".join(["", "| rule | effect | holds | about | why |", "|---|---|---|---|---|", *rows, "", ""])


def _span(span: Span) -> str:
    return " ".join([*([f"from {span.since} on"] if span.since else []), *([f"before {span.until}"] if span.until else [])])


def _about(rule: ProfileRule) -> str:
    if rule.by:
        return _FOUND[rule.by]
    when = f"where {_conditions(rule.rule.when)}: " if rule.rule.when else ""
    must = "needs " if rule.rule.effect is Effect.REQUIRE else ""
    return f"{when}{must}{_conditions(rule.rule.conditions)}"


def _conditions(conditions: Sequence[Condition]) -> str:
    return ", ".join(f"{one.subject} {_wanted(shown(one.wanted))}" for one in conditions)


def _wanted(text: str) -> str:
    """The empty text, alone or first among others, needs a word."""
    return f"empty{text}" if not text or text.startswith(" or ") else text


def _plain(text: str) -> str:
    return text.replace("|", "\\|")
