"""Texts of CAs -> where programs in a container look for those that they trust, besides the image's own."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from matrixbuild.core.client_container import Mount
from matrixbuild.core.names import sha256

_TRUSTED = "etc/ssl/certs"
"""A directory that Go reads as a whole; nothing has to be run in the container for that."""


def _name(text: str) -> str:
    return f"{_TRUSTED}/matrixbuild-{sha256(text.encode()).removeprefix('sha256:')[:16]}.pem"


def certificates_archive(texts: Iterable[str]) -> bytes:
    """A tar to unpack at a container's root."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for text in texts:
            data = text.encode()
            member = tarfile.TarInfo(_name(text))
            member.size, member.mode = len(data), 0o644
            archive.addfile(member, io.BytesIO(data))
    return held.getvalue()


def certificate_mounts(texts: Sequence[str], directory: Path) -> tuple[Mount, ...]:
    """Writes them into a directory, to be mounted one by one: what the image trusts stays. Raises OSError."""
    found = []
    for text in texts:
        file = directory / Path(_name(text)).name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(0o644)
        found.append(Mount(source=str(file), target=f"/{_name(text)}"))
    return tuple(found)
