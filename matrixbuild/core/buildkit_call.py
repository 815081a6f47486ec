"""The bytes that ask whatever listens somewhere for BuildKit's version, and what its answer says: one gRPC call, without a client for all of gRPC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_METHOD = "/moby.buildkit.v1.Control/Info"
_DATA, _HEADERS, _RESET, _SETTINGS, _GOAWAY = 0, 1, 3, 4, 7
_END_STREAM, _END_HEADERS = 1, 4
_HEAD = 9
_MOST = 1 << 16
"""Bytes of an answer; BuildKit's has a few hundred."""
_TLS_ALERT = b"\x15\x03"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """Who a BuildKit says it is: the Go package it was made from, and its version."""

    package: str
    version: str

    @property
    def stock(self) -> bool:
        """BuildKit as others use it. Earthly connects to one and warns, and then no build runs: it needs what only its own fork can do."""
        return self.package.startswith("github.com/moby/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """Something else answers: `reason` goes on a sentence that begins with the address; `tls`: it wants TLS; `again`: it may be another one later."""

    reason: str
    tls: bool = False
    again: bool = False


_SILENT = Stranger(reason="closes the connection without a word", again=True)
"""A port of a container that is about to start; or a BuildKit that wants TLS, and does not say so."""

Heard = Spoken | Stranger | None
"""None: not enough to tell yet."""


def question(authority: str) -> bytes:
    """The call, whole: nothing of it waits for an answer."""
    headers = (
        (":method", "POST"), (":scheme", "http"), (":path", _METHOD), (":authority", authority),
        ("content-type", "application/grpc"), ("te", "trailers"),
    )  # fmt: skip
    # Each of them as a literal with a new name: the one form of HPACK that needs no tables.
    block = b"".join(b"\0" + _text(name) + _text(value) for name, value in headers)
    return _PREFACE + _frame(_SETTINGS, 0, 0) + _frame(_HEADERS, _END_HEADERS, 1, block) + _frame(_DATA, _END_STREAM, 1, bytes(5))


def _text(text: str) -> bytes:
    data = text.encode()[:126]  # a longer one would need a longer form of its length; a host's name has at most 253, and nobody reads it
    return bytes([len(data)]) + data


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def heard(data: bytes, *, ended: bool) -> Heard:
    """What an answer says so far; `ended`: no more will come."""
    if data.startswith(_TLS_ALERT):
        return Stranger(reason="wants TLS", tls=True)
    if len(data) < _HEAD:
        return (Stranger(reason="is no BuildKit") if data else _SILENT) if ended else None
    if data[3] != _SETTINGS or data[5:_HEAD] != bytes(4):
        return Stranger(reason="is a web server, no BuildKit" if data.startswith(b"HTTP/") else "is no BuildKit")
    return _answer(data, ended=ended)


def _answer(data: bytes, *, ended: bool) -> Heard:
    message = b""
    for kind, flags, stream, payload in _frames(data):
        if kind in (_RESET, _GOAWAY):
            return Stranger(reason="breaks off BuildKit's protocol")
        if stream != 1:
            continue
        if kind == _DATA:
            message += payload
        if flags & _END_STREAM:
            return _spoken(message[5:])
    return Stranger(reason="is no BuildKit") if ended or len(data) > _MOST else None


def _frames(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Those that are there whole: kind, flags, stream, payload."""
    at = 0
    while at + _HEAD <= len(data):
        end = at + _HEAD + int.from_bytes(data[at : at + 3], "big")
        if end > len(data):
            return
        yield data[at + 3], data[at + 4], int.from_bytes(data[at + 5 : at + 9], "big"), data[at + _HEAD : end]
        at = end


def _spoken(message: bytes) -> Spoken | Stranger:
    told = dict(_fields(dict(_fields(message)).get(1, b"")))
    package, version = (told.get(number, b"").decode("utf-8", "replace") for number in (1, 2))
    if not package:
        # A proxy whose builder is down ends the call like this, too.
        return Stranger(reason="answers the call to BuildKit without a message", again=True)
    return Spoken(package=package, version=version)


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a protobuf message that are messages or texts; it ends where one of another kind comes."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        if tag & 7 != 2:
            return
        size, at = _varint(message, at)
        yield tag >> 3, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(message):
        byte = message[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            break
    return number, at
