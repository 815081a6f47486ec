"""The port to any registry: what the program asks of an OCI registry or an image layout, and the values it gets back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from matrixbuild.core.failure import Failure, FailureKind
from matrixbuild.core.names import sha256
from matrixbuild.core.problems import Problem, UnusableError


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """What a manifest says of a blob or of another manifest: media type, digest, size in bytes."""

    media_type: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredManifest:
    """A manifest or index as the registry holds it: the very bytes, and the media type they were put with."""

    media_type: str
    data: bytes

    @property
    def digest(self) -> str:
        return sha256(self.data)

    @property
    def descriptor(self) -> Descriptor:
        return Descriptor(media_type=self.media_type, digest=self.digest, size=len(self.data))


class RegistryUnavailableError(UnusableError):
    """The registry `host` did not answer (`answered` is false), or did not give what it was asked for now: `retry_after` are the seconds that it asks
    to wait, 0 where it limits requests and does not say how long, None where it does not ask for that."""

    def __init__(self, problem: Problem, *, host: str, answered: bool, retry_after: float | None = None) -> None:
        super().__init__(problem)
        self.host = host
        self.answered = answered
        self.retry_after = retry_after


def refused(error: UnusableError, kind: FailureKind, *, host: str = "") -> Failure:
    """Why a build failed that met this error of a registry; `kind` is what it is called where the error does not tell more, `host` the registry."""
    problem = error.problems[0]
    failure = Failure(kind=kind, summary=problem.summary, hint=problem.hint, host=host)
    if problem.code == "auth":
        return replace(failure, kind=FailureKind.AUTH)
    if not isinstance(error, RegistryUnavailableError):
        return failure
    told = replace(failure, host=error.host, retry_after=error.retry_after)
    if not error.answered:
        return replace(told, kind=FailureKind.NETWORK if kind is FailureKind.REGISTRY else kind)
    return replace(told, kind=FailureKind.REGISTRY if error.retry_after is not None else kind)


def always() -> bool:
    return True


class Registry(Protocol):
    """One registry. A repository is its path in it (`edge/ubuntu-22.04`); a reference is a tag or a digest.

    Every method verifies digests of what it reads and raises UnusableError (core.problems) with one sentence and a hint where the
    registry cannot be reached, refuses the credentials, or breaks its protocol; "not there" is a value, never an error.
    """

    def manifest(self, repository: str, reference: str) -> StoredManifest | None:
        """The manifest under a tag or digest, or None where there is none."""
        ...

    def digest(self, repository: str, reference: str) -> str | None:
        """The digest under a tag or digest without its body where the registry can say so (HEAD), or None."""
        ...

    def has_blob(self, repository: str, digest: str, *, size: int | None = None) -> bool:
        """Whether the blob is there; where its size in bytes is given, and the registry says what it has, with that size: a cut-off one is not.
        With a size, a layout's is read as well, since nobody else has checked it: one with other bytes is not there."""
        ...

    def blob(self, repository: str, digest: str) -> bytes:
        """A blob's bytes, verified; UnusableError where it is missing."""
        ...

    def read_blob(self, repository: str, digest: str) -> Iterator[bytes]:
        """A blob in pieces, verified at the end."""
        ...

    def put_blob(self, repository: str, data: bytes | Iterable[bytes], descriptor: Descriptor) -> None:
        """Store a blob unless it is there already."""
        ...

    def mount_blob(self, repository: str, digest: str, *, source: str) -> bool:
        """Make a blob of repository `source` available in `repository` without moving it; False where the registry cannot."""
        ...

    def put_manifest(self, repository: str, reference: str, manifest: StoredManifest, *, wanted: Callable[[], bool] = always) -> str:
        """Put these bytes, with this media type, under a tag (or their digest); gives the digest. `wanted` is asked right before each try, for a
        tag may be another's by the second one: where it says no, nothing is put."""
        ...

    def tags(self, repository: str) -> tuple[str, ...]:
        """The tags of a repository, sorted; none where it does not exist."""
        ...
