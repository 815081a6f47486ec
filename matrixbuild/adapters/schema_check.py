"""A document -> everything in it that its JSON Schema does not allow, each told in one sentence at its place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from matrixbuild.adapters.schema_words import problems_of
from matrixbuild.core.document import Document, surprises
from matrixbuild.core.problems import Problem

_SUFFIX = ".schema.json"
_MAX_PROBLEMS = 200


def schema_text(name: str) -> str:
    """The schema file called `name` ("manifest"), as it is shipped; KeyError where there is none."""
    try:
        return str((_directory() / f"{name}{_SUFFIX}").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise KeyError(name) from None


def schema_names() -> tuple[str, ...]:
    """The schemas there are, sorted."""
    return tuple(sorted(path.name.removesuffix(_SUFFIX) for path in _directory().iterdir() if path.name.endswith(_SUFFIX)))


def check(document: Document, *, schema: str) -> tuple[Problem, ...]:
    """All problems of the document, in the order of the file: as YAML, against the schema, and scalars that only look like what they are not.

    One problem a cause: a value of the wrong type is not also told to be too short, or unusual.
    """
    found = dict.fromkeys([*document.problems, *_schema_problems(document, schema)])
    places = {problem.place for problem in found}
    found.update(dict.fromkeys(problem for problem in surprises(document) if problem.place not in places))
    return tuple(sorted(found, key=_position))


def _schema_problems(document: Document, schema: str) -> Iterator[Problem]:
    count, mistyped = 0, set()
    for error in sorted(_validator(schema).iter_errors(document.root.data), key=_is_consequence):
        path = tuple(error.absolute_path)
        if path in mistyped:
            continue
        if error.validator == "type":
            mistyped.add(path)
        for problem in problems_of(error, document):
            yield problem
            count += 1
        if count >= _MAX_PROBLEMS:
            return


def _is_consequence(error: ValidationError) -> bool:
    return error.validator != "type"


def _position(problem: Problem) -> tuple[str, int, int]:
    place = problem.place
    return (place.file, place.line, place.column) if place else ("", 0, 0)


@cache
def _validator(name: str) -> Draft202012Validator:
    schema: Mapping[str, Any] = json.loads(schema_text(name))
    return Draft202012Validator(schema)


def _directory() -> Any:
    shipped = resources.files("matrixbuild") / "schemas"  # in a wheel
    return shipped if shipped.is_dir() else Path(__file__).parents[2] / "schemas"  # in a checkout
