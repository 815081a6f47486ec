"""The registry part of an image's name -> the one client for it."""

from __future__ import annotations

import threading
from pathlib import Path

from matrixbuild.core.names import LAYOUT_PREFIX, ImageName
from matrixbuild.core.registry import Registry


def open_registry(name: str, *, base: Path) -> Registry:
    """The registry of an `ImageName.registry`: `host[:port]`, or `oci-layout:DIR` with DIR relative to `base`, the manifest's directory."""
    # Each neighbour is imported where it is met: a layout needs no HTTP client, and `plan` opens neither.
    if name.startswith(LAYOUT_PREFIX):
        from matrixbuild.adapters.oci_layout import OciLayout

        return OciLayout(base / name.removeprefix(LAYOUT_PREFIX))
    from matrixbuild.adapters.registry import HttpRegistry

    return HttpRegistry(name)


class Registries:
    """One client a registry, however many images and threads ask for it."""

    def __init__(self, *, base: Path) -> None:
        self._base = base
        self._lock = threading.Lock()
        self._open: dict[str, Registry] = {}

    def of(self, image: ImageName) -> Registry:
        with self._lock:
            if image.registry not in self._open:
                self._open[image.registry] = open_registry(image.registry, base=self._base)
            return self._open[image.registry]
