"""What an evaluation saves -> images in registries, and files on this machine, with what is said of each."""

from __future__ import annotations

import hashlib
import json
import random
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from matrixbuild.adapters.engines.embedded.exports import kept, matches, save_local, to_save, write
from matrixbuild.adapters.engines.embedded.images import Built, push
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.recipe import BaseImage, Evaluation, NeedsShell, SavedImage, Scratch, Tree
from matrixbuild.core.images import DOCKER_LIST, DOCKER_MANIFEST
from matrixbuild.core.names import ImageName
from matrixbuild.core.registry import StoredManifest
from tests.double.ends import RATE_HELP, Ended
from tests.double.plain_registry import PlainRegistry, Refused
from tests.double.playing import Player, internal_copy
from tests.double.records import now

_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYERS = {
    "application/vnd.oci.image.layer.v1.tar+gzip": "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.oci.image.layer.v1.tar": "application/vnd.docker.image.rootfs.diff.tar",
}
_NO_DOCKER = "pull ping error: pull ping response: rpc error: code = Unknown desc = image pull: frontend (e.g. docker/podman) not initialized"


@dataclass(slots=True, kw_only=True)
class Outputs:
    """`waits` is VERSION 0.7 and later, which tells and names pushes otherwise; `registry` gives the one at a host, that says its retries."""

    player: Player
    waits: bool
    push_seconds: float
    registry: Callable[[str], PlainRegistry]
    command: str = ""
    told: list[str] = field(default_factory=list)

    def save(self, evaluation: Evaluation, work: Path) -> None:
        """Raises Ended."""
        request = self.player.request
        self._exporting()
        images = self._images(evaluation)
        if request.push:
            time.sleep(self.push_seconds if images else 0)
            for name, built in images.items():
                self._pushed(ImageName.parse(name), built)
        if evaluation.images and request.output:
            raise Ended(kind="OTHER", message=_NO_DOCKER)
        if request.output:
            self._files(evaluation, work)
        self.player.records.command(self.command, status="RUN_STATUS_SUCCESS", endedAtUnixNanos=now())

    def say(self, text: str) -> None:
        self.player.console.line("output", text, command=self.command, stream=2)

    def _exporting(self) -> None:
        self.command = f"sha256:{uuid.uuid4().hex * 2}"
        self.player.records.command(self.command, name="exporting outputs", category="output")
        self.player.records.command(self.command, status="RUN_STATUS_IN_PROGRESS", startedAtUnixNanos=now())
        self.player.console.only_shown("output", "--> exporting outputs", command=self.command)
        self.player.records.command(self.command, hasProgress=True, progress=100)

    # Images ---------------------------------------------------------------------

    def _images(self, evaluation: Evaluation) -> Mapping[str, list[tuple[SavedImage, Built]]]:
        """Name -> its image, or one for each platform."""
        found: dict[str, dict[str, tuple[SavedImage, Built]]] = {}
        for saved in evaluation.images:
            built = self._built(saved)
            for name in saved.names if saved.push else ():
                key = str(saved.platform) if saved.multi_platform else ""
                found[name] = {**(found.get(name, {}) if saved.multi_platform else {}), key: (saved, built)}
        return {name: list(by_platform.values()) for name, by_platform in found.items()}

    def _built(self, saved: SavedImage) -> Built:
        flavor = self.player.names.flavor
        labels = (("dev.earthly.built-by", ""), ("dev.earthly.git-sha", flavor.sha), ("dev.earthly.version", flavor.version))
        built = self.player.evaluated.images.build(saved.image, labels=labels)
        config = self._dated(json.loads(built.config), self._times(saved.image.tree))
        return _as_docker(replace(built, config=json.dumps(config).encode()))

    def _times(self, tree: Tree) -> list[str]:
        """When each of the image's own layers was made, the first one first."""
        found: list[str] = []
        while not isinstance(tree, Scratch | BaseImage):
            if not isinstance(tree, NeedsShell):
                found.append(self.player.cache.made(self.player.keys.key(tree)))
            tree = tree.parent
        return found[::-1]

    @staticmethod
    def _dated(config: dict[str, object], times: list[str]) -> dict[str, object]:
        """The configuration with the times of its layers: what was made anew is another image, with the same files too."""
        history = config["history"]
        assert isinstance(history, list)
        layers = [entry for entry in history if not entry.get("empty_layer")]
        for entry, made in zip(layers[::-1], times[::-1], strict=False):
            entry["created"] = made
        return config | ({"created": times[-1]} if times else {})

    def _pushed(self, name: ImageName, images: list[tuple[SavedImage, Built]]) -> None:
        whole = [(saved, built) for saved, built in images if built.has_layers]
        try:
            # A daemon sends a layer to a repository once, whoever has it built; docker-registry refuses manifests while one of their layers comes again.
            with self.player.cache.alone(f"push-{_sha256(f'{name.registry}/{name.repository}'.encode())}"):
                if whole:
                    self._push(name, whole)
        except Refused as refused:
            raise self._refused(name, refused) from refused
        if self.waits:
            self.told.append(f"Pushed image {self.player.request.target} as {name}")

    def _push(self, name: ImageName, images: list[tuple[SavedImage, Built]]) -> None:
        registry = self.registry(name.registry)
        if not any(saved.multi_platform for saved, _ in images):
            push(images[0][1], registry, name.repository, name.tag)
            return
        # The real ones go through them in the random order of Go's maps.
        for _, built in random.sample(images, len(images)):
            push(built, registry, name.repository, built.manifest.digest)
        registry.put_manifest(name.repository, name.tag, _list_of([built for _, built in random.sample(images, len(images))]))

    def _refused(self, name: ImageName, refused: Refused) -> Ended:
        message = refused.text
        if refused.text.startswith("unexpected status"):
            body = f"body={refused.body}"
            words = f"{body}: {refused.text}" if self.player.names.flavor.is_earthbuild else f"{refused.text} {body}"
            message = f"failed to push {name}: {words}"
        message = f"failed to SAVE IMAGE: {message}" if self.waits else message
        self.player.records.command(
            self.command,
            status="RUN_STATUS_FAILURE",
            endedAtUnixNanos=now(),
            errorMessage=f"WARN: The command\n          exporting outputs\nfailed: {message}",
        )
        if refused.status == 429:
            return Ended(kind="RATE_LIMITED", message=f"build target: build main: failed to solve: {message}", help=RATE_HELP)
        return Ended(kind="OTHER", message=message)

    # Files ----------------------------------------------------------------------

    def _files(self, evaluation: Evaluation, work: Path) -> None:
        player = self.player
        tree = player.evaluated.executor.tree
        try:
            found = [(to_save(tree(saved.tree), saved), saved) for saved in evaluation.locals]
        except EarthfileError as error:
            message = internal_copy(error.summary.partition(" ")[0])
            raise Ended(kind="FILE_NOT_FOUND", message=message, name="internal", command=self.command) from error
        nodes = [([(path, kept(node, work)) for path, node in each], saved) for each, saved in found]
        for each, saved in nodes:
            save_local(each, saved, Path("/"))
            self.told += [f"Artifact {player.request.target}/{path.lstrip('/')} output as {saved.dest}" for path, _ in each]
        if player.request.artifact:
            self._artifact(evaluation)

    def _artifact(self, evaluation: Evaluation) -> None:
        request = self.player.request
        found = matches(self.player.evaluated.executor.tree(evaluation.artifacts), request.artifact)
        if not found:
            raise Ended(kind="OTHER", message=f"build target: cannot save artifact {request.target}{request.artifact}, since it does not exist")
        for path, node in found:
            to = Path.cwd() / request.to
            to = to / Path(path).name if request.to.endswith("/") or to.is_dir() else to
            write(node, to)
            self.told.append(f"Artifact {request.target}{request.artifact} output as {to}")


def _as_docker(built: Built) -> Built:
    """The same image with Docker's media types, as BuildKit pushes it."""
    document = json.loads(built.manifest.data)
    document["mediaType"] = DOCKER_MANIFEST
    document["config"] = {"mediaType": _CONFIG, "digest": f"sha256:{_sha256(built.config)}", "size": len(built.config)}
    for layer in document["layers"]:
        layer["mediaType"] = _LAYERS.get(layer["mediaType"], layer["mediaType"])
    return replace(built, manifest=StoredManifest(media_type=DOCKER_MANIFEST, data=_json(document)))


def _list_of(images: list[Built]) -> StoredManifest:
    children = [
        {
            "mediaType": DOCKER_MANIFEST,
            "digest": built.manifest.digest,
            "size": len(built.manifest.data),
            "platform": {
                "architecture": built.platform.architecture,
                "os": built.platform.os,
                **({"variant": built.platform.variant} if built.platform.variant else {}),
            },
        }
        for built in images
    ]
    return StoredManifest(media_type=DOCKER_LIST, data=_json({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": children}))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _json(document: object) -> bytes:
    return json.dumps(document, indent=2).encode()
