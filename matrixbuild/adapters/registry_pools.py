"""A URL -> the connections that lead there: with which certificates, and through which proxy."""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import urllib3

from matrixbuild.adapters.network import Reach
from matrixbuild.adapters.registry_faults import unusable


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Pooled connections to one host. `prefix` stands before the path of every request: a proxy that is asked without a tunnel wants whole URLs."""

    pool: urllib3.HTTPConnectionPool
    prefix: str = ""


class Pools:
    """All connections of one registry's client: to the registry itself (at `own` URLs), and to wherever it refers. Safe for many threads."""

    def __init__(self, reach: Reach, *, own: tuple[str, ...], connections: int) -> None:
        self._reach = reach
        self._own = frozenset(own)
        self._connections = connections
        self._lock = threading.Lock()
        self._ways: dict[str, Way] = {}
        self._managers: dict[tuple[bool, bool, str], urllib3.PoolManager] = {}

    def way(self, url: str, *, host: str) -> Way:
        """The way to the host of a URL; `host` is the registry, for messages. Raises UnusableError where the URL may not be asked, or the
        proxy's is wrong."""
        known = self._ways.get(url)
        return known or self._new(url, host)

    def _new(self, url: str, host: str) -> Way:
        parts = urlsplit(url)
        if not self._reach.allows(url):
            hint = f'give it TLS, or list it in the manifest: network: {{insecure: ["{parts.netloc}"]}}'
            raise unusable(f"{host} refers to {parts.scheme}://{parts.netloc}, which is asked without TLS", hint, "insecure")
        proxy = self._reach.proxies.of(url)
        pool = self._manager(url, proxy).connection_from_url(url)
        way = Way(pool=pool, prefix=f"{parts.scheme}://{parts.netloc}" if proxy and parts.scheme == "http" else "")
        if url in self._own:
            self._ways[url] = way
        return way

    def _manager(self, url: str, proxy: str) -> urllib3.PoolManager:
        # A manager closes the least used of too many hosts: never the registry itself, which therefore has one of its own.
        key = (not self._reach.is_insecure(url), url in self._own, proxy)
        with self._lock:
            if key not in self._managers:
                self._managers[key] = self._made(proxy, verified=key[0])
            return self._managers[key]

    def _made(self, proxy: str, *, verified: bool) -> urllib3.PoolManager:
        if not verified:
            # The manifest's author has been told what it means; a warning for each connection would say it to nobody.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        context = self._context(verified=verified)
        if not proxy:
            return urllib3.PoolManager(num_pools=8, maxsize=self._connections, ssl_context=context)
        return _proxied(proxy, num_pools=8, maxsize=self._connections, ssl_context=context, proxy_ssl_context=self._context(verified=True))

    def _context(self, *, verified: bool) -> ssl.SSLContext:
        # urllib3's own settings, made once: left to it, each connection reads the system's certificates anew.
        context = urllib3.util.create_urllib3_context()
        if not verified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        context.load_default_certs()
        for file in self._reach.ca:
            context.load_verify_locations(cafile=file)
        return context


def _proxied(url: str, **settings: object) -> urllib3.ProxyManager:
    """A manager that asks through the proxy at `url`, which may hold name and password for it."""
    parts = urlsplit(url)
    account = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    if parts.scheme not in ("http", "https") or not parts.hostname:
        hint = "write http://host:port into HTTP_PROXY and HTTPS_PROXY, or do without: network: {proxy: none}"
        raise unusable(f"the proxy {bare} of the environment is no proxy that matrixbuild knows", hint, "proxy")
    return urllib3.ProxyManager(bare, proxy_headers=urllib3.make_headers(proxy_basic_auth=account) if account else None, **settings)  # type: ignore[arg-type]
