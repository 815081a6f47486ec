"""What a manifest says of its network, and the environment's proxies -> how each host is reached."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from matrixbuild.core.declared import Text
from matrixbuild.core.problems import InvalidError, Problem
from matrixbuild.core.surroundings import Network

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxies:
    """URLs of the proxies for http and https ("" for none); `without` is NO_PROXY: names, domains, addresses and networks, by commas."""

    http: str = ""
    https: str = ""
    without: str = ""

    def of(self, url: str) -> str:
        """The proxy for a URL, or "". This machine is never asked through one: its name means another machine there."""
        parts = urlsplit(url)
        proxy = self.https if parts.scheme == "https" else self.http
        host = parts.hostname or ""
        if not proxy or is_loopback(host) or self._excepted(host, parts.port or _PORTS[parts.scheme]):
            return ""
        return proxy if "://" in proxy else f"http://{proxy}"

    def _excepted(self, host: str, port: int) -> bool:
        address = _address(host)
        names = [name.strip().lower().removeprefix("*").removeprefix(".") for name in self.without.split(",") if name.strip()]
        if any(name in ("", host, f"{host}:{port}") or host.endswith(f".{name}") for name in names):
            return True
        return address is not None and any(address in network for name in names for network in _networks(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How hosts are reached: `insecure` are `host` or `host:port`, lower-case, `ca` files of certificates that are trusted beside the system's."""

    insecure: frozenset[str] = frozenset()
    ca: tuple[Path, ...] = ()
    proxies: Proxies = Proxies()

    def is_insecure(self, url: str) -> bool:
        """Whether a URL's host may do without TLS, and show a certificate that nobody vouches for. An entry without port means all of them."""
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        ports = [parts.port] if parts.port else sorted(_PORTS.values())
        return not self.insecure.isdisjoint({host, *(f"{host}:{port}" for port in ports)})

    def addresses(self, endpoint: str) -> tuple[str, ...]:
        """The URLs at which a registry (`host[:port]`) may be, in the order they are tried: an insecure one is asked for TLS first, as by Docker."""
        tls, plain = f"https://{endpoint}", f"http://{endpoint}"
        if self.is_insecure(tls):
            return tls, plain
        return (plain, tls) if is_loopback(urlsplit(plain).hostname or "") else (tls,)

    def allows(self, url: str) -> bool:
        """Whether a URL may be asked: by TLS, on this machine, or at a host that is listed."""
        return url.startswith("https:") or is_loopback(urlsplit(url).hostname or "") or self.is_insecure(url)


def reach_of(network: Network, *, base: Path, environ: Mapping[str, str] = os.environ) -> Reach:
    """How a manifest's registries are reached; `base` is its directory. Raises InvalidError for each file of `ca` that holds no certificate."""
    if problems := [problem for entry in network.ca if (problem := _mistake(entry, base / entry.value))]:
        raise InvalidError(*problems)
    return Reach(
        insecure=frozenset(entry.value.lower() for entry in network.insecure),
        ca=tuple(base / entry.value for entry in network.ca),
        proxies=_proxies(environ) if network.proxies else Proxies(),
    )


def is_loopback(host: str) -> bool:
    """Whether a host name (no port) is this machine: localhost, 127.0.0.0/8, ::1."""
    bare = host.strip("[]").lower()
    parts = bare.split(".")
    return bare in ("localhost", "::1") or (len(parts) == 4 and parts[0] == "127" and all(part.isdigit() and int(part) < 256 for part in parts))


def _proxies(environ: Mapping[str, str]) -> Proxies:
    def word(name: str) -> str:
        # Lower case first, as curl and Go do.
        return (environ.get(name) or environ.get(name.upper()) or "").strip()

    # In a CGI program HTTP_PROXY is the `Proxy` header of whoever asks; the lower-case name cannot be.
    http = environ.get("http_proxy", "").strip() if "REQUEST_METHOD" in environ else word("http_proxy")
    return Proxies(http=http, https=word("https_proxy"), without=word("no_proxy"))


def _mistake(entry: Text, path: Path) -> Problem | None:
    # Only manifests that name files pay for it.
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        reason, hint = "holds no certificate in PEM form", "it begins with -----BEGIN CERTIFICATE-----; openssl x509 makes one of other forms"
    except OSError as error:
        reason, hint = f"cannot be read: {(error.strerror or str(error)).lower()}", f"it is looked for at {path}"
    else:
        return None
    return Problem(summary=f"network.ca: {entry.value} {reason}", place=entry.place, hint=hint, code="ca-file")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _networks(name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    try:
        return [ipaddress.ip_network(name.strip("[]"), strict=False)]
    except ValueError:
        return []
