"""Words of EXPOSE."""

from __future__ import annotations

import re

import pytest

from matrixbuild.core.earthfile.ports import exposed


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("80",), {"80/tcp"}),
        (("80/UDP", "80"), {"80/udp", "80/tcp"}),
        (("8000-8002",), {"8000/tcp", "8001/tcp", "8002/tcp"}),
        (("127.0.0.1:8080:80/sctp",), {"80/sctp"}),
        (("8080:80",), {"80/tcp"}),
        (("80/",), {"80/tcp"}),
        (("9000-9010:80",), {"80/tcp"}),
    ],
)
def test_ports(words: tuple[str, ...], expected: set[str]) -> None:
    assert exposed(words) == expected


@pytest.mark.parametrize(
    ("word", "summary"),
    [
        ("abc", "'abc' is not a port such as 80 or 80-90/udp"),
        ("", "'' is not a port such as 80 or 80-90/udp"),
        ("80/icmp", "'80/icmp' is not a port such as 80 or 80-90/udp"),
        ("80-", "'80-' is not a port such as 80 or 80-90/udp"),
        ("90-80", "'90-80' is not a range of ports: it ends before it begins or beyond 65535"),
        ("65536", "'65536' is not a range of ports: it ends before it begins or beyond 65535"),
        ("1-3:10-11", "'1-3:10-11' has ranges of different lengths"),
        ("::1:80:80", "'::1:80:80' does not begin with the address of a host"),
        ("host:80:80", "'host:80:80' does not begin with the address of a host"),
        ("[1:80:80", "'[1:80:80' does not begin with the address of a host"),
    ],
)
def test_what_is_no_port(word: str, summary: str) -> None:
    with pytest.raises(ValueError, match=re.escape(summary)) as caught:
        exposed((word,))
    assert str(caught.value) == summary
