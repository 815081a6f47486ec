"""Names of images, platforms and digests: parsed once, printed back."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Self

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
LAYOUT_PREFIX = "oci-layout:"
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")


def sha256(data: bytes) -> str:
    """`sha256:<hex>` of `data`."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def short(digest: str) -> str:
    """Enough of `sha256:<hex>` to tell two apart, for people."""
    return digest[: len("sha256:") + 12]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Platform:
    """`os/architecture[/variant]` as Earthly and OCI write it."""

    os: str = "linux"
    architecture: str = "amd64"
    variant: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """`linux/arm64/v8` -> Platform; ValueError where the form is another."""
        parts = text.split("/")
        if len(parts) not in (2, 3) or not all(parts):
            raise ValueError(f"{text!r} is not a platform such as linux/amd64")
        return cls(os=parts[0], architecture=parts[1], variant=parts[2] if len(parts) == 3 else "")

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ImageName:
    """Where an image is: registry (`host[:port]`, or `oci-layout:DIR` as the manifest wrote it), repository, and a tag or a digest."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str, *, layout: str = "") -> Self:
        """Read `registry/repository[:tag][@digest]`.

        `layout` is the manifest's own registry when it is a layout (`oci-layout:out/registry`): only with it can one tell where the
        directory ends and the repository starts. Short names are Docker's: `ubuntu` is `docker.io/library/ubuntu:latest`.
        Raises ValueError with one sentence about what is wrong.
        """
        if layout and text.startswith(f"{layout}/"):
            registry, rest = layout, text[len(layout) + 1 :]
        elif text.startswith(LAYOUT_PREFIX):
            raise ValueError(f"{text!r} names an OCI layout that is not the manifest's registry")
        else:
            registry, rest = _split_host(text)
        rest, _, digest = rest.partition("@")
        repository, colon, tag = rest.partition(":")
        if registry == "docker.io" and repository and "/" not in repository:
            repository = f"library/{repository}"
        _check(text, repository=repository, tag=tag if colon else None, digest=digest)
        return cls(registry=registry, repository=repository, tag=tag or ("" if digest else "latest"), digest=digest)

    def with_tag(self, tag: str) -> Self:
        return type(self)(registry=self.registry, repository=self.repository, tag=tag)

    def with_digest(self, digest: str) -> Self:
        return type(self)(registry=self.registry, repository=self.repository, digest=digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"


def is_tag(text: str) -> bool:
    """Whether it can be the tag of an image name."""
    return bool(_TAG.fullmatch(text))


def _split_host(text: str) -> tuple[str, str]:
    head, slash, rest = text.partition("/")
    # Docker's rule: the first part is a host only if it could not be a repository's.
    if slash and ("." in head or ":" in head or head == "localhost" or head != head.lower()) and _HOST.fullmatch(head):
        return head, rest
    return "docker.io", text


def _check(text: str, *, repository: str, tag: str | None, digest: str) -> None:
    if not _REPOSITORY.fullmatch(repository):
        rule = "a repository is lower-case letters, digits and single separators (. _ -) between them"
        raise ValueError(f"{text!r} is not an image name: {rule}, not {repository!r}")
    if tag is not None and not is_tag(tag):
        rule = "a tag is up to 128 letters, digits, '.', '_' and '-', and does not start with '.' or '-'"
        raise ValueError(f"{text!r} is not an image name: {rule}, not {tag!r}")
    if digest and not DIGEST.fullmatch(digest):
        raise ValueError(f"{text!r} is not an image name: a digest is sha256:<64 hex digits>, not {digest!r}")
