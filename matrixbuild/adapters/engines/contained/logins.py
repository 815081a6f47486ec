"""The logins of a user for some registries -> a Docker config that holds them itself: helpers of this machine are none in a container."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from matrixbuild.adapters.docker_config import docker_login
from matrixbuild.adapters.registry_auth import Login

_FRESH = 300.0
"""Seconds for which a login is taken for good: helpers of clouds give such as last an hour."""
_HUB = "https://index.docker.io/v1/"
_HUBS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})


class Logins:
    """A config.json in a private directory, made anew every now and then. Any thread may call `refresh`."""

    def __init__(self, directory: Path, hosts: Iterable[str], login: Callable[[str], Login | None] = docker_login) -> None:
        self.directory = directory
        self._hosts = sorted({_HUB if (name := _host(host)) in _HUBS else name for host in hosts})
        self._login = login
        self._lock = threading.Lock()
        self._written: float | None = None

    def refresh(self) -> None:
        """Write it, unless that is not long ago. Raises UnusableError where a helper fails, OSError where nothing can be written."""
        with self._lock:
            if self._written is None or time.monotonic() - self._written > _FRESH:
                self._write()
                self._written = time.monotonic()

    def _write(self) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = {host: login for host in self._hosts if (login := self._login(host))}
        auths = {host: _entry(login) for host, login in found.items()}
        new = self.directory / "config.json.new"
        with open(new, "w", encoding="utf-8", opener=_private) as file:
            json.dump({"auths": auths}, file)
        # Somebody may be reading it.
        new.replace(self.directory / "config.json")


def _host(written: str) -> str:
    """`https://registry.example.com/v1/`, as old entries are written, is the registry of that name."""
    return written.partition("://")[2].partition("/")[0] if "://" in written else written


def _entry(login: Login) -> dict[str, str]:
    auth = base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
    return {"auth": auth} if not login.identity_token else {"auth": base64.b64encode(b"<token>:").decode(), "identitytoken": login.identity_token}


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
