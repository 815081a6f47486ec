from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from matrixbuild.adapters.engines.earthly.probing import Certificates, DeafError, probe
from matrixbuild.core.builder_address import Address
from matrixbuild.core.buildkit_call import Spoken
from tests.adapters.engines.earthly.listeners import buildkit, listening, nobody
from tests.certificates import Authority, authority

ANSWER = buildkit()
EARTHLY = Spoken(package="github.com/earthly/buildkit", version="v0.8.16")
STARTED = "start its buildkitd, or correct the address"
PORT = "is the port right? a buildkitd of Earthly or EarthBuild has to listen there"
SILENT = "does a buildkitd run behind that port? if it wants TLS, set `tls_enabled: true` under `global` in the configuration of the program"
PLAIN = "`tls_enabled: false` under `global` in the configuration of the program asks without; it, or certificates beside it, say with"
TLS = "set `tls_enabled: true` under `global` in the configuration of the program, and give it its certificates"


def deaf(address: Address, certificates: Certificates | None = None, *, seconds: float = 10) -> tuple[str, str, bool]:
    with pytest.raises(DeafError) as caught:
        probe(address, certificates, seconds=seconds)
    return caught.value.reason, caught.value.hint, caught.value.again


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


def serving(trusted: Authority, name: str = "IP:127.0.0.2") -> tuple[ssl.SSLContext, Certificates]:
    key, certificate = trusted.server(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2"])
    return context, Certificates(ca=trusted.certificate, cert=certificate, key=key)


def test_a_buildkit_says_who_it_is() -> None:
    with listening(ANSWER) as address:
        assert probe(address, None, seconds=10) == EARTHLY


def test_over_tls_likewise(trusted: Authority) -> None:
    context, certificates = serving(trusted)
    with listening(ANSWER, context=context) as address:
        assert probe(address, certificates, seconds=10) == EARTHLY


def test_nobody_there_is_told_at_once() -> None:
    assert deaf(nobody()) == ("refuses the connection", STARTED, True)


def test_a_name_that_nobody_knows_is_told() -> None:
    address = Address(text="tcp://no-such-host.invalid:1", scheme="tcp", host="no-such-host.invalid", port=1)
    assert deaf(address) == ("has a name that cannot be resolved", "correct it, or the network", True)


def test_silence_ends_in_time() -> None:
    with listening(None) as address:
        assert deaf(address, seconds=0.2) == ("does not answer within 0.2 s", "does it run, and may it be reached from here?", True)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ("is a web server, no BuildKit", PORT, False)),
        (b"\x15\x03\x03\x00\x02\x02\x16", ("wants TLS", TLS, False)),
        (b"hello, this is another protocol", ("is no BuildKit", PORT, False)),
        (b"", ("closes the connection without a word", SILENT, True)),
    ],
)
def test_something_else_is_told(answer: bytes, told: tuple[str, str, bool]) -> None:
    with listening(answer) as address:
        assert deaf(address) == told


def test_a_builder_without_tls_is_told_where_tls_is_wanted(trusted: Authority) -> None:
    _, certificates = serving(trusted)
    with listening(ANSWER) as address:
        assert deaf(address, certificates) == ("does not speak TLS", PLAIN, False)


def test_a_certificate_for_another_host_is_told(trusted: Authority) -> None:
    context, certificates = serving(trusted, "IP:127.0.0.9")
    with listening(ANSWER, context=context) as address:
        assert deaf(address, certificates) == (
            "shows a certificate that is not trusted: IP address mismatch, certificate is not valid for '127.0.0.2'",
            "tlsca under `global` in the configuration of the program names the CA",
            False,
        )


def test_certificates_that_are_not_there_are_told(tmp_path: Path) -> None:
    certificates = Certificates(ca=tmp_path / "ca.pem", cert=tmp_path / "cert.pem", key=tmp_path / "key.pem")
    assert certificates.missing == (tmp_path / "ca.pem", tmp_path / "cert.pem", tmp_path / "key.pem")
    reason = f"cannot be asked over TLS: {tmp_path} has no certificates that can be used (No such file or directory)"
    assert deaf(nobody(), certificates) == (reason, "tlsca, tlscert and tlskey under `global` name others", False)
