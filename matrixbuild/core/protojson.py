"""JSON that another program wrote -> its parts by name, where they are what they should be; nothing in it is trusted to be there."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping

Json = Mapping[str, object]

NOTHING: Json = {}
_LONGEST = 20


def mapping(content: Json, key: str) -> Json:
    found = content.get(key)
    return found if isinstance(found, Mapping) else NOTHING


def mappings(content: Json, key: str) -> Iterator[tuple[str, Json]]:
    """The mappings in a mapping, with their names."""
    return ((name, value) for name, value in mapping(content, key).items() if isinstance(value, Mapping))


def text(content: Json, key: str) -> str:
    found = content.get(key)
    return found if isinstance(found, str) else ""


def number(content: Json, key: str) -> int:
    found = content.get(key)
    return found if isinstance(found, int) else 0


def nanoseconds(content: Json, key: str) -> int:
    """A time, which protojson has as a text, as any integer of 64 bits; 0 where there is none."""
    found = text(content, key)
    return int(found) if found.isascii() and found.isdigit() and len(found) < _LONGEST else 0


def from_base64(content: Json, key: str) -> bytes:
    """Bytes as protojson has them: in base64. What is none is nothing."""
    try:
        return base64.b64decode(text(content, key), validate=True)
    except (binascii.Error, ValueError):
        return b""
