"""What the program writes itself while it builds -> the same, masked: what is in it in base64 is decoded for that, and encoded again.

What a command prints comes in pieces, a record each, so a secret may begin in one and end in another: each command's output is masked as one stream.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator

from matrixbuild.core.masking import MaskedStream, Masking
from matrixbuild.core.protojson import Json, mapping, text

_LOG = "deltaLog"
_CONSOLE = "deltaFormattedLog"


def masked_stream(chunks: Iterable[bytes], masked: Masking) -> Iterator[bytes]:
    """The records of a stream file, a line each. Records of the console are left out: stderr has the same. So is what is no record: nothing can be
    said of what is in it."""
    outputs: dict[tuple[str, str], _Output] = {}
    for line in _lines(chunks):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if not isinstance(record, dict) or _CONSOLE in record:
            continue
        log = mapping(record, _LOG)
        if not log:
            yield _line(_everywhere(record, masked))
            continue
        name = (text(log, "commandId"), str(log.get("stream")))
        output = outputs.setdefault(name, _Output(masked.stream()))
        if found := output.fed(log):
            yield _line(_everywhere(found, masked))
    for output in outputs.values():
        if found := output.finished():
            yield _line(_everywhere(found, masked))


def masked_manifest(content: bytes, masked: Masking) -> bytes:
    """A run manifest. One that cannot be read is masked as text: it is none, and nobody decodes it."""
    try:
        found = json.loads(content)
    except ValueError:
        return masked.masked(content)
    failure = found.get("failure") if isinstance(found, dict) else None
    if isinstance(failure, dict) and isinstance(failure.get("output"), str):
        failure["output"] = _encoded(masked.masked(_bytes(failure["output"])))
    return json.dumps(_everywhere(found, masked), indent=2, ensure_ascii=False).encode() + b"\n"


class _Output:
    """The output of one command, record by record; what may be the beginning of a secret waits for the next."""

    def __init__(self, stream: MaskedStream) -> None:
        self._stream = stream
        self._last: Json = {}

    def fed(self, log: Json) -> Json | None:
        self._last = log
        return self._record(self._stream.feed(_bytes(text(log, "data"))))

    def finished(self) -> Json | None:
        return self._record(self._stream.finish())

    def _record(self, data: bytes) -> Json | None:
        return {_LOG: {**self._last, "data": _encoded(data)}} if data else None


def _everywhere(found: object, masked: Masking) -> object:
    """Every text in it, names too."""
    if isinstance(found, str):
        return masked.text(found)
    if isinstance(found, list):
        return [_everywhere(each, masked) for each in found]
    if isinstance(found, dict):
        return {masked.text(name): _everywhere(each, masked) for name, each in found.items()}
    return found


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held = b""
    for chunk in chunks:
        *lines, held = (held + chunk).split(b"\n")
        yield from lines
    if held:
        yield held


def _bytes(encoded: str) -> bytes:
    """What is no base64 is what it is."""
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return encoded.encode(errors="surrogatepass")


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _line(record: object) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass") + b"\n"
