from __future__ import annotations

import copy
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from matrixbuild.adapters.schema_check import schema_names, schema_text
from matrixbuild.adapters.schema_errors import errors_of
from matrixbuild.adapters.schema_fit import fits
from matrixbuild.adapters.yaml_files import read_document
from tests.checkout import ROOT

SHIPPED = {name: json.loads(schema_text(name)) for name in schema_names()}
MANIFESTS = sorted((ROOT / "manifests").glob("*.yaml"))

TEXTS = st.text("ab1", max_size=3)
SCALARS = st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from((0.5, 1.0, -1.5)) | TEXTS
DATA = st.recursive(SCALARS, lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXTS, below, max_size=3), max_leaves=8)
TYPES = st.sampled_from(("string", "boolean", "object", "array", "integer", "number", "null"))
COUNTS = st.integers(0, 3)
BOUNDS = st.integers(-1, 2) | st.just(0.5)
PATTERNS = st.sampled_from(("a", "^b", "1$", "^[ab]+$", ""))
NAMES = st.lists(TEXTS, max_size=2)

ALONE: Mapping[str, st.SearchStrategy[Any]] = {
    "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
    "const": TEXTS,
    "enum": st.lists(TEXTS, min_size=1, max_size=3),
    "pattern": PATTERNS,
    "uniqueItems": st.booleans(),
    "required": NAMES,
    "dependentRequired": st.dictionaries(TEXTS, NAMES, max_size=2),
    **{f"{side}{what}": COUNTS for side in ("min", "max") for what in ("Length", "Items", "Properties")},
    "minimum": BOUNDS,
    "maximum": BOUNDS,
    "description": TEXTS,
}


def of(keywords: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Schemas of a few keywords."""
    pairs = st.sampled_from(sorted(keywords)).flatmap(lambda name: keywords[name].map(lambda wanted: (name, wanted)))
    return st.lists(pairs, max_size=4).map(dict)


def over(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    deep = {
        "properties": st.dictionaries(TEXTS, below, max_size=2),
        "patternProperties": st.dictionaries(PATTERNS, below, max_size=2),
        **dict.fromkeys(("additionalProperties", "propertyNames", "items", "if", "then", "else", "not"), below),
        **{name: st.lists(below, min_size=1, max_size=3) for name in ("allOf", "anyOf", "oneOf")},
    }
    return of({**ALONE, **deep})


LOW = st.booleans() | of(ALONE) | over(of(ALONE))
SCHEMAS = st.tuples(over(st.just({"$ref": "#/$defs/one"}) | LOW), LOW).map(lambda pair: {**pair[0], "$defs": {"one": pair[1]}})


def is_valid(data: object, schema: Mapping[str, Any]) -> bool:
    return next(errors_of(data, schema), None) is None


@given(DATA, SCHEMAS)
@example(1, {"type": "integer"})
@example(1.0, {"type": "integer"})
@example(True, {"type": ["integer", "number"]})
@example([1, 1.0], {"uniqueItems": True})
@example([1, True], {"uniqueItems": True})
@example(True, {"minimum": 3})
@example(math.nan, {"minimum": 3})
@example(math.nan, {"not": {"maximum": 3}})
@example(math.inf, {"type": "integer"})
@example({"a": 1}, {"properties": {"a": True}, "patternProperties": {"a": False}})
@example({"b": 1}, {"additionalProperties": False, "patternProperties": {"a": True}})
@example("a", {"then": False, "else": False})
def test_it_says_what_the_validator_says(data: object, schema: Mapping[str, Any]) -> None:
    assert fits(data, schema) is is_valid(data, schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"contains": True},
        {"multipleOf": 2},
        {"prefixItems": [True]},
        {"unevaluatedProperties": False},
        {"dependentSchemas": {}},
        {"not": {"contains": True}},
        {"const": 1},
        {"enum": ["a", True]},
        {"$ref": "#"},
        {"$ref": "#/$defs/there"},
        {"$ref": "https://example.com/schema.json"},
        {"items": {"$id": "https://example.com/schema.json"}},
        {"$dynamicRef": "#a"},
    ],
    ids=json.dumps,
)
def test_what_it_does_not_know_is_for_the_validator(schema: Mapping[str, Any]) -> None:
    assert not fits([1], {**schema, "$defs": {}})


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_a_right_manifest_needs_no_validator(path: Path) -> None:
    data: Any = read_document(path).root.data
    if "extends" in data:
        return  # a part of one
    assert fits(data, SHIPPED["manifest"])
    assert is_valid(data, SHIPPED["manifest"])


def places(data: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [at, *(place for key, value in children for place in places(value, (*at, key)))]


def changed(data: Any, place: tuple[str | int, ...], value: object) -> Any:
    """The data with another value there, or without any (KeyError)."""
    if not place:
        return value
    found = copy.copy(data)
    if value is KeyError and len(place) == 1:
        del found[place[0]]
    else:
        found[place[0]] = changed(data[place[0]], place[1:], value)
    return found


@pytest.mark.parametrize("name", ["quickstart", "release", "seed"])
@given(st.data())
def test_a_manifest_with_a_mistake_is_judged_as_by_the_validator(name: str, data: st.DataObject) -> None:
    manifest: Any = read_document(ROOT / "manifests" / f"{name}.yaml").root.data
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.sampled_from(places(manifest)[1:]))
        manifest = changed(manifest, place, data.draw(st.just(KeyError) | DATA))
        if not isinstance(manifest, dict) or len(places(manifest)) < 3:
            break
    assert fits(manifest, SHIPPED["manifest"]) is is_valid(manifest, SHIPPED["manifest"])


@pytest.mark.parametrize("name", sorted(SHIPPED))
@given(DATA)
def test_what_fits_a_shipped_schema_is_valid(name: str, data: object) -> None:
    assert not fits(data, SHIPPED[name]) or is_valid(data, SHIPPED[name])
