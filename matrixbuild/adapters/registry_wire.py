"""One request to a registry -> its answer: pooled connections, redirects, authentication, and a bounded number of tries."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, NoReturn, TypeVar
from urllib.parse import SplitResult, urljoin, urlsplit

import tenacity
import urllib3
from urllib3.response import BaseHTTPResponse

from matrixbuild.adapters.network import Reach
from matrixbuild.adapters.registry_auth import Authorizer, Login, Scopes, challenge_of
from matrixbuild.adapters.registry_faults import TransientError, from_exception, from_status, is_of_tls, unusable
from matrixbuild.adapters.registry_pools import Pools
from matrixbuild.core.problems import Problem, UnusableError
from matrixbuild.core.registry import RegistryUnavailableError

T = TypeVar("T")
Body = Callable[[], bytes | IO[bytes] | None]
_REDIRECTS = 5
_ONE_TRY = urllib3.Retry(total=False)
"""Trying again, and following redirects, is done here: urllib3 would not check digests in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How patient we are, in seconds: `connect`, `read` (between two pieces of an answer), `upload` (for the answer to a sent blob: the registry
    may move gigabytes first); `attempts` at one call, which together start within `total`; waits grow from `first_wait` to `longest_wait`. A registry
    that asks for a wait of more than `asked` is not asked again: who called does better than to sleep here."""

    connect: float = 10
    read: float = 30
    upload: float = 300
    attempts: int = 7
    total: float = 120
    first_wait: float = 0.1
    longest_wait: float = 10
    asked: float = math.inf
    connections: int = 32
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request: `url` below the registry or absolute; `what` completes "cannot ..." in messages; `allow`: statuses the caller reads itself."""

    method: str
    url: str
    what: str
    scopes: Scopes
    allow: tuple[int, ...]
    headers: tuple[tuple[str, str], ...] = ()
    body: Body | None = None
    stream: bool = False


class Wire:
    """Connections to one registry, safe for many threads.

    `host` is its name in messages, `addresses` are the one or two URLs at which it may be (with and without TLS): the first answer decides.
    """

    def __init__(self, host: str, *, addresses: tuple[str, ...], tuning: Tuning, login: Callable[[str], Login | None], reach: Reach) -> None:
        self._host = host
        self._base, *self._others = addresses
        self._deciding = threading.Lock()
        self._tuning = tuning
        self._pools = Pools(reach, own=addresses, connections=tuning.connections)
        self._read_timeout = urllib3.Timeout(connect=tuning.connect, read=tuning.read)
        self._upload_timeout = urllib3.Timeout(connect=tuning.connect, read=tuning.upload)
        self._authorizer = Authorizer(host, login=login, send=self._send_plain, allows=reach.allows)

    def retried(self, what: str, action: Callable[[], T]) -> T:
        """The result of `action`, tried again while it raises TransientError; UnusableError once that is enough."""
        try:
            return action()
        except TransientError as error:
            failed = [error]

        # The machinery costs as much as a small request, so it begins with the second try: the first one's failure is handed to it.
        def again() -> T:
            if failed:
                raise failed.pop()
            return action()

        return self._retrying(what)(again)

    def attempts(self, what: str) -> Iterator[tenacity.AttemptManager]:
        """The same for a body that cannot be a function: `for attempt in attempts(...): with attempt: ...`."""
        return iter(self._retrying(what))

    def send(self, ask: Ask) -> BaseHTTPResponse:
        """One exchange (with its redirects, and a second one where the registry wants a login). Raises TransientError, or UnusableError."""
        header = self._authorizer.header(ask.scopes, what=ask.what)
        response = self._followed(ask, header)
        if response.status == 401:
            header = self._answered(ask, response, header)
            response = self._followed(ask, header)
            if response.status == 401 and header.startswith("Basic "):
                self._answered(ask, response, header)  # raises: there is no other login to try
        if response.status in ask.allow:
            return response
        self._drain(response)
        raise from_status(response, host=self._host, what=ask.what)

    def resolve(self, relative_to: str, location: str) -> str:
        """A Location header as an absolute URL. Registries behind a proxy that ends TLS name themselves http: their host is still asked by TLS."""
        try:
            url = urlsplit(urljoin(urljoin(self._base, relative_to), location))
            port, own = _port(url), _port(urlsplit(self._base))
        except ValueError as error:
            raise unusable(f"{self._host} refers to {location!r}, which is no address: {error}", "this is a fault of the registry") from error
        same_port = port == own or (port == 80 and own == 443)
        if same_port and url.hostname == urlsplit(self._base).hostname:
            return urljoin(self._base, url._replace(scheme="", netloc="").geturl())
        return url.geturl()

    def _answered(self, ask: Ask, response: BaseHTTPResponse, refused: str | None) -> str:
        self._drain(response)
        challenge = challenge_of(response.headers.getlist("WWW-Authenticate"))
        if challenge is None:
            raise unusable(
                f"{self._host} wants a login to {ask.what} and offers no way that matrixbuild knows (basic, bearer)",
                "is there a proxy in between?",
                "auth",
            )
        return self._authorizer.answer(challenge, ask.scopes, refused=refused, what=ask.what)

    def _followed(self, ask: Ask, header: str | None) -> BaseHTTPResponse:
        url = ask.url
        for _ in range(_REDIRECTS + 1):
            response = self._exchange(ask, url, header if self._is_own(url) else None)
            location = response.headers.get("Location")
            if response.status not in (301, 302, 303, 307, 308) or ask.method not in ("GET", "HEAD") or not location:
                return response
            self._drain(response)
            url = self.resolve(url, location)
        summary = f"cannot {ask.what} at {self._host}: more than {_REDIRECTS} redirects, the last to {url}"
        raise unusable(summary, "look at the registry's configuration")

    def _drain(self, response: BaseHTTPResponse) -> None:
        """Read the body of a streamed answer that is not what was asked for: its connection is free again, its text there for the message."""
        try:
            _ = response.data
        except urllib3.exceptions.HTTPError as error:
            raise self.fault(error) from error

    def _is_own(self, url: str) -> bool:
        # The login goes to the registry alone, never to where it redirects.
        return url.startswith(("/", f"{self._base}/"))

    def _exchange(self, ask: Ask, url: str, header: str | None) -> BaseHTTPResponse:
        headers = dict(ask.headers)
        if header:
            headers["Authorization"] = header
        return self._send_raw(ask.method, url, headers, ask.body, stream=ask.stream)

    def _send_plain(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> BaseHTTPResponse:
        return self._send_raw(method, url, headers, (lambda: body) if body else None, stream=False)

    def _send_raw(self, method: str, url: str, headers: dict[str, str], body: Body | None, *, stream: bool) -> BaseHTTPResponse:
        def send(base: str, path: str) -> BaseHTTPResponse:
            return self._sent(method, base, path, headers, body, stream=stream)

        if not self._is_own(url):
            parts = urlsplit(url)
            return send(f"{parts.scheme}://{parts.netloc}", parts._replace(scheme="", netloc="").geturl() or "/")
        path = url.removeprefix(self._base)
        if self._others:
            with self._deciding:
                return self._decided(lambda base: send(base, path))
        return send(self._base, path)

    def _decided(self, send: Callable[[str], BaseHTTPResponse]) -> BaseHTTPResponse:
        """The first answer, from the first address or from the other one; from then on it is the registry's only one."""
        if not self._others:  # another thread was here first
            return send(self._base)
        first, second = self._base, self._others[0]
        try:
            response = send(first)
        except (TransientError, UnusableError) as error:
            if first.startswith("http:"):
                raise
            return self._without_tls(send, second, error)
        if first.startswith("http:") and response.status == 400:
            self._drain(response)
            if is_of_tls(response):
                response, first = send(second), second
        self._settle(first)
        return response

    def _without_tls(self, send: Callable[[str], BaseHTTPResponse], address: str, refused: Exception) -> BaseHTTPResponse:
        try:
            response = send(address)
        except TransientError as error:
            if str(refused) == str(error):
                raise
            reason = f"{error.reason} (without TLS; with it: {refused})"
            raise TransientError(reason, error.hint, retry_after=error.retry_after, status=error.status) from error
        self._settle(address)
        return response

    def _settle(self, address: str) -> None:
        # In this order: who sees no other address takes the base as it is.
        self._base = address
        self._others = []

    def _sent(self, method: str, base: str, path: str, headers: dict[str, str], body: Body | None, *, stream: bool) -> BaseHTTPResponse:
        timeout = self._upload_timeout if body else self._read_timeout
        try:
            way = self._pools.way(base, host=self._host)
            return way.pool.urlopen(
                method,
                way.prefix + path,
                body=body() if body else None,
                headers={"User-Agent": "matrixbuild", **headers},
                timeout=timeout,
                retries=_ONE_TRY,
                redirect=False,
                assert_same_host=False,
                preload_content=not stream,
                decode_content=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise self.fault(error, address=_address(base), uploading=body is not None) from error

    def fault(self, error: urllib3.exceptions.HTTPError, *, address: str = "", uploading: bool = False) -> TransientError:
        """A broken exchange as a TransientError; for the answers of `stream` asks, whose bodies break while they are read."""
        read = self._tuning.upload if uploading else self._tuning.read
        return from_exception(error, address=address or _address(self._base), timeouts=(self._tuning.connect, read))

    def _retrying(self, what: str) -> tenacity.Retrying:
        def give_up(state: tenacity.RetryCallState) -> NoReturn:
            raise self._given_up(what, state)

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TransientError),
            wait=self._wait,
            stop=self._patience,
            retry_error_callback=give_up,
            sleep=self._tuning.sleep,
        )

    def _patience(self, state: tenacity.RetryCallState) -> bool:
        """Whether it is enough."""
        asked = (_transient(state).retry_after or 0.0) > self._tuning.asked
        return asked or (tenacity.stop_after_attempt(self._tuning.attempts) | tenacity.stop_before_delay(self._tuning.total))(state)

    def _wait(self, state: tenacity.RetryCallState) -> float:
        backoff = min(self._tuning.first_wait * 2.0 ** (state.attempt_number - 1), self._tuning.longest_wait)
        wished = _transient(state).retry_after
        # A little more than asked, so that those who were refused together do not come back together.
        jitter = 1 + 0.1 * random.random()  # noqa: S311
        return max(backoff, wished or 0.0) * jitter

    def _given_up(self, what: str, state: tenacity.RetryCallState) -> Exception:
        fault = _transient(state)
        tries = "" if state.attempt_number == 1 else f", {state.attempt_number} times"
        asked = f", and asks to wait {fault.retry_after:g} s" if fault.retry_after and state.attempt_number < self._tuning.attempts else ""
        problem = Problem(summary=f"cannot {what} at {self._host}: {fault.reason}{tries}{asked}", hint=fault.hint, code="registry-unavailable")
        error = RegistryUnavailableError(problem, host=self._host, answered=bool(fault.status), retry_after=fault.asked)
        error.__cause__ = fault
        return error


def _port(url: SplitResult) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _address(base: str) -> str:
    """host:port of a URL, for messages."""
    url = urlsplit(base)
    return url.netloc if url.port else f"{url.netloc}:{_port(url)}"


def _transient(state: tenacity.RetryCallState) -> TransientError:
    fault = state.outcome.exception() if state.outcome else None
    if not isinstance(fault, TransientError):
        raise TypeError(f"only TransientError is tried again, not {fault!r}")
    return fault
