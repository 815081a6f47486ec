"""A secret -> the texts that give it away: every form in which programs are known to print what they were given."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

SHORTEST = 4
"""Fewer characters stand in ordinary words: masking them would spoil the output and hide nothing."""

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._")
_LEFT_ALONE = (b"~", b"~/", b"~!'()*", b"*", b"~$&+,/:;=@", b"")
"""What encoders leave as it is beside the unreserved: RFC 3986; one for paths; JavaScript's encodeURIComponent; forms; Go's PathEscape; old ones."""
_WRAPS = (64, 76)
"""Columns after which PEM and openssl, MIME and coreutils break lines of base64."""
_GO_ESCAPES = str.maketrans({"<": r"\u003c", ">": r"\u003e", "&": r"\u0026", "\u2028": r"\u2028", "\u2029": r"\u2029"})
_URL_ALPHABET = bytes.maketrans(b"+/", b"-_")


def renderings(secret: str) -> frozenset[bytes]:
    """The secret as it is, base64 (at each of the three alignments, in the standard and the URL alphabet, in one line or wrapped), URL-encoded
    and JSON-escaped; of a secret of several lines each line as well. White space around it is not part of it; texts shorter than SHORTEST
    are none. Base64 that is wrapped with other text before the secret is not recognised.
    """
    core = secret.strip()
    parts = {core, core.replace("\n", "\r\n"), *(line.strip() for line in core.splitlines())}
    found = {text for part in parts if len(part) >= SHORTEST for text in _forms(part)}
    return frozenset(text for text in found.union(_wrapped(_bytes(core))) if len(text) >= SHORTEST)


def _forms(part: str) -> Iterator[bytes]:
    data = _bytes(part)
    yield data
    yield from _json_escaped(part)
    yield from _url_encoded(data)
    for text in _base64(data):
        yield from (text, text.translate(_URL_ALPHABET))


def _bytes(text: str) -> bytes:
    # As the environment was read: bytes that are no UTF-8 are written as they were.
    return text.encode(errors="surrogateescape")


def _json_escaped(part: str) -> Iterator[bytes]:
    for ascii_only in (True, False):
        escaped = json.dumps(part, ensure_ascii=ascii_only)[1:-1]
        for text in (escaped, escaped.translate(_GO_ESCAPES), escaped.replace("/", r"\/")):
            yield _bytes(text)


def _url_encoded(data: bytes) -> Iterator[bytes]:
    for kept in _LEFT_ALONE:
        alone = _UNRESERVED.union(kept)
        for form in ("%%%02X", "%%%02x"):
            text = "".join(chr(byte) if byte in alone else form % byte for byte in data).encode()
            yield from (text, text.replace(b"%20", b"+"))


def _base64(data: bytes) -> Iterator[bytes]:
    """The characters that the data alone decides, with 0, 1 or 2 other bytes before it in its group of three, and any after it."""
    for before, undecided in ((0, 0), (1, 2), (2, 3)):
        decided = (before + len(data)) * 8 // 6
        yield base64.b64encode(bytes(before) + data)[undecided:decided]
    yield base64.b64encode(data)


def _wrapped(data: bytes) -> Iterator[bytes]:
    for text in (base64.b64encode(data), base64.urlsafe_b64encode(data)):
        for width in _WRAPS:
            yield from (text[start : start + width] for start in range(0, len(text), width))
