"""A registry in memory that takes and gives images, and that may limit requests, for as long and as often as a test says."""

# ruff: noqa: N815  (http.server calls methods by these names)

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from tests.fakes.serving import QuietHandler, serving

Limit = Callable[[str, str], dict[str, str] | None]
"""Method and path of a request -> the headers of a 429, or None to answer."""


@dataclass(slots=True)
class MemoryRegistry:
    host: str = ""
    limit: Limit = lambda _method, _path: None
    requests: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Handler(QuietHandler):
    registry: MemoryRegistry

    def answered(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        with self.registry.lock:
            self.registry.requests.append((self.command, path))
            limits = self.registry.limit(self.command, path)
            if limits is not None:
                self.registry.refused.append((self.command, path))
        if limits is not None:
            self.answer(429, limits, b"")
        elif "/blobs/" in path:
            self._blob(path, body)
        elif "/manifests/" in path:
            self._manifest(path, body)
        else:
            self.answer(200 if path == "/v2/" else 404, {}, b"")

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = answered

    def _blob(self, path: str, body: bytes) -> None:
        if self.command == "POST":
            self.answer(202, {"Location": f"{path.rstrip('/')}/1"}, b"")
        elif self.command == "PUT":
            (digest,) = parse_qs(urlsplit(self.path).query)["digest"]
            self.registry.blobs[digest] = body
            self.answer(201, {}, b"")
        else:
            self._give("application/octet-stream", self.registry.blobs.get(path.rpartition("/")[2]))

    def _manifest(self, path: str, body: bytes) -> None:
        repository, _, reference = path.removeprefix("/v2/").rpartition("/manifests/")
        if self.command == "PUT":
            digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
            for name in (reference, digest):
                self.registry.manifests[repository, name] = (self.headers["Content-Type"], body)
            self.answer(201, {"Docker-Content-Digest": digest}, b"")
        else:
            media_type, data = self.registry.manifests.get((repository, reference), ("", None))
            self._give(media_type, data)

    def _give(self, media_type: str, data: bytes | None) -> None:
        if data is None:
            self.answer(404, {}, b"")
            return
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.answer(200, {"Content-Type": media_type, "Docker-Content-Digest": digest}, data)


@contextlib.contextmanager
def memory_registry() -> Iterator[MemoryRegistry]:
    registry = MemoryRegistry()
    with serving(type("MemoryHandler", (Handler,), {"registry": registry})) as address:
        registry.host = address
        yield registry
