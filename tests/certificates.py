"""Certificates for tests, made by openssl: an authority that no system knows, and servers it vouches for."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.services import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """An authority whose key and certificate are below `root`."""

    root: Path

    @property
    def certificate(self) -> Path:
        return self.root / "ca.pem"

    def server(self, *names: str) -> tuple[Path, Path]:
        """The files of a key and a certificate for a server of these names (`DNS:...` or `IP:...`)."""
        key, asked, signed, extensions = (self.root / f"server.{end}" for end in ("key", "csr", "pem", "ext"))
        extensions.write_text(f"subjectAltName={','.join(names)}\nextendedKeyUsage=serverAuth\nauthorityKeyIdentifier=keyid\n")
        _openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=a registry", "-keyout", key, "-out", asked)
        by = ("-CA", self.certificate, "-CAkey", self.root / "ca.key", "-CAcreateserial")
        _openssl("x509", "-req", "-days", "2", "-in", asked, *by, "-extfile", extensions, "-out", signed)
        return key, signed


def authority(root: Path) -> Authority:
    made = Authority(root=root)
    usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    _openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=an authority of tests", *usage),
        *("-keyout", root / "ca.key", "-out", made.certificate),
    )
    return made


def _openssl(*words: str | Path) -> None:
    subprocess.run([require("openssl"), *map(str, words)], check=True, capture_output=True)
