"""What an OCI image says of itself besides its files: the configuration that Earthfile commands change."""

from __future__ import annotations

from dataclasses import dataclass, field

from matrixbuild.core.names import Platform

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""PATH of an image that starts FROM scratch, as BuildKit sets it."""

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"

KEY_LABEL = "dev.matrixbuild.key"
"""The label that carries the full build key (design.md 8 and 9)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthcheck:
    """HEALTHCHECK as Docker stores it: durations in nanoseconds, `test` such as ("CMD-SHELL", "true") or ("NONE",); 0 is "not set"."""

    test: tuple[str, ...]
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryStep:
    """One line of an image's history; `layer` says whether its command could add a layer (a file command), so that the engine can join the two."""

    created_by: str
    layer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """The `config` part of an OCI image configuration, in the order the commands gave it; `history` holds our own steps only (never the base's)."""

    env: tuple[tuple[str, str], ...] = ()
    user: str = ""
    workdir: str = ""
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    exposed_ports: frozenset[str] = frozenset()
    volumes: frozenset[str] = frozenset()
    labels: tuple[tuple[str, str], ...] = ()
    healthcheck: Healthcheck | None = None
    stop_signal: str = ""
    shell: tuple[str, ...] | None = None
    on_build: tuple[str, ...] = ()
    platform: Platform = field(default_factory=Platform)
    history: tuple[HistoryStep, ...] = ()
