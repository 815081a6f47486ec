"""A document -> everything in it that its JSON Schema does not allow, each told in one sentence at its place."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matrixbuild.adapters.schema_fit import fits
from matrixbuild.adapters.schema_words import problems_of
from matrixbuild.core.document import Document, surprises
from matrixbuild.core.problems import Problem

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_SUFFIX = ".schema.json"
_MAX_PROBLEMS = 200
_MOST_ERRORS = 5_000
"""Errors that are looked at: each takes some kilobytes."""


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
    return _in_order(document, _schema_problems(document, schema, _errors(document, schema)))


def check_part(document: Document, *, schema: str) -> tuple[Problem, ...]:
    """The same for a document that others complete, or that completes another: nothing is said of what it lacks."""
    return _in_order(document, _schema_problems(document, schema, (error for error in _errors(document, schema) if not _is_lack(error))))


def check_whole(document: Document, *, schema: str) -> tuple[Problem, ...]:
    """What a document lacks, or has too much of, that was made of parts: each of them is right by itself."""
    errors = (error for error in _errors(document, schema) if _is_lack(error) or error.validator == "oneOf")
    return tuple(sorted(dict.fromkeys(_schema_problems(document, schema, errors)), key=_position))


def _in_order(document: Document, problems: Iterable[Problem]) -> tuple[Problem, ...]:
    found = dict.fromkeys([*document.problems, *problems])
    places = {problem.place for problem in found}
    found.update(dict.fromkeys(problem for problem in surprises(document) if problem.place not in places))
    return tuple(sorted(found, key=_position))


def _errors(document: Document, schema: str) -> list[ValidationError]:
    data, root = document.root.data, _schema(schema)
    if fits(data, root):
        return []
    from matrixbuild.adapters.schema_errors import errors_of

    return sorted(islice(errors_of(data, root), _MOST_ERRORS), key=_is_consequence)


def _schema_problems(document: Document, schema: str, errors: Iterable[ValidationError]) -> Iterator[Problem]:
    root = _schema(schema)
    count, mistyped = 0, set()
    for error in errors:
        path = tuple(error.absolute_path)
        if path in mistyped:
            continue
        if error.validator == "type":
            mistyped.add(path)
        for problem in problems_of(error, document, root):
            yield problem
            count += 1
            if count >= _MAX_PROBLEMS:
                return


def _is_consequence(error: ValidationError) -> bool:
    return error.validator != "type"


def _is_lack(error: ValidationError) -> bool:
    """Whether more in the document could mend it. A failed `oneOf` has a context only where no branch fits."""
    return error.validator in ("required", "dependentRequired") or (error.validator == "oneOf" and bool(error.context))


def _position(problem: Problem) -> tuple[str, int, int]:
    place = problem.place
    return (place.file, place.line, place.column) if place else ("", 0, 0)


@cache
def _schema(name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(schema_text(name))
    return found


def _directory() -> Path:
    package = Path(__file__).parents[1]
    shipped = package / "schemas"  # in a wheel
    return shipped if shipped.is_dir() else package.parent / "schemas"  # in a checkout
