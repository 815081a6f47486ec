from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.buildkit_call import Spoken, Stranger, heard, question


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def field(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2, len(data)]) + data


def answer(package: str, version: str) -> bytes:
    told = field(1, package.encode()) + field(2, version.encode()) + field(3, b"531b303aa8ec")
    message = field(1, told) + b"\x10\x02"
    trailers = frame(1, 5, 1, b"\x88")
    return frame(4, 0, 0) + frame(4, 1, 0) + frame(1, 4, 1, b"\x88") + frame(0, 0, 1, b"\0" + len(message).to_bytes(4, "big") + message) + trailers


EARTHLY = answer("github.com/earthly/buildkit", "v0.8.16")


def test_an_answer_is_understood_however_it_comes() -> None:
    told = Spoken(package="github.com/earthly/buildkit", version="v0.8.16")
    assert heard(EARTHLY, ended=False) == told
    assert not told.stock
    assert [heard(EARTHLY[:size], ended=False) for size in range(len(EARTHLY))] == [None] * len(EARTHLY)


def test_the_one_that_others_use_is_told() -> None:
    spoken = heard(answer("github.com/moby/buildkit", "v0.12.5"), ended=False)
    assert isinstance(spoken, Spoken)
    assert spoken.stock


@pytest.mark.parametrize(
    ("data", "ended", "stranger"),
    [
        (b"", True, Stranger(reason="closes the connection without a word", again=True)),
        (b"HTTP", True, Stranger(reason="is no BuildKit")),
        (b"HTTP/1.1 400 Bad Request\r\n", False, Stranger(reason="is a web server, no BuildKit")),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", False, Stranger(reason="is no BuildKit")),
        (b"\x15\x03\x01\x00\x02\x02\x46", False, Stranger(reason="wants TLS", tls=True)),
        (frame(4, 0, 0) + frame(7, 0, 0, bytes(8)), False, Stranger(reason="breaks off BuildKit's protocol")),
        (frame(4, 0, 0) + frame(3, 0, 1, bytes(4)), False, Stranger(reason="breaks off BuildKit's protocol")),
        (frame(4, 0, 0) + frame(1, 5, 1, b"\x88"), False, Stranger(reason="answers the call to BuildKit without a message", again=True)),
        (EARTHLY[:-12], True, Stranger(reason="is no BuildKit")),
        (frame(4, 0, 0) + frame(0, 0, 3, bytes(1 << 14)) * 5, False, Stranger(reason="is no BuildKit")),
    ],
)
def test_whatever_else_listens_is_a_stranger(data: bytes, ended: bool, stranger: Stranger) -> None:
    assert heard(data, ended=ended) == stranger


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_judged_and_an_end_always_decides(data: bytes, settings: bool) -> None:
    whole = (frame(4, 0, 0) if settings else b"") + data
    assert heard(whole, ended=True) is not None
    assert isinstance(heard(whole, ended=False), Spoken | Stranger | None)


def test_the_question_names_the_call_and_ends() -> None:
    asked = question("builder:8372")
    assert asked.startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert b"/moby.buildkit.v1.Control/Info" in asked
    assert asked.endswith(frame(0, 1, 1, bytes(5)))
    assert len(question("x" * 500)) < len(asked) + 127
