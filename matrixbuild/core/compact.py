"""Values as canonical JSON, for machines (compact) and for people (indented): equal values, equal text, on every machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from json.encoder import encode_basestring as _quoted
from typing import cast

from matrixbuild.core.names import sha256

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def compact(value: object) -> bytes:
    """UTF-8 JSON with sorted keys and without blanks. A name that is not UTF-8 (a lone surrogate) is kept as it is."""
    return _ENCODER.encode(value).encode("utf-8", "surrogatepass")


def digest_of(value: object) -> str:
    """`sha256:<hex>` of a value's canonical JSON."""
    return sha256(compact(value))


def indented(value: object, margin: str = "\n") -> str:
    """What `json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)` gives, in less than its time: CPython indents in a generator for each
    level, and a lock is nearly all small mappings of texts. Keys are texts.
    """
    inner = f"{margin}  "
    if isinstance(value, dict) and value:
        document = cast("Mapping[str, object]", value)
        lines = [f"{_quoted(key)}: {_quoted(leaf) if type(leaf := document[key]) is str else indented(leaf, inner)}" for key in sorted(document)]
        return f"{{{inner}{f',{inner}'.join(lines)}{margin}}}"
    if isinstance(value, list) and value:
        return f"[{inner}{f',{inner}'.join([indented(element, inner) for element in value])}{margin}]"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)
