"""Recipes of images -> layers, configuration and manifest, and these into a registry."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from matrixbuild.adapters.engines.embedded.bases import Base, Bases
from matrixbuild.adapters.engines.embedded.execute import Executor
from matrixbuild.adapters.engines.embedded.layers import Layer, read_pieces, write_layer
from matrixbuild.core.earthfile.recipe import BaseImage, Copied, Image, MadeDirectory, NeedsShell, Scratch, Tree, WrittenFile
from matrixbuild.core.image_config import join_history, write_config
from matrixbuild.core.images import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from matrixbuild.core.names import Platform, sha256
from matrixbuild.core.registry import Descriptor, Registry, StoredManifest

_Step = Copied | MadeDirectory | WrittenFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """An image with all that a registry must hold for it; `own` layers lie in files, `base` (if any) has the others."""

    manifest: StoredManifest
    config: bytes
    platform: Platform
    base: Base | None
    own: tuple[Layer, ...]

    @property
    def has_layers(self) -> bool:
        return bool(self.own or (self.base and self.base.layers))


class Images:
    """Makes images of recipes; a layer that several images share is written once, below `work`. Not safe for several threads."""

    def __init__(self, executor: Executor, bases: Bases, work: Path) -> None:
        self._executor = executor
        self._bases = bases
        self._work = work
        self._layers: dict[int, tuple[Tree, Layer]] = {}

    def build(self, image: Image, *, labels: Sequence[tuple[str, str]] = ()) -> Built:
        """`labels` are set on top of the image's own. Raises what Executor.tree and Bases.base raise."""
        bottom, steps = _chain(image.tree)
        base = self._bases.base(bottom.ref, bottom.platform) if isinstance(bottom, BaseImage) else None
        own = tuple(self._layer(step) for step in steps)
        kept = tuple((name, value) for name, value in image.config.labels if name not in dict(labels))
        config = replace(image.config, labels=(*kept, *labels), history=join_history(image.config, len(own)))
        diff_ids = [*(base.diff_ids if base else ()), *(layer.diff_id for layer in own)]
        document = _json(write_config(config, diff_ids=diff_ids, base_history=base.history if base else ()))
        manifest = _manifest(document, [*(base.layers if base else ()), *(layer.descriptor for layer in own)])
        return Built(manifest=manifest, config=document, platform=image.config.platform, base=base, own=own)

    def _layer(self, step: _Step) -> Layer:
        if id(step) not in self._layers:
            file = self._work / f"layer-{len(self._layers)}.tar.gz"
            self._layers[id(step)] = (step, write_layer(self._executor.tree(step.parent), self._executor.tree(step), file))
        return self._layers[id(step)][1]


def push(built: Built, registry: Registry, repository: str, reference: str) -> Descriptor:
    """Store an image under a tag (or its digest): layers, configuration, manifest, in this order. UnusableError of the registry."""
    if built.base:
        for layer in built.base.layers:
            _bring(built.base, layer, registry, repository)
    for own in built.own:
        registry.put_blob(repository, read_pieces(own.file), own.descriptor)
    registry.put_blob(repository, built.config, _described(OCI_CONFIG, built.config))
    registry.put_manifest(repository, reference, built.manifest)
    return built.manifest.descriptor


def index_of(images: Iterable[Built]) -> StoredManifest:
    """One image for several platforms, in the platforms' order; its children must be in the registry before it."""
    children = [
        {"mediaType": OCI_MANIFEST, "digest": built.manifest.digest, "size": len(built.manifest.data), "platform": _platform(built.platform)}
        for built in sorted(images, key=lambda built: built.platform)
    ]
    return StoredManifest(media_type=OCI_INDEX, data=_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children}))


def _chain(tree: Tree) -> tuple[Scratch | BaseImage, list[_Step]]:
    """What an image stands on, and the commands that made its layers, first one first."""
    steps: list[_Step] = []
    while not isinstance(tree, Scratch | BaseImage):
        if not isinstance(tree, NeedsShell):
            steps.append(tree)
        tree = tree.parent
    return tree, steps[::-1]


def _bring(base: Base, layer: Descriptor, registry: Registry, repository: str) -> None:
    same = base.registry is registry
    if same and (base.repository == repository or registry.mount_blob(repository, layer.digest, source=base.repository)):
        return
    if not registry.has_blob(repository, layer.digest, size=layer.size):
        registry.put_blob(repository, base.registry.read_blob(base.repository, layer.digest), layer)


def _manifest(config: bytes, layers: Iterable[Descriptor]) -> StoredManifest:
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _document(_described(OCI_CONFIG, config)),
        "layers": [_document(layer) for layer in layers],
    }
    return StoredManifest(media_type=OCI_MANIFEST, data=_json(document))


def _described(media_type: str, data: bytes) -> Descriptor:
    return Descriptor(media_type=media_type, digest=sha256(data), size=len(data))


def _document(descriptor: Descriptor) -> dict[str, object]:
    return {"mediaType": descriptor.media_type, "digest": descriptor.digest, "size": descriptor.size}


def _platform(platform: Platform) -> dict[str, str]:
    return {"os": platform.os, "architecture": platform.architecture, **({"variant": platform.variant} if platform.variant else {})}


def _json(document: object) -> bytes:
    """Compact and sorted, so that the same values are the same bytes; text that is no UTF-8 stays readable as escapes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
