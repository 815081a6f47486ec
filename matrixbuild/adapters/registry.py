"""A registry over HTTP: the calls of the port -> requests of the OCI distribution API, and their answers, verified, back into values."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import urlencode

import urllib3
from urllib3.response import BaseHTTPResponse

from matrixbuild.adapters.checked import checked
from matrixbuild.adapters.docker_config import docker_login
from matrixbuild.adapters.network import Reach
from matrixbuild.adapters.registry_auth import Login, Scopes
from matrixbuild.adapters.registry_faults import TransientError, doubt, from_status, unusable
from matrixbuild.adapters.registry_wire import Ask, Body, Tuning, Wire
from matrixbuild.core.image_parts import media_type_of, parts
from matrixbuild.core.images import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from matrixbuild.core.names import DIGEST, sha256
from matrixbuild.core.problems import UnusableError
from matrixbuild.core.registry import Descriptor, StoredManifest, always

_ACCEPT = (("Accept", f"{OCI_MANIFEST}, {OCI_INDEX}, {DOCKER_MANIFEST}, {DOCKER_LIST}"),)
_DIGEST_HEADER = "Docker-Content-Digest"
_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next"?')
_PIECE = 1 << 18
_IN_MEMORY = 8 << 20
"""Bytes of a blob given in pieces that are kept in memory; more goes to a temporary file, so that an upload can be tried again."""
_ENDPOINTS = {"docker.io": "registry-1.docker.io", "index.docker.io": "registry-1.docker.io"}


class HttpRegistry:
    """The registry at `host` (`host[:port]`), by the scheme that `reach` finds for it, unless `scheme` says which."""

    def __init__(
        self,
        host: str,
        *,
        reach: Reach = Reach(),  # noqa: B008  (frozen)
        tuning: Tuning | None = None,
        login: Callable[[str], Login | None] = docker_login,
        scheme: str | None = None,
    ) -> None:
        self._host = host
        endpoint = _ENDPOINTS.get(host, host)
        addresses = (f"{scheme}://{endpoint}",) if scheme else reach.addresses(endpoint)
        self._wire = Wire(host, addresses=addresses, tuning=tuning or Tuning(), login=login, reach=reach)
        self._lock = threading.Lock()
        self._pushing: dict[tuple[str, str], threading.Lock] = {}

    def manifest(self, repository: str, reference: str) -> StoredManifest | None:
        what = f"read {_named(repository, reference)}"
        ask = self._manifest_ask("GET", repository, reference, what)
        return self._wire.retried(what, lambda: self._stored(reference, self._wire.send(ask)))

    def digest(self, repository: str, reference: str) -> str | None:
        what = f"read {_named(repository, reference)}"
        ask = self._manifest_ask("HEAD", repository, reference, what)

        def head() -> str | None:
            response = self._wire.send(ask)
            given = response.headers.get(_DIGEST_HEADER, "")
            if response.status == 404 or not DIGEST.fullmatch(given):
                return None
            _check_digest(given, reference if ":" in reference else given)
            return given

        if found := self._wire.retried(what, head):
            return found
        # Some registries do not say it with HEAD, and some answer 404 to every HEAD: a name that is taken must not count as free.
        body = self.manifest(repository, reference)
        return body.digest if body else None

    def asked_wait(self) -> float | None:
        """The seconds that it asks to wait now, 0 where it limits requests and does not say how long; None where it does not, or nobody can tell."""
        try:
            self._wire.send(Ask(method="GET", url="/v2/", what="ask for its limits", scopes=(), allow=(200, 404)))
        except TransientError as error:
            return error.asked
        except UnusableError:
            return None  # it lets nobody in without a login, or cannot be reached: that says nothing of limits
        return None

    def has_blob(self, repository: str, digest: str, *, size: int | None = None) -> bool:
        """Whether the registry can give the blob's first byte. HEAD would be cheaper, and not the truth: docker-registry with its default
        cache goes on promising a blob whose file is gone, and sends nothing of it. (Looked for in vain, a blob is only pushed again.)
        """
        what = f"look for {_named(repository, digest)}"
        url = f"/v2/{repository}/blobs/{digest}"
        first = (("Range", "bytes=0-0"),)
        # 416: there is no first byte in an empty blob.
        ask = Ask(method="GET", url=url, what=what, scopes=_pull(repository), allow=(200, 206, 404, 416), headers=first, stream=True)
        found = self._wire.retried(what, lambda: self._gives_a_byte(self._wire.send(ask), size))
        # An answer that ends too early may be an accident of the network: twice, it is the registry's.
        return bool(self._wire.retried(what, lambda: self._gives_a_byte(self._wire.send(ask), size)) if found is None else found)

    def blob(self, repository: str, digest: str) -> bytes:
        what = f"read {_named(repository, digest)}"
        ask = self._blob_ask(repository, digest, what, headers=(), stream=False)

        def get() -> bytes:
            response = self._wire.send(ask)
            self._require_blob(response, repository, digest)
            _check_digest(sha256(response.data), digest)
            return response.data

        return self._wire.retried(what, get)

    def read_blob(self, repository: str, digest: str) -> Iterator[bytes]:
        """A blob in pieces. A broken connection goes on where it broke; a wrong digest at the end cannot be mended: the pieces are out."""
        what = f"read {_named(repository, digest)}"
        seen, size = hashlib.sha256(), 0
        for attempt in self._wire.attempts(what):
            with attempt:
                for piece in self._pieces(repository, digest, what, start=size):
                    seen.update(piece)
                    size += len(piece)
                    yield piece
        found = f"sha256:{seen.hexdigest()}"
        if found != digest:
            raise unusable(f"cannot {what} at {self._host}: {_mismatch(found, digest)}", "it is not used", "digest-mismatch")

    def put_blob(self, repository: str, data: bytes | Iterable[bytes], descriptor: Descriptor) -> None:
        with self._alone(repository, descriptor.digest):
            if self.has_blob(repository, descriptor.digest):
                return
            with self._replayable(repository, data, descriptor) as body:
                what = f"push {_named(repository, descriptor.digest)}"
                self._wire.retried(what, lambda: self._upload(repository, body, descriptor, what))

    def mount_blob(self, repository: str, digest: str, *, source: str) -> bool:
        what = f"mount {_named(source, digest)} into {repository}"
        url = f"/v2/{repository}/blobs/uploads/?{urlencode({'mount': digest, 'from': source})}"
        scopes = (*_push(repository), *_pull(source))
        ask = Ask(method="POST", url=url, what=what, scopes=scopes, allow=(201, 202, 404, 405), headers=(("Content-Length", "0"),))
        response = self._wire.retried(what, lambda: self._wire.send(ask))
        if response.status == 202:
            self._cancel(ask, response)  # the registry began an upload instead
        return response.status == 201

    def begin_push(self, repository: str) -> str:
        """Begin an upload and cancel it: whether a push is allowed, without one. Gives the registry's time, as its Date header has it ("": none)."""
        what = f"push to {repository}"
        url = f"/v2/{repository}/blobs/uploads/"
        ask = Ask(method="POST", url=url, what=what, scopes=_push(repository), allow=(201, 202), headers=(("Content-Length", "0"),))
        begun = self._wire.retried(what, lambda: self._wire.send(ask))
        self._cancel(ask, begun)
        return begun.headers.get("Date", "")

    def put_manifest(self, repository: str, reference: str, manifest: StoredManifest, *, wanted: Callable[[], bool] = always) -> str:
        what = f"push {_named(repository, reference)}"
        if ":" in reference:
            self._require_digest(what, manifest.digest, reference)
        ask = Ask(
            method="PUT",
            url=f"/v2/{repository}/manifests/{reference}",
            what=what,
            scopes=_push(repository),
            allow=(200, 201, 202, 400, 404),
            headers=(("Content-Type", manifest.media_type),),
            body=lambda: manifest.data,
        )

        def put() -> str:
            if not wanted():
                return manifest.digest
            response = self._wire.send(ask)
            if response.status in (400, 404):
                raise self._refused(response, repository, manifest, what)
            _check_digest(response.headers.get(_DIGEST_HEADER) or manifest.digest, manifest.digest)
            return manifest.digest

        return self._wire.retried(what, put)

    def tags(self, repository: str) -> tuple[str, ...]:
        what = f"list the tags of {repository}"
        url: str | None = f"/v2/{repository}/tags/list?n=1000"
        found: set[str] = set()
        seen: set[str] = set()
        while url:
            seen.add(url)
            ask = Ask(method="GET", url=url, what=what, scopes=_pull(repository), allow=(200, 404))
            page, following = self._wire.retried(what, lambda ask=ask: self._tag_page(ask))  # type: ignore[misc]
            found.update(page)
            if following in seen:
                raise unusable(f"cannot {what} at {self._host}: its pages go in a circle", "this is a fault of the registry")
            url = following
        return tuple(sorted(found))

    # Requests and what is made of their answers.

    def _manifest_ask(self, method: str, repository: str, reference: str, what: str) -> Ask:
        url = f"/v2/{repository}/manifests/{reference}"
        return Ask(method=method, url=url, what=what, scopes=_pull(repository), allow=(200, 404), headers=_ACCEPT)

    def _blob_ask(self, repository: str, digest: str, what: str, *, headers: tuple[tuple[str, str], ...], stream: bool) -> Ask:
        url = f"/v2/{repository}/blobs/{digest}"
        return Ask(method="GET", url=url, what=what, scopes=_pull(repository), allow=(200, 206, 404), headers=headers, stream=stream)

    def _stored(self, reference: str, response: BaseHTTPResponse) -> StoredManifest | None:
        if response.status == 404:
            return None
        given = response.headers.get("Content-Type", "").partition(";")[0].strip()
        if given.startswith("application/vnd.docker.distribution.manifest.v1+"):
            raise unusable(f"{reference} at {self._host} is an image of Docker's schema 1, which is not supported", "build and push it again")
        data = response.data
        found = sha256(data)
        header = response.headers.get(_DIGEST_HEADER, "")
        _check_digest(found, reference if ":" in reference else header if DIGEST.fullmatch(header) else found)
        media_type = media_type_of(data) if not given.startswith("application/vnd.") else given
        if media_type is None:
            raise TransientError("the answer is not a manifest", "is this an OCI registry?")
        return StoredManifest(media_type=media_type, data=data)

    def _gives_a_byte(self, response: BaseHTTPResponse, size: int | None) -> bool | None:
        """None where the byte is promised and does not come."""
        try:
            if response.status in (404, 416):
                return response.status == 416 and not size
            return bool(response.read(1)) and size in (None, _whole_size(response) or size)
        except urllib3.exceptions.HTTPError as error:
            # urllib3 wraps it: ProtocolError(words, IncompleteRead).
            if any(isinstance(each, urllib3.exceptions.IncompleteRead) for each in (error, *error.args)):
                return None
            raise self._wire.fault(error) from error
        finally:
            # Where the registry does not know ranges, the rest of the blob is on its way: that connection is no use any more.
            if response.status == 200:
                response.close()
            response.release_conn()

    def _require_blob(self, response: BaseHTTPResponse, repository: str, digest: str) -> None:
        if response.status == 404:
            raise unusable(f"{self._host} has no blob {digest} in {repository}", "it was removed; build the image again")

    def _pieces(self, repository: str, digest: str, what: str, *, start: int) -> Iterator[bytes]:
        headers = (("Range", f"bytes={start}-"),) if start else ()
        response = self._wire.send(self._blob_ask(repository, digest, what, headers=headers, stream=True))
        try:
            self._require_blob(response, repository, digest)
            skip = start if response.status == 200 else 0  # a registry without ranges begins anew
            for piece in response.stream(_PIECE, decode_content=False):
                kept = piece[skip:]
                skip -= len(piece) - len(kept)
                if kept:
                    yield kept
        except urllib3.exceptions.HTTPError as error:
            raise self._wire.fault(error) from error
        finally:
            response.close()

    def _cancel(self, began: Ask, response: BaseHTTPResponse) -> None:
        """Give up an upload. The registry forgets one by itself in time, so its answer does not matter."""
        if location := response.headers.get("Location"):
            url = self._wire.resolve(began.url, location)
            away = Ask(method="DELETE", url=url, what=began.what, scopes=began.scopes, allow=tuple(range(200, 500)))
            self._wire.retried(began.what, lambda: self._wire.send(away))

    def _upload(self, repository: str, body: Body, descriptor: Descriptor, what: str) -> None:
        start = f"/v2/{repository}/blobs/uploads/"
        scopes = _push(repository)
        begun = self._wire.send(Ask(method="POST", url=start, what=what, scopes=scopes, allow=(201, 202), headers=(("Content-Length", "0"),)))
        location = begun.headers.get("Location")
        if begun.status == 201:
            return
        if not location:
            raise unusable(f"cannot {what} at {self._host}: the registry does not say where to", "is this an OCI registry?")
        url = self._wire.resolve(start, location)
        url += f"{'&' if '?' in url else '?'}{urlencode({'digest': descriptor.digest})}"
        headers = (("Content-Type", "application/octet-stream"), ("Content-Length", str(descriptor.size)))
        self._wire.send(Ask(method="PUT", url=url, what=what, scopes=scopes, allow=(200, 201, 202, 204), headers=headers, body=body))

    @contextlib.contextmanager
    def _replayable(self, repository: str, data: bytes | Iterable[bytes], descriptor: Descriptor) -> Iterator[Body]:
        of = f"a blob for {self._host}/{repository}"
        if isinstance(data, bytes):
            for _ in checked((data,), descriptor, of=of):
                pass
            yield lambda: data
            return
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
            file.writelines(checked(data, descriptor, of=of))

            def rewound() -> Any:
                file.seek(0)
                return file

            yield rewound

    def _tag_page(self, ask: Ask) -> tuple[list[str], str | None]:
        response = self._wire.send(ask)
        if response.status == 404:
            return [], None
        try:
            found = json.loads(response.data)["tags"] or []
        except (ValueError, LookupError, TypeError) as error:
            raise TransientError("the answer is not a list of tags", "is this an OCI registry?") from error
        following = _NEXT.search(response.headers.get("Link", ""))
        return [str(tag) for tag in found], self._wire.resolve(ask.url, following[1]) if following else None

    @contextlib.contextmanager
    def _alone(self, repository: str, digest: str) -> Iterator[None]:
        """Builds that share a layer come with it at the same time: one of them pushes it, and the others find it there."""
        with self._lock:
            lock = self._pushing.setdefault((repository, digest), threading.Lock())
        with lock:
            yield

    def _refused(self, response: BaseHTTPResponse, repository: str, manifest: StoredManifest, what: str) -> Exception:
        """docker-registry empties the link of a blob for a moment where somebody pushes or mounts that blob once more, and finds manifests with it
        at fault meanwhile: what lacks nothing is worth another try."""
        doubted = doubt(response)
        return doubted if doubted and self._holds(repository, manifest) else from_status(response, host=self._host, what=what)

    def _holds(self, repository: str, manifest: StoredManifest) -> bool:
        needed = parts(manifest)
        return all(self.has_blob(repository, blob.digest, size=blob.size) for blob in needed.blobs) and all(
            self.digest(repository, child.digest) for child in needed.children
        )

    def _require_digest(self, what: str, found: str, wanted: str) -> None:
        if found != wanted:
            raise unusable(f"cannot {what} at {self._host}: {_mismatch(found, wanted)}", "this is a bug in matrixbuild", "digest-mismatch")


def _whole_size(response: BaseHTTPResponse) -> int | None:
    """Of what a part, or all, was sent (`Content-Range: bytes 0-0/1234`); None where the registry does not say."""
    told = response.headers.get("Content-Range", "").rpartition("/")[2] if response.status == 206 else response.headers.get("Content-Length", "")
    return int(told) if told.isascii() and told.isdigit() else None


def _pull(repository: str) -> Scopes:
    return (f"repository:{repository}:pull",)


def _push(repository: str) -> Scopes:
    return (f"repository:{repository}:pull,push",)


def _named(repository: str, reference: str) -> str:
    return f"{repository}{'@' if ':' in reference else ':'}{reference}"


def _check_digest(found: str, wanted: str) -> None:
    if found != wanted:
        raise TransientError(_mismatch(found, wanted), "it is not used; look for a proxy that changes answers, and at the registry's storage")


def _mismatch(found: str, wanted: str) -> str:
    return f"the digest is {found}, not {wanted}"
