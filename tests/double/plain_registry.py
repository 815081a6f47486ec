"""A registry over HTTP as BuildKit talks to it: no more tries than it makes, and the words that it has for each refusal."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

import urllib3

from matrixbuild.adapters.docker_config import docker_login
from matrixbuild.adapters.registry_auth import challenge_of
from matrixbuild.core.images import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from matrixbuild.core.registry import Descriptor, StoredManifest, always

_ACCEPT = {"Accept": f"{DOCKER_MANIFEST}, {DOCKER_LIST}, {OCI_MANIFEST}, {OCI_INDEX}, */*"}
_PAUSES = (1, 2, 4)
_STALLED = 30.0

Result = TypeVar("Result")


class Refused(Exception):  # noqa: N818
    """The registry, or the network, did not do what was asked: `text` in BuildKit's words, `body` what came with it, `status` 0 without an answer."""

    def __init__(self, text: str, *, body: str = "", status: int = 0) -> None:
        super().__init__(text)
        self.text = text
        self.body = body
        self.status = status


class PlainRegistry:
    """`say` is told of each retry of a push; nothing else is tried twice."""

    def __init__(self, host: str, say: Callable[[str], None] = lambda text: None) -> None:
        self._host = host
        self._base = f"{'http' if host.startswith(('127.', 'localhost:')) else 'https'}://{host}"
        self._say = say
        self._pool = urllib3.PoolManager(retries=False, timeout=_STALLED)
        self._authorization: dict[str, str] = {}

    # The port of core.registry ------------------------------------------------

    def manifest(self, repository: str, reference: str) -> StoredManifest | None:
        url = f"/v2/{repository}/manifests/{reference}"
        head = self._send("HEAD", url, scope=f"{repository}:pull", headers=_ACCEPT)
        if head.status == 404:
            return None
        answer = self._send("GET", url, scope=f"{repository}:pull", headers=_ACCEPT)
        return StoredManifest(media_type=answer.headers.get("Content-Type", ""), data=answer.data)

    def digest(self, repository: str, reference: str) -> str | None:
        found = self.manifest(repository, reference)
        return found.digest if found else None

    def has_blob(self, repository: str, digest: str, *, size: int | None = None) -> bool:
        head = self._pushing("HEAD", f"/v2/{repository}/blobs/{digest}", repository)
        return head.status == 200 and size in (None, int(head.headers.get("Content-Length", size or 0)))

    def blob(self, repository: str, digest: str) -> bytes:
        answer = self._send("GET", f"/v2/{repository}/blobs/{digest}", scope=f"{repository}:pull")
        found = f"sha256:{hashlib.sha256(answer.data).hexdigest()}"
        if found != digest:
            raise Refused(f"failed commit on ref: unexpected commit digest {found}, expected {digest}: failed precondition")
        return answer.data

    def read_blob(self, repository: str, digest: str) -> Iterator[bytes]:
        yield self.blob(repository, digest)

    def put_blob(self, repository: str, data: bytes | Iterable[bytes], descriptor: Descriptor) -> None:
        if self.has_blob(repository, descriptor.digest):
            return
        body = data if isinstance(data, bytes) else b"".join(data)
        start = f"/v2/{repository}/blobs/uploads/"

        def upload() -> None:
            begun = self._send("POST", start, scope=f"{repository}:pull,push")
            where = urljoin(self._base + start, begun.headers["Location"])
            url = f"{where}{'&' if '?' in where else '?'}{urlencode({'digest': descriptor.digest})}"
            self._send("PUT", url, scope=f"{repository}:pull,push", body=body, headers={"Content-Type": "application/octet-stream"})

        self._retried(upload)

    def mount_blob(self, repository: str, digest: str, *, source: str) -> bool:
        url = f"/v2/{repository}/blobs/uploads/?{urlencode({'mount': digest, 'from': source}, safe=':/')}"
        return self._pushing("POST", url, repository).status == 201

    def put_manifest(self, repository: str, reference: str, manifest: StoredManifest, *, wanted: Callable[[], bool] = always) -> str:
        url = f"/v2/{repository}/manifests/{reference}"
        if not wanted():
            return manifest.digest
        self._pushing("PUT", url, repository, body=manifest.data, headers={"Content-Type": manifest.media_type})
        return manifest.digest

    def tags(self, repository: str) -> tuple[str, ...]:
        answer = self._send("GET", f"/v2/{repository}/tags/list", scope=f"{repository}:pull")
        return tuple(json.loads(answer.data).get("tags") or ())

    # Requests -----------------------------------------------------------------

    def _pushing(
        self, method: str, url: str, repository: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> urllib3.BaseHTTPResponse:
        return self._retried(lambda: self._send(method, url, scope=f"{repository}:pull,push", body=body, headers=headers))

    def _retried(self, act: Callable[[], Result]) -> Result:
        """As pushes are: a fault of the server or of the connection is worth three more tries, a refusal none."""
        for pause in (*_PAUSES, None):
            try:
                return act()
            except Refused as refused:
                again = refused.status >= 500 or (refused.status == 0 and ("EOF" in refused.text or "reset by peer" in refused.text))
                if not again or pause is None:
                    raise
                self._say(f"error: {refused.text}")
                self._say(f"retrying in {pause}s")
                time.sleep(pause)
        raise AssertionError("unreachable")

    def _send(
        self, method: str, url: str, *, scope: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> urllib3.BaseHTTPResponse:
        whole = urljoin(self._base, url)
        answer = self._request(method, whole, body=body, headers=dict(headers or {}) | self._authorization)
        if answer.status == 401 and (header := self._authorized(answer, scope)):
            self._authorization = {"Authorization": header}
            answer = self._request(method, whole, body=body, headers=dict(headers or {}) | self._authorization)
        if answer.status < 400 or (answer.status == 404 and method == "HEAD"):
            return answer
        text = f"unexpected status from {method} request to {whole}: {answer.status} {answer.reason}"
        raise Refused(text, body=answer.data.decode("utf-8", "replace"), status=answer.status)

    def _request(self, method: str, url: str, *, body: bytes | None, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        try:
            return self._pool.request(method, url, body=body, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            where = urlsplit(url)
            raise Refused(f'failed to do request: {method.capitalize()} "{url}": {_why(error, where.hostname or "", where.netloc)}') from error

    def _authorized(self, answer: urllib3.BaseHTTPResponse, scope: str) -> str:
        """What to send in answer to a challenge; "" where we know no account."""
        challenge = challenge_of([answer.headers.get("WWW-Authenticate", "")])
        login = docker_login(self._host)
        if challenge is None or challenge.scheme != "bearer":
            return login.basic if login and challenge else ""
        query = urlencode({"scope": f"repository:{scope}", "service": challenge.parameters.get("service", "")})
        realm = f"{challenge.parameters['realm']}?{query}"
        token = self._request("GET", realm, body=None, headers={"Authorization": login.basic} if login else {})
        if token.status >= 400:
            kind = "oauth" if login else "anonymous"
            text = f"failed to fetch {kind} token: unexpected status from GET request to {realm}: {token.status} {token.reason}"
            raise Refused(f"failed to authorize: {text}", status=401)
        found = json.loads(token.data)
        return f"Bearer {found.get('token') or found['access_token']}"


def _why(error: urllib3.exceptions.HTTPError, host: str, place: str) -> str:
    said = str(error)
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return f"dial tcp: lookup {host}: no such host"
    if "refused" in said:
        return f"dial tcp {place}: connect: connection refused"
    if "reset by peer" in said:
        return f"read tcp {place}: read: connection reset by peer"
    return "net/http: timeout awaiting response headers" if isinstance(error, urllib3.exceptions.TimeoutError) else "EOF"
