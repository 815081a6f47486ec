"""Data and a JSON Schema -> whether the one fits the other, as far as this can be told without the validator.

The validator takes longer to load than a manifest takes to read, and nearly every manifest is right. So it is asked where something is wrong, or
where a schema says what is not known here; what it finds no error in is told by the same rules (JSON Schema 2020-12).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from matrixbuild.adapters.schema_words import identity


class _UnknownError(Exception):
    """Only the validator can say."""


def fits(data: object, schema: Mapping[str, Any]) -> bool:
    """Whether data of YAML or JSON is certainly valid. Where it is not, the validator has to be asked: it may yet be."""
    try:
        return _fits(data, schema, schema)
    except _UnknownError:
        return False


def _fits(data: object, schema: Any, root: Mapping[str, Any]) -> bool:
    """Both answers are certain, for `not` and `if` turn them round."""
    if isinstance(schema, bool):
        return schema
    for name, wanted in schema.items():
        if name in _ALONE:
            if not _ALONE[name](data, wanted):
                return False
        elif name in _BELOW:
            if not _BELOW[name](data, wanted, schema, root):
                return False
        elif name not in _NOTES and not (name in _NAMES and schema is root):
            raise _UnknownError
    return True


def _is_number(data: object) -> bool:
    return isinstance(data, int | float) and not isinstance(data, bool)


def _is_whole(data: object) -> bool:
    return not isinstance(data, bool) and (isinstance(data, int) or (isinstance(data, float) and data.is_integer()))


_TYPES: Mapping[str, Callable[[object], bool]] = {
    "string": lambda data: isinstance(data, str),
    "boolean": lambda data: isinstance(data, bool),
    "object": lambda data: isinstance(data, dict),
    "array": lambda data: isinstance(data, list),
    "integer": _is_whole,
    "number": _is_number,
    "null": lambda data: data is None,
}


def _is_of(data: object, wanted: str | list[str]) -> bool:
    return any(_TYPES[name](data) for name in ([wanted] if isinstance(wanted, str) else wanted))


def _is_one(data: object, wanted: list[object]) -> bool:
    """What equals what is only certain of one kind: 1 is 1.0, and is not true."""
    if any(not isinstance(each, str) for each in wanted):
        raise _UnknownError
    return isinstance(data, str) and data in wanted


def _requires(data: object, wanted: Mapping[str, list[str]]) -> bool:
    return not isinstance(data, dict) or all(other in data for name, others in wanted.items() if name in data for other in others)


_ALONE: Mapping[str, Callable[[Any, Any], bool]] = {
    "type": _is_of,
    "const": lambda data, wanted: _is_one(data, [wanted]),
    "enum": _is_one,
    "pattern": lambda data, wanted: not isinstance(data, str) or re.search(wanted, data) is not None,
    "minLength": lambda data, wanted: not isinstance(data, str) or len(data) >= wanted,
    "maxLength": lambda data, wanted: not isinstance(data, str) or len(data) <= wanted,
    # NaN is neither below nor above.
    "minimum": lambda data, wanted: not (_is_number(data) and data < wanted),
    "maximum": lambda data, wanted: not (_is_number(data) and data > wanted),
    "minItems": lambda data, wanted: not isinstance(data, list) or len(data) >= wanted,
    "maxItems": lambda data, wanted: not isinstance(data, list) or len(data) <= wanted,
    "uniqueItems": lambda data, wanted: not wanted or not isinstance(data, list) or len({identity(item) for item in data}) == len(data),
    "minProperties": lambda data, wanted: not isinstance(data, dict) or len(data) >= wanted,
    "maxProperties": lambda data, wanted: not isinstance(data, dict) or len(data) <= wanted,
    "required": lambda data, wanted: not isinstance(data, dict) or all(name in data for name in wanted),
    "dependentRequired": _requires,
}
"""Keywords that look at the data and at nothing else."""


def _refers(data: object, wanted: str, _schema: object, root: Mapping[str, Any]) -> bool:
    kind, _, name = wanted.rpartition("/")
    if kind != "#/$defs" or name not in root["$defs"]:
        raise _UnknownError
    return _fits(data, root["$defs"][name], root)


def _properties(data: object, wanted: Mapping[str, Any], _schema: object, root: Mapping[str, Any]) -> bool:
    return not isinstance(data, dict) or all(_fits(data[name], below, root) for name, below in wanted.items() if name in data)


def _patterns(data: object, wanted: Mapping[str, Any], _schema: object, root: Mapping[str, Any]) -> bool:
    if not isinstance(data, dict):
        return True
    return all(_fits(value, below, root) for pattern, below in wanted.items() for name, value in data.items() if re.search(pattern, name))


def _others(data: object, wanted: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    if not isinstance(data, dict):
        return True
    known, patterns = schema.get("properties", ()), schema.get("patternProperties", ())
    others = (value for name, value in data.items() if name not in known and not any(re.search(pattern, name) for pattern in patterns))
    return all(_fits(value, wanted, root) for value in others)


def _condition(data: object, wanted: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    return _fits(data, schema.get("then" if _fits(data, wanted, root) else "else", True), root)


_BELOW: Mapping[str, Callable[[Any, Any, Mapping[str, Any], Mapping[str, Any]], bool]] = {
    "$ref": _refers,
    "properties": _properties,
    "patternProperties": _patterns,
    "additionalProperties": _others,
    "propertyNames": lambda data, wanted, _, root: not isinstance(data, dict) or all(_fits(name, wanted, root) for name in data),
    "items": lambda data, wanted, _, root: not isinstance(data, list) or all(_fits(item, wanted, root) for item in data),
    "if": _condition,
    "not": lambda data, wanted, _, root: not _fits(data, wanted, root),
    "allOf": lambda data, wanted, _, root: all(_fits(data, each, root) for each in wanted),
    "anyOf": lambda data, wanted, _, root: any(_fits(data, each, root) for each in wanted),
    "oneOf": lambda data, wanted, _, root: sum(_fits(data, each, root) for each in wanted) == 1,
}
"""Keywords that apply schemas to the data or to what it holds; `then` and `else` are read with their `if`."""

_NOTES = frozenset(("$defs", "title", "description", "examples", "default", "format", "then", "else"))
"""Keywords that say nothing of whether data is valid (`format`: nobody asks the validator for it)."""

_NAMES = frozenset(("$schema", "$id"))
"""The same of a whole file; below it, they would change what a reference is to."""
