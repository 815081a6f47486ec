"""The quickstart built by the embedded engine, by Earthly and by EarthBuild: the same file trees and the same configurations.

The program that tests/live/program.py finds is one of them; EARTHBUILD and EARTHBUILD_BUILDKIT_HOST name the other, where both are to be compared.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from matrixbuild.core.names import ImageName
from tests.checkout import ROOT
from tests.live import program, world
from tests.live.same_images import Entries, image_of
from tests.projects import in_child

OURS = ("dev.matrixbuild.", "dev.earthly.", "dev.earthbuild.")


def engines() -> Iterator[tuple[str, str]]:
    """Each with what the manifest says of it."""
    yield "embedded", "embedded"
    for path, host in ((program.required(buildkit=True).path, program.required().buildkit), *_other()):
        yield Path(path).name, json.dumps({"kind": "earthly", "program": path, "builders": [host]})


def _other() -> Iterator[tuple[str, str]]:
    path, host = os.environ.get("EARTHBUILD"), os.environ.get("EARTHBUILD_BUILDKIT_HOST")
    if path and host:
        yield path, host


def built(root: Path, engine: str, registry: str) -> Mapping[str, tuple[Entries, Mapping[str, Any]]]:
    """Build -> the file tree and the configuration of its image."""
    shutil.copytree(ROOT / "manifests/quickstart", root / "quickstart")
    text = (ROOT / "manifests/quickstart.yaml").read_text(encoding="utf-8")
    changed = text.replace("oci-layout:../out/registry", registry).replace("engine: embedded ", f"engine: {engine} ")
    assert changed.count(registry) == changed.count(f"engine: {engine} ") == 1
    (root / "quickstart.yaml").write_text(changed, encoding="utf-8")
    ended = in_child("apply", "quickstart.yaml", cwd=root, env={"XDG_CACHE_HOME": str(root / "cache")}, timeout=600)
    assert ended.code == 0, ended.err
    locked = json.loads((root / "quickstart.lock.json").read_text(encoding="utf-8"))["builds"]
    return {name: _image(entry) for name, entry in locked.items() if entry.get("image")}


def _image(entry: Mapping[str, Any]) -> tuple[Entries, Mapping[str, Any]]:
    ref = next(ref for refs in entry["cells"].values() for ref in refs)
    image = image_of(ImageName.parse(ref).with_digest(entry["image"]["digest"]))
    tree: Entries = {}
    for layer in image.layers:
        tree |= {path.strip("/"): marks for path, marks in image.entries(layer).items()}
    labels = {name: value for name, value in image.config.get("Labels", {}).items() if not name.startswith(OURS)}
    return tree, {name: value for name, value in {**image.config, "Labels": labels}.items() if value}


def test_the_quickstart_is_the_same_by_every_engine(tmp_path: Path) -> None:
    with world.registry(tmp_path / "registry") as host:
        prefix = f"{host}/three-{uuid.uuid4().hex[:8]}"
        found = {name: built(tmp_path / name, said, f"{prefix}/{name}") for name, said in engines()}
    embedded = found.pop("embedded")
    assert len(embedded) == 23
    assert found
    for images in found.values():
        assert images == embedded
