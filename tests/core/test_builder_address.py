from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.builder_address import Address, Mistake, read_address

EXAMPLE = 'for example "tcp://builder.example.com:8372"'


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("tcp://builder:8372", Address(text="tcp://builder:8372", scheme="tcp", host="builder", port=8372)),
        ("TCP://Builder.Example.com:1/", Address(text="tcp://builder.example.com:1", scheme="tcp", host="builder.example.com", port=1)),
        ("tcp://127.0.0.2:8372", Address(text="tcp://127.0.0.2:8372", scheme="tcp", host="127.0.0.2", port=8372)),
        ("tcp://0.0.0.0:8372", Address(text="tcp://0.0.0.0:8372", scheme="tcp", host="0.0.0.0", port=8372)),
        ("tcp://[2001:db8::1]:65535", Address(text="tcp://[2001:db8::1]:65535", scheme="tcp", host="2001:db8::1", port=65535)),
        (
            "docker-container://earthly-buildkitd",
            Address(text="docker-container://earthly-buildkitd", scheme="docker-container", host="earthly-buildkitd"),
        ),
        ("podman-container://b_1", Address(text="podman-container://b_1", scheme="podman-container", host="b_1")),
    ],
)
def test_an_address_is_read(text: str, address: Address) -> None:
    assert read_address(text) == address
    assert address.remote == text.lower().startswith("tcp")


@pytest.mark.parametrize(
    ("text", "summary", "hint"),
    [
        ("builder:8372", "'builder:8372' is no address of a builder: it has no scheme", 'write "tcp://builder:8372"'),
        ("", "'' is no address of a builder: it has no scheme", EXAMPLE),
        ("tcp://builder", "'tcp://builder' is no address of a builder: after tcp:// come a host, a colon and a port", EXAMPLE),
        ("tcp://:8372", "'tcp://:8372' is no address of a builder: after tcp:// come a host, a colon and a port", EXAMPLE),
        ("tcp://b:8372/x", "'tcp://b:8372/x' is no address of a builder: after tcp:// come a host, a colon and a port", EXAMPLE),
        ("tcp://u:p@b:8372", "'tcp://u:p@b:8372' is no address of a builder: after tcp:// come a host, a colon and a port", EXAMPLE),
        ("tcp://b:0", "'tcp://b:0' is no address of a builder: 0 is no port", EXAMPLE),
        ("tcp://b:65536", "'tcp://b:65536' is no address of a builder: 65536 is no port", EXAMPLE),
        ("unix:///run/b.sock", "'unix:///run/b.sock' is no address of a builder: Earthly knows tcp:// and docker-container://, not unix://", EXAMPLE),
        ("docker-container://", "'docker-container://' is no address of a builder: '' cannot be the name of a container", EXAMPLE),
        ("docker-container://a b", "'docker-container://a b' is no address of a builder: 'a b' cannot be the name of a container", EXAMPLE),
    ],
)
def test_what_is_none_is_told(text: str, summary: str, hint: str) -> None:
    assert read_address(text) == Mistake(summary=summary, hint=hint)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LocalHost"])
def test_what_earthly_would_start_itself_is_no_builder(host: str) -> None:
    told = read_address(f"tcp://{host}:8372")
    assert told == Mistake(
        summary=f"'tcp://{host}:8372' cannot be a builder: Earthly takes {host.lower()} for a daemon that it starts itself, in Docker",
        hint='write the name of this machine, "tcp://127.0.0.2:8372" or "tcp://0.0.0.0:8372"',
        managed=True,
    )


@given(st.text() | st.from_regex(r"(tcp|unix|docker-container)://\S*"))
def test_any_text_is_an_address_or_a_mistake_and_an_address_reads_back(text: str) -> None:
    found = read_address(text)
    assert isinstance(found, Mistake) or read_address(found.text) == found
