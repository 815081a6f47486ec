"""Data and a JSON Schema -> the validator's errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from matrixbuild.adapters.schema_words import identity


def errors_of(data: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    found: Iterator[ValidationError] = _Draft202012(schema).iter_errors(data)
    return found


def _unique(_validator: Validator, wanted: object, instance: object, _schema: object) -> Iterator[ValidationError]:
    """As the library's `uniqueItems`, which compares each with each: minutes for a file of numbers and strings."""
    if wanted and isinstance(instance, list) and len({identity(item) for item in instance}) < len(instance):
        yield ValidationError("an item is there twice")


_Draft202012: Any = extend(Draft202012Validator, {"uniqueItems": _unique})  # type: ignore[no-untyped-call]
