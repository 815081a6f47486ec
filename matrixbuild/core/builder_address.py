"""The address of a builder as a person writes it -> its parts, or what is wrong with it, as both Earthly and EarthBuild read addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass

TCP = "tcp"
_CONTAINERS = ("docker-container", "podman-container")
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):([0-9]{1,5})")
_CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
# What Earthly takes for a daemon that it has to start in Docker by itself, whatever listens there.
_MANAGED = frozenset({"127.0.0.1", "localhost", "[::1]"})
_EXAMPLE = 'for example "tcp://builder.example.com:8372"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A builder's address: `text` is what the program is given. A container has a name as `host`, and no port (0)."""

    text: str
    scheme: str
    host: str
    port: int = 0

    @property
    def remote(self) -> bool:
        """Whether it is asked over the network; else the program goes through Docker or Podman to it."""
        return self.scheme == TCP


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """What is wrong with an address: one sentence about it, and a hint. `managed`: Earthly takes it for a daemon that it starts itself."""

    summary: str
    hint: str
    managed: bool = False


def read_address(text: str) -> Address | Mistake:
    """`tcp://HOST:PORT` of a BuildKit that runs, or `docker-container://NAME` (`podman-container://NAME`)."""
    found = _ADDRESS.fullmatch(text)
    if not found:
        hint = f'write "tcp://{text}"' if _HOST_PORT.fullmatch(text) else _EXAMPLE
        return Mistake(summary=f"{text!r} is no address of a builder: it has no scheme", hint=hint)
    scheme, rest = found[1].lower(), found[2].removesuffix("/")
    if scheme in _CONTAINERS:
        return _container(text, scheme, rest)
    if scheme != TCP:
        return Mistake(summary=f"{text!r} is no address of a builder: Earthly knows tcp:// and docker-container://, not {scheme}://", hint=_EXAMPLE)
    return _over_network(text, rest)


def _container(text: str, scheme: str, name: str) -> Address | Mistake:
    if not _CONTAINER.fullmatch(name):
        return Mistake(summary=f"{text!r} is no address of a builder: {name!r} cannot be the name of a container", hint=_EXAMPLE)
    return Address(text=f"{scheme}://{name}", scheme=scheme, host=name)


def _over_network(text: str, rest: str) -> Address | Mistake:
    found = _HOST_PORT.fullmatch(rest)
    if not found:
        return Mistake(summary=f"{text!r} is no address of a builder: after tcp:// come a host, a colon and a port", hint=_EXAMPLE)
    host, port = found[1].lower(), int(found[2])
    if not 0 < port < 1 << 16:
        return Mistake(summary=f"{text!r} is no address of a builder: {port} is no port", hint=_EXAMPLE)
    if host in _MANAGED:
        summary = f"{text!r} cannot be a builder: Earthly takes {host} for a daemon that it starts itself, in Docker"
        hint = f'write the name of this machine, "tcp://127.0.0.2:{port}" or "tcp://0.0.0.0:{port}"'
        return Mistake(summary=summary, hint=hint, managed=True)
    return Address(text=f"{TCP}://{host}:{port}", scheme=TCP, host=host.strip("[]"), port=port)
