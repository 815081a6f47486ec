"""The registry part of an image's name -> the one client for it."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path

from matrixbuild.adapters.network import Reach, reach_of
from matrixbuild.core.names import LAYOUT_PREFIX, ImageName
from matrixbuild.core.registry import Registry
from matrixbuild.core.surroundings import Network


def open_registry(name: str, *, base: Path, reach: Reach = Reach()) -> Registry:  # noqa: B008  (frozen)
    """The registry of an `ImageName.registry`: `host[:port]`, reached as `reach` says, or `oci-layout:DIR` with DIR relative to `base`, the
    manifest's directory."""
    # Each neighbour is imported where it is met: a layout needs no HTTP client, and `plan` opens neither.
    if name.startswith(LAYOUT_PREFIX):
        from matrixbuild.adapters.oci_layout import OciLayout

        return OciLayout(base / name.removeprefix(LAYOUT_PREFIX))
    from matrixbuild.adapters.registry import HttpRegistry

    return HttpRegistry(name, reach=reach)


class Registries:
    """One client a registry, however many images and threads ask for it.

    `network` is the manifest's, `environ` has the proxies. Raises InvalidError, at its place, for a file of `network.ca` that holds no certificate.
    """

    def __init__(self, *, base: Path, network: Network = Network(), environ: Mapping[str, str] = os.environ) -> None:  # noqa: B008  (frozen)
        self._base = base
        self._reach = reach_of(network, base=base, environ=environ)
        self._lock = threading.Lock()
        self._open: dict[str, Registry] = {}

    def of(self, image: ImageName) -> Registry:
        with self._lock:
            if image.registry not in self._open:
                self._open[image.registry] = open_registry(image.registry, base=self._base, reach=self._reach)
            return self._open[image.registry]
