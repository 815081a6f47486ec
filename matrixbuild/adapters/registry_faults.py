"""What goes wrong between us and a registry -> one sentence and a hint, and whether trying again can help."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from urllib3 import exceptions
from urllib3.response import BaseHTTPResponse

from matrixbuild.core.problems import Problem, UnusableError

_TRANSIENT_TLS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
_NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL", "HTTP_REQUEST")
_WANTS_TLS = re.compile(rb"HTTPS server|HTTPS port|SSL-enabled")
_TUNNEL = re.compile(r"Tunnel connection failed: (\d+) ?(.*)")
_PROXY_HINT = "look at HTTP_PROXY and HTTPS_PROXY; NO_PROXY names hosts that are asked without, network: {proxy: none} asks all so"
_LIMITED = 429


class TransientError(Exception):
    """Trying again may help: the rest of the sentence, its hint, and how many seconds the registry asks us to wait (None: it does not say). `status`
    is that of its answer, 0 where there was none."""

    def __init__(self, reason: str, hint: str, *, retry_after: float | None = None, status: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.retry_after = retry_after
        self.status = status

    @property
    def asked(self) -> float | None:
        """The same; 0 where it limits requests and does not say how long."""
        return 0.0 if self.retry_after is None and self.status == _LIMITED else self.retry_after


def unusable(summary: str, hint: str, code: str = "registry") -> UnusableError:
    return UnusableError(Problem(summary=summary, hint=hint, code=code))


def from_exception(error: exceptions.HTTPError, *, address: str, timeouts: tuple[float, float]) -> TransientError:
    """A failed exchange as a reason; raises UnusableError where trying again cannot help (TLS). `timeouts`: connect, read; `address`: host:port."""
    cause = _root(error)
    if isinstance(error, exceptions.SSLError) and not isinstance(cause, _TRANSIENT_TLS):
        raise _tls(cause, address) from error
    return _proxy(cause, address) if isinstance(error, exceptions.ProxyError) else _broken(error, cause, address, timeouts)


def _broken(error: exceptions.HTTPError, cause: BaseException, address: str, timeouts: tuple[float, float]) -> TransientError:
    if isinstance(error, exceptions.NameResolutionError):
        return TransientError(f"the name of {address} cannot be resolved", "correct the registry's name, or the network")
    if isinstance(error, exceptions.ReadTimeoutError):
        return TransientError(f"{address} sends nothing for {timeouts[1]:g} s", "look at the registry's log")
    if isinstance(cause, ConnectionRefusedError):
        return TransientError(f"{address} refuses the connection", "start the registry, or correct its name")
    # urllib3 calls any connection that cannot be made a ConnectTimeoutError.
    if isinstance(error, exceptions.ConnectTimeoutError) and isinstance(cause, TimeoutError | exceptions.ConnectTimeoutError):
        return TransientError(f"{address} does not accept a connection within {timeouts[0]:g} s", "is the registry up, and reachable from here?")
    if isinstance(cause, http.client.IncompleteRead):
        return TransientError(f"the answer of {address} ends too early", "look at the network and the registry's log")
    return TransientError(f"the connection to {address} broke ({_words(cause)})", "look at the network and the registry's log")


def from_status(response: BaseHTTPResponse, *, host: str, what: str, who: str = "the registry") -> Exception:
    """An answer that is neither what was asked for nor "not there": TransientError for 429 and 5xx, else UnusableError."""
    status = f"{response.status} {response.reason or ''}".strip()
    told = _told(response)
    if response.status == _LIMITED:
        hint = f"wait, or `docker login {host}` for a higher limit"
        return TransientError(f"{who} limits requests ({status}{told})", hint, retry_after=_wait(response), status=response.status)
    if response.status >= 500:
        hint = f"look at the log of {who}"
        return TransientError(f"{who} answers {status}{told}", hint, retry_after=_wait(response), status=response.status)
    if response.status == 407:
        return unusable(f"the proxy on the way to {host} wants a login ({status}{told})", _PROXY_HINT, "proxy")
    if response.status in (401, 403):
        return unusable(f"{host} forbids to {what} ({status}{told})", f"`docker login {host}` with an account that may", "auth")
    return unusable(f"cannot {what} at {host}: {who} answers {status}{told}", "is this an OCI registry, and the name right?")


def doubt(response: BaseHTTPResponse) -> TransientError | None:
    """A manifest refused because of parts that the registry does not find (MANIFEST_BLOB_UNKNOWN of the distribution specification): a reason to try
    again for who knows that they are there. None for any other refusal."""
    if all(error.get("code") != "MANIFEST_BLOB_UNKNOWN" for error in _errors(response)):
        return None
    status = f"{response.status} {response.reason or ''}".strip()
    reason = f"the registry answers {status}{_told(response)}, and has all parts of this manifest"
    return TransientError(reason, "look at the log of the registry", status=response.status)


def _tls(cause: BaseException, address: str) -> UnusableError:
    if any(word in str(cause) for word in _NOT_TLS):
        hint = f'give it TLS, or list it in the manifest: network: {{insecure: ["{address}"]}}'
        return unusable(f"{address} does not speak TLS", hint, "insecure")
    if isinstance(cause, ssl.SSLCertVerificationError):
        hint = "name the file of its CA in the manifest, network: {ca: [FILE]}, or add it to those of this machine"
        return unusable(f"the certificate of {address} is not trusted: {cause.verify_message}", hint)
    return unusable(f"TLS with {address} fails: {_words(cause)}", "look at the registry's TLS configuration")


def _proxy(cause: BaseException, address: str) -> TransientError:
    """The proxy could not be reached, or made no way to the registry. Raises UnusableError where it wants a login or forbids it."""
    if found := _TUNNEL.search(str(cause)):
        if found[1] in ("403", "407"):
            raise unusable(f"the proxy on the way to {address} refuses: {found[1]} {found[2]}".rstrip(), _PROXY_HINT, "proxy")
        return TransientError(f"the proxy on the way to {address} answers {found[1]} {found[2]}".rstrip(), _PROXY_HINT)
    return TransientError(f"the proxy on the way to {address} cannot be reached ({_words(cause)})", _PROXY_HINT)


def is_of_tls(response: BaseHTTPResponse) -> bool:
    """Whether an answer to a plain request is that of a server that wants TLS: Go's, nginx's and Apache's in their words."""
    return bool(_WANTS_TLS.search(response.data))


def _root(error: BaseException) -> BaseException:
    """The innermost error: urllib3 keeps it as `reason`, as an argument, or as the cause."""
    while True:
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((argument for argument in error.args if isinstance(argument, BaseException)), error.__cause__)
        if inner is None:
            return error
        error = inner


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and not isinstance(error, socket.gaierror) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def _told(response: BaseHTTPResponse) -> str:
    """What the registry itself says, after a colon."""
    said = [str(error.get("message") or error.get("code") or "") for error in _errors(response)[:1]]
    return f": {' '.join(said[0].split())[:300]}" if said and said[0] else ""


def _errors(response: BaseHTTPResponse) -> list[dict[str, object]]:
    """Registries answer {"errors": [{"code": ..., "message": ...}]}; nothing where this one does not."""
    try:
        found = json.loads(response.data)["errors"]
        return [error for error in found if isinstance(error, dict)]
    except (ValueError, LookupError, TypeError):
        return []


def _wait(response: BaseHTTPResponse) -> float | None:
    """Retry-After in seconds from now: a number, or a date (then told by the server's own clock where it sends one)."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdigit():
        return float(value)
    until = _date(value)
    if until is None:
        return None
    return max(0.0, (until - (_date(response.headers.get("Date", "")) or datetime.now(UTC))).total_seconds())


def _date(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(value)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
