"""One error of the JSON Schema validator -> problems in words, at the key or value that causes it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jsonschema.exceptions import ValidationError

from matrixbuild.core.document import Document, Kind, Node, Path, dotted
from matrixbuild.core.problems import Place, Problem, did_you_mean

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


def problems_of(error: ValidationError, document: Document) -> Iterator[Problem]:
    """The problems behind one validation error, usually one; an error this module has no words for is told in the validator's own."""
    raw: Any = error  # its attributes are typed as perhaps unset, which they are not once it was raised
    case = _Case(
        document=document,
        path=tuple(raw.absolute_path),
        rule=raw.validator,
        wanted=raw.validator_value,
        schema=raw.schema,
        instance=raw.instance,
        message=raw.message,
        of_key="propertyNames" in raw.absolute_schema_path,
    )
    yield from _WORDS.get(case.rule, _other)(case)


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
    for key in case.instance:
        if key not in known:
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
    there = [name for name in names if name in case.instance]
    place = case.document.key_place((*case.path, there[1])) if there else case.document.place(case.path)
    found = f"both {there[0]!r} and {there[1]!r}" if there else "none"
    yield _problem(
        f"{case.where} takes exactly one of {_listed(names)}, and has {found}",
        place,
        code="schema-one-of",
        hint="make two rules of it" if there else "",
    )


def _any_of(case: _Case) -> Iterator[Problem]:
    names = [branch["required"][0] for branch in case.wanted]
    if any(did_you_mean(key, names) for key in case.instance):
        return
    hint = "without one there is nothing to publish, to reuse or to lock"
    yield _problem(f"{case.where} has neither {' nor '.join(map(repr, names))}", case.document.place(case.path), hint=hint, code="missing-key")


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
    seen: list[object] = []
    for index, item in enumerate(case.instance):
        if item in seen:
            yield _problem(
                f"{case.where} names {item!r} twice", case.document.place((*case.path, index)), hint="remove one of them", code="schema-twice"
            )
        seen.append(item)


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
    "anyOf": _any_of,
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
