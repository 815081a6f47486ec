"""A registry that follows a script: faults for the first requests, then the answers that it was given."""

# ruff: noqa: N802, N815  (http.server calls methods by these names)

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.fakes.serving import QuietHandler, serving

Fault = Callable[["Handler", "Answer"], None]
"""Does something to a request in place of its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What came in; names of headers are lower-case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class FaultyRegistry:
    """`faults` are used up one a request; then `answers` hold, by (method, path with query), and 404 for all else."""

    host: str = ""
    faults: list[Fault] = field(default_factory=list)
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)


class Handler(QuietHandler):
    registry: FaultyRegistry

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        names = {name.lower(): value for name, value in self.headers.items()}
        self.registry.requests.append(Request(method=self.command, path=self.path, headers=names, body=body))
        answer = self.registry.answers.get((self.command, self.path), Answer(status=404))
        if self.registry.faults:
            self.registry.faults.pop(0)(self, answer)
        else:
            self.answer(answer.status, answer.headers, answer.body)

    do_HEAD = do_GET
    do_POST = do_GET
    do_PUT = do_GET
    do_DELETE = do_GET


@contextlib.contextmanager
def faulty_registry(*faults: Fault) -> Iterator[FaultyRegistry]:
    registry = FaultyRegistry(faults=list(faults))
    with serving(type("ScriptedHandler", (Handler,), {"registry": registry})) as address:
        registry.host = address
        yield registry


def status(code: int, body: bytes = b"", **headers: str) -> Fault:
    """Answers with `code`; `Retry_After="2"` is the header Retry-After."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, _: handler.answer(code, named, body)


def no_fault() -> Fault:
    return lambda handler, answer: handler.answer(answer.status, answer.headers, answer.body)


def reset() -> Fault:
    """The connection is reset without an answer."""

    def fault(handler: Handler, _: Answer) -> None:
        # A close with a linger time of 0 sends RST; the socket closes only with the last file made of it.
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.rfile.close()
        handler.connection.close()
        handler.close_connection = True

    return fault


def end() -> Fault:
    """The connection ends without an answer."""

    def fault(handler: Handler, _: Answer) -> None:
        handler.close_connection = True

    return fault


def truncated(keep: int) -> Fault:
    """The right headers and `keep` bytes of the body, then the end."""

    def fault(handler: Handler, answer: Answer) -> None:
        handler.answer(answer.status, {**answer.headers, "Content-Length": str(len(answer.body))}, answer.body[:keep])
        handler.close_connection = True

    return fault


def other_body(body: bytes) -> Fault:
    """The right headers with another body."""
    return lambda handler, answer: handler.answer(answer.status, answer.headers, body)


def stall() -> Fault:
    """Nothing, for longer than any test waits."""

    def fault(handler: Handler, _: Answer) -> None:
        handler.connection.settimeout(60)
        handler.rfile.read(1)  # until the client hangs up
        handler.close_connection = True

    return fault
