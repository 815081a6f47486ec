"""What a pretend daemon answers to whoever speaks gRPC to it: that it is a BuildKit, and which."""

from __future__ import annotations

PREFACE = b"PRI * HTTP/2.0\r\n"
_DATA, _HEADERS, _SETTINGS = 0, 1, 4
_END_STREAM, _END_HEADERS = 1, 4
_STATUS_200 = b"\x88"


def info(package: str, version: str) -> bytes:
    """The whole answer to the first call of a connection, taken for `/moby.buildkit.v1.Control/Info`."""
    message = _field(1, _field(1, package.encode()) + _field(2, version.encode()))
    trailer = b"\0\x0bgrpc-status\x010"
    return b"".join(
        (
            _frame(_SETTINGS, 0, 0),
            _frame(_HEADERS, _END_HEADERS, 1, _STATUS_200),
            _frame(_DATA, 0, 1, b"\0" + len(message).to_bytes(4, "big") + message),
            _frame(_HEADERS, _END_HEADERS | _END_STREAM, 1, trailer),
        )
    )


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _field(number: int, value: bytes) -> bytes:
    """Texts and messages of less than 128 bytes."""
    return bytes([number << 3 | 2, len(value)]) + value
