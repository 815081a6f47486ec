"""A builder's address -> the BuildKit that listens there, or why none does: asked directly, since the program would take up to 60 s to tell."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from matrixbuild.adapters.bounded import within
from matrixbuild.core.builder_address import Address
from matrixbuild.core.buildkit_call import Spoken, Stranger, heard, question

_READ = 1 << 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """The files with which the client shows itself, and by which it knows the builder."""

    ca: Path
    cert: Path
    key: Path

    @property
    def missing(self) -> tuple[Path, ...]:
        return tuple(path for path in (self.ca, self.cert, self.key) if not path.is_file())


class DeafError(Exception):
    """No BuildKit answers: the reason goes on a sentence that begins with the address; `again`: it may answer later."""

    def __init__(self, reason: str, hint: str, *, again: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.again = again


_NOT_BUILDKIT = "is the port right? a buildkitd of Earthly or EarthBuild has to listen there"
_PLAIN_HINT = "`tls_enabled: false` under `global` in the configuration of the program asks without; it, or certificates beside it, say with"
_TLS_HINT = "set `tls_enabled: true` under `global` in the configuration of the program, and give it its certificates"
_SILENT_HINT = "does a buildkitd run behind that port? if it wants TLS, set `tls_enabled: true` under `global` in the configuration of the program"
_NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL", "HTTP_REQUEST")


def probe(address: Address, certificates: Certificates | None, *, seconds: float) -> Spoken:
    """Who listens at a tcp address, over TLS where there are certificates. Raises DeafError, after `seconds` at the latest."""
    try:
        return within(seconds, lambda: _asked(address, certificates, until=time.monotonic() + seconds))
    except TimeoutError:
        raise DeafError(f"does not answer within {seconds:g} s", "does it run, and may it be reached from here?") from None


def _asked(address: Address, certificates: Certificates | None, *, until: float) -> Spoken:
    context = _context(certificates) if certificates else None
    with _told(), socket.create_connection((address.host, address.port), timeout=_left(until)) as plain:
        if context is None:
            return _spoken(plain, address, until)
        with context.wrap_socket(plain, server_hostname=address.host) as wrapped:
            return _spoken(wrapped, address, until)


def _context(certificates: Certificates) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=certificates.ca)
        context.load_cert_chain(certificates.cert, certificates.key)
    except OSError as error:  # ssl.SSLError is one
        reason = f"cannot be asked over TLS: {certificates.ca.parent} has no certificates that can be used ({error.strerror or error})"
        raise DeafError(reason, "tlsca, tlscert and tlskey under `global` name others", again=False) from error
    context.set_alpn_protocols(["h2"])
    return context


def _spoken(connection: socket.socket, address: Address, until: float) -> Spoken:
    connection.sendall(question(f"{address.host}:{address.port}"))
    data, ended = b"", False
    while (found := heard(data, ended=ended)) is None:
        connection.settimeout(_left(until))
        piece = connection.recv(_READ)
        data, ended = data + piece, not piece
    if isinstance(found, Stranger):
        raise DeafError(found.reason, _TLS_HINT if found.tls else _SILENT_HINT if found.again else _NOT_BUILDKIT, again=found.again)
    return found


def _left(until: float) -> float:
    return max(0.001, until - time.monotonic())


@contextmanager
def _told() -> Iterator[None]:
    """What a connection can come to, in words."""
    try:
        yield
    except TimeoutError:
        raise
    except socket.gaierror as error:
        raise DeafError("has a name that cannot be resolved", "correct it, or the network") from error
    except ConnectionRefusedError as error:
        raise DeafError("refuses the connection", "start its buildkitd, or correct the address") from error
    except ssl.SSLCertVerificationError as error:
        reason = f"shows a certificate that is not trusted: {error.verify_message.rstrip('.')}"
        raise DeafError(reason, "tlsca under `global` in the configuration of the program names the CA", again=False) from error
    except ssl.SSLError as error:
        words = (error.reason or str(error)).lower().replace("_", " ")
        reason = "does not speak TLS" if any(word in str(error) for word in _NOT_TLS) else f"cannot be asked over TLS: {words}"
        raise DeafError(reason, _PLAIN_HINT, again=False) from error
    except OSError as error:
        reason = f"cannot be reached: {(error.strerror or str(error)).lower()}"
        raise DeafError(reason, "does it run, and may it be reached from here?") from error
