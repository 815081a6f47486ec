"""An HTTP proxy: passes requests on to hosts that only it knows, makes tunnels to them, and remembers what it was asked."""

# ruff: noqa: N802, N815  (http.server calls methods by these names)

from __future__ import annotations

import base64
import contextlib
import http.client
import select
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.fakes.serving import QuietHandler, serving


@dataclass(slots=True, kw_only=True)
class Proxy:
    """`hosts` are `name:port` -> the address on this machine that is meant; `account` (`name:password`) is wanted where it is set."""

    hosts: Mapping[str, str]
    account: str = ""
    host: str = ""
    asked: list[str] = field(default_factory=list)
    """`CONNECT name:port` or `GET http://name:port/...`, in order."""

    @property
    def url(self) -> str:
        return f"http://{self.host}"


@contextlib.contextmanager
def running_proxy(hosts: Mapping[str, str], *, account: str = "") -> Iterator[Proxy]:
    proxy = Proxy(hosts=hosts, account=account)
    with serving(type("ProxyHandler", (_Handler,), {"proxy": proxy})) as address:
        proxy.host = address
        yield proxy


class _Handler(QuietHandler):
    proxy: Proxy

    def do_CONNECT(self) -> None:
        if not self._welcome(self.path):
            return
        with socket.create_connection(_parts(self.proxy.hosts[self.path])) as there:
            self.send_response(200)
            self.end_headers()
            _joined(self.connection, there)
        self.close_connection = True

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        where = url.netloc if url.port else f"{url.netloc}:80"
        if not self._welcome(where):
            return
        connection = http.client.HTTPConnection(*_parts(self.proxy.hosts[where]), timeout=30)
        sent = {name: value for name, value in self.headers.items() if not name.lower().startswith("proxy-")}
        with contextlib.closing(connection):
            connection.request(self.command, url._replace(scheme="", netloc="").geturl(), body=body, headers=sent)
            answer = connection.getresponse()
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in ("transfer-encoding", "connection")}
            self.answer(answer.status, headers, answer.read())

    do_HEAD = do_GET
    do_POST = do_GET
    do_PUT = do_GET
    do_PATCH = do_GET
    do_DELETE = do_GET

    def _welcome(self, where: str) -> bool:
        self.proxy.asked.append(f"{self.command} {self.path}")
        wanted = f"Basic {base64.b64encode(self.proxy.account.encode()).decode()}"
        if self.proxy.account and self.headers.get("Proxy-Authorization") != wanted:
            self.answer(407, {"Proxy-Authenticate": "Basic"}, b"")
        elif where not in self.proxy.hosts:
            self.answer(502, {}, b"")
        else:
            return True
        return False


def _parts(address: str) -> tuple[str, int]:
    host, _, port = address.partition(":")
    return host, int(port)


def _joined(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes both ways until one side ends."""
    ways = {one: other, other: one}
    while True:
        readable, _, _ = select.select(list(ways), [], [], 30)
        for ready in readable:
            data = ready.recv(1 << 16)
            if not data:
                return
            ways[ready].sendall(data)
        if not readable:
            return
