"""What may listen where a builder should: it answers each connection with the same bytes, or never."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator

from matrixbuild.core.builder_address import Address
from tests.services import free_port


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One of HTTP/2."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def buildkit(package: str = "github.com/earthly/buildkit", version: str = "v0.8.16") -> bytes:
    """What a buildkitd answers when it is asked who it is."""
    told = b"".join(bytes([number << 3 | 2, len(text)]) + text.encode() for number, text in ((1, package), (2, version)))
    message = bytes([1 << 3 | 2, len(told)]) + told
    data = frame(0, 0, 1, b"\0" + len(message).to_bytes(4, "big") + message)
    return frame(4, 0, 0) + frame(1, 4, 1, b"\x88") + data + frame(1, 5, 1, b"\x88")


@contextlib.contextmanager
def listening(answer: bytes | None, *, context: ssl.SSLContext | None = None, port: int = 0) -> Iterator[Address]:
    """Something at an address of this machine that Earthly would take for another one; without an `answer` it says nothing."""
    with socket.create_server(("127.0.0.2", port)) as server:
        thread = threading.Thread(target=_serve, args=(server, answer, context), daemon=True)
        thread.start()
        yield _address(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def nobody() -> Address:
    """An address at which nothing listens."""
    return _address(free_port())


def _address(port: int) -> Address:
    return Address(text=f"tcp://127.0.0.2:{port}", scheme="tcp", host="127.0.0.2", port=port)


def _serve(server: socket.socket, answer: bytes | None, context: ssl.SSLContext | None) -> None:
    silent = []
    while True:
        try:
            plain, _ = server.accept()
        except OSError:
            break
        with contextlib.suppress(OSError):
            connection = context.wrap_socket(plain, server_side=True) if context else plain
            if answer is None:
                silent.append(connection)
                continue
            connection.recv(1 << 14)
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)
            connection.close()
        plain.close()
    for connection in silent:
        connection.close()
