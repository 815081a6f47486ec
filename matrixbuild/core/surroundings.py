"""What the author of a manifest wrote about things beside the matrix: source, secrets, schedule, publishing, network."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from matrixbuild.core.declared import Condition, Text
from matrixbuild.core.problems import Place

if TYPE_CHECKING:
    from matrixbuild.core.failure_patterns import Pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """An entry of `source.files`: files of this machine (`origin`, relative to the manifest) laid over the source, or the content of a secret.

    `to` is where they go, relative to the source's root ("" is the root itself; with a slash at its end it is a directory for sure). `when` is
    empty where every cell has them. A secret's content is in no key: `version` is.
    """

    origin: Text | None
    to: str
    secret: Text | None
    version: str
    when: tuple[Condition, ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the Earthfile is: a directory (`path`) or a git repository at `ref`."""

    place: Place
    path: Text | None = None
    git: Text | None = None
    ref: Text | None = None
    files: tuple[SourceFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileUse:
    """The profile that a manifest builds on; `stands_for` is the upstream tag (`as:`), `override` are rule name -> effect, or `off`."""

    name: Text
    stands_for: Text | None = None
    override: tuple[tuple[Text, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredSecret:
    """A secret that builds may ask for by name, and where its value comes from: exactly one of `env`, `file` and `command`."""

    name: str
    place: Place
    env: Text | None = None
    file: Text | None = None
    command: tuple[str, ...] = ()
    when: tuple[Condition, ...] = ()
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """`attempts` counts the first; waits in seconds; `on` says of failure classes whether they are tried again, where the author did. `budget` is how
    many retries the whole run has (None: core.policy.Budget); after `pause_after` builds in a row with one cause the others wait.
    `patterns` say what failures are, by their words."""

    attempts: int = 3
    initial: float = 5.0
    maximum: float = 300.0
    on: tuple[tuple[str, bool], ...] = ()
    budget: int | None = None
    pause_after: int = 5
    patterns: tuple[Pattern, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OnFailure:
    """After how many failed builds no other one is started; None: what does not need them goes on."""

    limit: int | None = None


class PublishMode(StrEnum):
    """When final tags are given: once every build has succeeded, to each build as it succeeds, or never."""

    ATOMIC = "atomic"
    EACH = "each"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    mode: PublishMode = PublishMode.ATOMIC
    mutable: bool = False
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """`insecure` registries speak HTTP or show certificates nobody signed; `ca` are files of certificates to trust, relative to the manifest;
    with `proxies` the environment's proxies are used."""

    insecure: tuple[Text, ...] = ()
    ca: tuple[Text, ...] = ()
    proxies: bool = True
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineUse:
    """`kind` is `auto`, `embedded`, `earthly` or `docker`; `version` a range of versions, `program` what to run, both "" where left out; `builders`
    are addresses of BuildKits that run (none: the daemon of this machine). `image` is the image whose program is to run through Docker ("": where
    there is no program, the one that this matrixbuild knows), `cache` what the builder there may keep, in bytes (0: as its image likes)."""

    kind: str = "auto"
    version: str = ""
    program: str = ""
    builders: tuple[Text, ...] = ()
    image: str = ""
    cache: int = 0
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """`silence` in seconds: a build that prints nothing for so long is stopped (None: never). `share`: steps that do not depend on what differs
    between builds are done once for all of them."""

    retry: Retry = field(default_factory=Retry)
    on_failure: OnFailure = field(default_factory=OnFailure)
    silence: float | None = None
    share: bool = True
    place: Place | None = None
