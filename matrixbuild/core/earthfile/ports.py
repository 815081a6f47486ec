"""The words of an EXPOSE in, the ports an image configuration names out."""

from __future__ import annotations

from ipaddress import ip_address

_PROTOCOLS = ("tcp", "udp", "sctp")


def exposed(words: tuple[str, ...]) -> frozenset[str]:
    """`8000-8001/udp` as `8000/udp` and `8001/udp`; a host's address and port before the last colon are read and dropped, as Docker does.

    Raises ValueError with one sentence.
    """
    return frozenset(port for word in words for port in _one(word))


def _one(word: str) -> list[str]:
    spec, slash, protocol = word.partition("/")
    protocol = protocol.lower() if slash and protocol else "tcp"
    host, _, container = spec.rpartition(":")
    if not container or protocol not in _PROTOCOLS:
        raise ValueError(f"{word!r} is not a port such as 80 or 80-90/udp")
    ports = _range(container, word)
    address, _, host_ports = host.rpartition(":")
    _check_address(address, word)
    if host_ports:
        published = _range(host_ports, word)
        if len(published) != len(ports) and len(ports) != 1:
            raise ValueError(f"{word!r} has ranges of different lengths")
    return [f"{port}/{protocol}" for port in ports]


def _check_address(text: str, word: str) -> None:
    """One with colons in it stands in brackets."""
    bracketed = text.startswith("[") and text.endswith("]")
    address = text[1:-1] if bracketed else text
    if address and not (_is_address(address) and (bracketed or ":" not in address)):
        raise ValueError(f"{word!r} does not begin with the address of a host")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _range(text: str, word: str) -> range:
    start, dash, end = text.partition("-")
    if not (start.isascii() and start.isdecimal() and (not dash or (end.isascii() and end.isdecimal()))):
        raise ValueError(f"{word!r} is not a port such as 80 or 80-90/udp")
    first, last = int(start), int(end) if dash else int(start)
    if first > last or last > 65535:
        raise ValueError(f"{word!r} is not a range of ports: it ends before it begins or beyond 65535")
    return range(first, last + 1)
