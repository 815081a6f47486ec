"""One error of the JSON Schema validator -> problems in words, at the key or value that causes it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matrixbuild.core.document import Document, Kind, Node, Path, dotted
from matrixbuild.core.problems import Place, Problem, did_you_mean

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_NOUNS = {
    "string": "a string",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
    "integer": "a whole number",
    "number": "a number",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One validation error: `rule` is the keyword that failed, `wanted` its value in `schema`; with `of_key` it is about a key, `instance`."""

    document: Document
    path: Path
    rule: str
    wanted: Any
    schema: Mapping[str, Any]
    instance: Any
    message: str
    of_key: bool

    @property
    def where(self) -> str:
        return dotted(self.path)


def problems_of(error: ValidationError, document: Document, root: Mapping[str, Any]) -> Iterator[Problem]:
    """The problems behind one validation error of the schema `root`, usually one; an error this module has no words for is told in the
    validator's own."""
    raw: Any = error  # its attributes are typed as perhaps unset, which they are not once it was raised
    case = _Case(
        document=document,
        path=tuple(raw.absolute_path),
        rule=raw.validator,
        wanted=raw.validator_value,
        schema=raw.schema if "properties" in raw.schema or raw.validator != "required" else _around(root, raw.absolute_schema_path),
        instance=raw.instance,
        message=raw.message,
        of_key="propertyNames" in raw.absolute_schema_path,
    )
    yield from _WORDS.get(case.rule, _other)(case)


def _around(root: Mapping[str, Any], path: Iterable[str | int]) -> Mapping[str, Any]:
    """The innermost schema on a path that has properties: what is required under a condition is described beside the condition."""
    node: Any = root
    found = root
    for step in path:
        node = root["$defs"][node["$ref"].rpartition("/")[2]] if step == "$ref" else node[step]
        if isinstance(node, dict) and "properties" in node:
            found = node
    return found


def _problem(summary: str, place: Place, *, hint: str = "", code: str) -> Problem:
    return Problem(summary=summary, place=place, hint=hint, code=code)


def _type(case: _Case) -> Iterator[Problem]:
    wanted = [case.wanted] if isinstance(case.wanted, str) else list(case.wanted)
    node = case.document.node(case.path)
    nouns = _either([_NOUNS[name] for name in wanted])
    place = case.document.place(case.path)
    if node.kind is Kind.NULL:
        yield _problem(f"{case.where} is empty, and has to be {nouns}", place, hint=_example(case), code="schema-type")
    elif "string" in wanted and node.plain and node.source:
        summary = f"{case.where}: {_cut(node.source)} without quotes is {_what(node)}, and this has to be {nouns}"
        # Quotes do not help where what is missing is a unit.
        hint = _example(case) if case.schema.get("format") == "quantity" else f'quote it: "{_cut(node.source)}"'
        yield _problem(summary, place, hint=hint, code="unquoted")
    else:
        yield _problem(f"{case.where} has to be {nouns}, and is {_what(node)}", place, hint=_example(case), code="schema-type")


def _unknown_key(case: _Case) -> Iterator[Problem]:
    known = list(case.schema.get("properties", {}))
    free = list(case.schema.get("patternProperties", {}))
    for key in case.instance:
        if key not in known and not any(re.search(pattern, key) for pattern in free):
            hint = did_you_mean(key, known) or f"known here: {', '.join(known)}"
            yield _problem(f"unknown key {_cut(key)!r} in {case.where}", case.document.key_place((*case.path, key)), hint=hint, code="unknown-key")


def _required(case: _Case) -> Iterator[Problem]:
    missing = next(name for name in case.wanted if f"'{name}'" in case.message.split(" is a required")[0])
    # A key that is there with one letter wrong is told as unknown, with what it should be: not twice.
    if any(missing in did_you_mean(key, case.schema.get("properties", {})) for key in case.instance if key not in case.schema.get("properties", {})):
        return
    description = case.schema.get("properties", {}).get(missing, {}).get("description", "")
    yield _problem(f"{case.where} has no {missing!r}", case.document.place(case.path), hint=description, code="missing-key")


def _one_of(case: _Case) -> Iterator[Problem]:
    names = [branch["required"][0] for branch in case.wanted]
    # A key that is there with one letter wrong is told as unknown, with what it should be: not twice.
    if any(did_you_mean(key, names) for key in case.instance if key not in case.schema["properties"]):
        return
    there = [name for name in names if name in case.instance]
    if len(there) == 1:  # the one it has wants another key beside it
        yield from _beside(case, there[0], next(branch["required"] for branch in case.wanted if branch["required"][0] == there[0]))
        return
    place = case.document.key_place((*case.path, there[1])) if there else case.document.place(case.path)
    found = f"both {there[0]!r} and {there[1]!r}" if there else "none"
    yield _problem(f"{case.where} takes exactly one of {_listed(names)}, and has {found}", place, code="schema-one-of", hint=_split(names, there))


def _split(names: Sequence[str], there: Sequence[str]) -> str:
    if not there:
        return ""
    return "make two rules of it" if "exclude" in names else f"remove {there[0]!r} or {there[1]!r}"


def _beside(case: _Case, name: str, wanted: Sequence[str]) -> Iterator[Problem]:
    for missing in wanted:
        if missing not in case.instance:
            description = case.schema["properties"][missing].get("description", "")
            place = case.document.key_place((*case.path, name))
            yield _problem(f"{case.where} has {name!r} and no {missing!r}", place, hint=description, code="missing-key")


def _dependent(case: _Case) -> Iterator[Problem]:
    name = next(name for name in case.wanted if name in case.instance and any(other not in case.instance for other in case.wanted[name]))
    yield from _beside(case, name, case.wanted[name])


def _choice(case: _Case) -> Iterator[Problem]:
    choices = [case.wanted] if case.rule == "const" else list(case.wanted)
    node = case.document.node(case.path)
    near = did_you_mean(str(node.value), map(str, choices)) if len(choices) > 1 else ""
    yield _problem(
        f"{case.where} has to be {_either(list(map(str, choices)))}, not {_shown(node)}",
        case.document.place(case.path),
        hint=near,
        code="schema-choice",
    )


def _pattern(case: _Case) -> Iterator[Problem]:
    noun = case.schema.get("title", f"of the form {case.wanted}")
    is_key = case.of_key
    place = case.document.key_place((*case.path, case.instance)) if is_key else case.document.place(case.path)
    where = f"{case.where}: " if case.path else ""
    yield _problem(f"{where}{_cut(case.instance)!r} is not {noun}", place, hint=_example(case), code="schema-pattern")


def _length(case: _Case) -> Iterator[Problem]:
    if case.of_key:
        place, name = case.document.key_place((*case.path, case.instance)), f"the key {_cut(case.instance)!r}"
    else:
        place, name = case.document.place(case.path), case.where
    limit = case.wanted
    summary = f"{name} is longer than {limit} characters" if case.rule == "maxLength" else f"{name} is empty"
    yield _problem(summary, place, hint="" if case.rule == "maxLength" else _example(case), code="schema-length")


def _too_few(case: _Case) -> Iterator[Problem]:
    yield _problem(f"{case.where} is empty", case.document.place(case.path), hint=_example(case), code="schema-empty")


def _twice(case: _Case) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, item in enumerate(case.instance):
        if identity(item) in seen:
            place = case.document.place((*case.path, index))
            yield _problem(f"{case.where} names {_cut(repr(item))} twice", place, hint="remove one of them", code="schema-twice")
        seen.add(identity(item))


def identity(item: object) -> str:
    """One text for what JSON Schema takes for one value: 1 is 1.0, and is not true."""
    return json.dumps(item, sort_keys=True) if not isinstance(item, float) or not item.is_integer() else str(int(item))


def _bound(case: _Case) -> Iterator[Problem]:
    side = "at least" if case.rule == "minimum" else "at most"
    yield _problem(
        f"{case.where} has to be {side} {case.wanted}, not {_shown(case.document.node(case.path))}",
        case.document.place(case.path),
        code="schema-bound",
    )


def _other(case: _Case) -> Iterator[Problem]:
    yield _problem(f"{case.where}: {_cut(case.message, 200)}", case.document.place(case.path), code="schema")


_WORDS: Mapping[str, Callable[[_Case], Iterator[Problem]]] = {
    "type": _type,
    "additionalProperties": _unknown_key,
    "required": _required,
    "oneOf": _one_of,
    "dependentRequired": _dependent,
    "enum": _choice,
    "const": _choice,
    "pattern": _pattern,
    "minLength": _length,
    "maxLength": _length,
    "minItems": _too_few,
    "minProperties": _too_few,
    "uniqueItems": _twice,
    "minimum": _bound,
    "maximum": _bound,
}


def _what(node: Node) -> str:
    if node.kind in (Kind.MAPPING, Kind.SEQUENCE):
        return f"a {node.kind.value}"
    return {Kind.STRING: "a string", Kind.BOOLEAN: "a boolean", Kind.NULL: "nothing"}.get(node.kind, "a number")


def _shown(node: Node) -> str:
    return repr(_cut(str(node.source))) if node.kind is Kind.STRING else (_cut(node.source) or "nothing")


def _example(case: _Case) -> str:
    examples: Sequence[Any] = case.schema.get("examples", ())
    return f"for example {examples[0] if isinstance(examples[0], str) else json.dumps(examples[0])}" if examples else ""


def _either(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _cut(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
