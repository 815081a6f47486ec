"""The server a failure is about: as the reference names it, before whatever stood in for it."""

from __future__ import annotations

import pytest

from matrixbuild.core.failures.hosts import host_of

HOSTS = {
    "failed to push 127.0.0.1:5098/x/y:1: unexpected status from GET request to http://auth.example.com/token: 500 x": "127.0.0.1:5098",
    'resolve image config for r.example.com/x:1: failed to do request: Head "https://mirror.example.com/v2/x": EOF': "r.example.com",
    'resolve image config for library/x:1: Head "https://registry-1.example.com/v2/library/x": EOF': "registry-1.example.com",
    "unexpected status code https://u:p@r.example.com:5000/v2/x/blobs/sha256:00: 502 Bad Gateway": "r.example.com:5000",
    'failed to do request: Head "https://[::1]:5000/v2/x": dial tcp [::1]:5000: connect: connection refused': "[::1]:5000",
    "dial tcp: lookup r.example.com on 10.0.0.2:53: no such host": "r.example.com",
    "dial tcp 10.0.0.1:443: i/o timeout": "10.0.0.1:443",
    "read tcp 10.0.0.1:39330->10.0.0.9:5098: read: connection reset by peer": "10.0.0.9:5098",
    'unable to lookup secret "TOKEN": not found': "",
    "failed to read expected number of bytes: unexpected EOF": "",
}


@pytest.mark.parametrize("message", HOSTS)
def test_host(message: str) -> None:
    assert host_of(message) == HOSTS[message]
