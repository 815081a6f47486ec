"""The registry part of an image's name -> the one client for it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from matrixbuild.adapters.network import Reach, reach_of
from matrixbuild.core.names import LAYOUT_PREFIX, ImageName
from matrixbuild.core.surroundings import Network

if TYPE_CHECKING:
    from matrixbuild.core.registry import Registry


def open_registry(
    name: str,
    *,
    base: Path,
    reach: Reach = Reach(),  # noqa: B008  (frozen)
    waits: bool = True,
    sleep: Callable[[float], None] = time.sleep,
) -> Registry:
    """The registry of an `ImageName.registry`: `host[:port]`, reached as `reach` says, or `oci-layout:DIR` with DIR relative to `base`, the
    manifest's directory. Unless it `waits`, a wait that the registry asks for ends a call at once."""
    # Each neighbour is imported where it is met: a layout needs no HTTP client, and `plan` opens neither.
    if name.startswith(LAYOUT_PREFIX):
        from matrixbuild.adapters.oci_layout import OciLayout

        return OciLayout(base / name.removeprefix(LAYOUT_PREFIX))
    from matrixbuild.adapters.registry import HttpRegistry
    from matrixbuild.adapters.registry_wire import Tuning

    return HttpRegistry(name, reach=reach, tuning=Tuning(sleep=sleep) if waits else Tuning(sleep=sleep, asked=0.0))


class Registries:
    """One client a registry, however many images and threads ask for it.

    `network` is the manifest's, `environ` has the proxies. Raises InvalidError, at its place, for a file of `network.ca` that holds no certificate.
    """

    def __init__(
        self,
        *,
        base: Path,
        network: Network = Network(),  # noqa: B008  (frozen)
        environ: Mapping[str, str] = os.environ,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base = base
        self._sleep = sleep
        self._reach = reach_of(network, base=base, environ=environ)
        self._lock = threading.Lock()
        self._open: dict[tuple[str, bool], Registry] = {}

    def of(self, image: ImageName) -> Registry:
        return self._opened(image.registry, waits=True)

    def for_build(self, image: ImageName) -> Registry:
        """The same for what happens within a build: a registry that asks to wait is told as RegistryUnavailableError at once, so that the build
        can rest, and all others that talk to that registry with it."""
        return self._opened(image.registry, waits=image.registry.startswith(LAYOUT_PREFIX))

    def asked_wait(self, host: str) -> float | None:
        """The seconds that the registry of this name asks to wait now (HttpRegistry.asked_wait)."""
        from matrixbuild.adapters.registry import HttpRegistry

        return HttpRegistry(host, reach=self._reach).asked_wait()

    def _opened(self, name: str, *, waits: bool) -> Registry:
        with self._lock:
            if (name, waits) not in self._open:
                self._open[name, waits] = open_registry(name, base=self._base, reach=self._reach, waits=waits, sleep=self._sleep)
            return self._open[name, waits]

    def insecure(self, image: ImageName) -> bool:
        """Whether the manifest lets its registry do without TLS that somebody vouches for."""
        return not image.registry.startswith(LAYOUT_PREFIX) and self._reach.is_insecure(f"https://{image.registry}")
