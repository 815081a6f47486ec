"""A real program, a registry and a situation -> what the program makes of it: images, local files, executed commands."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import itertools
import json
import os
import re
import stat
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matrixbuild.adapters.oci_layout import OciLayout
from matrixbuild.adapters.registry import HttpRegistry
from matrixbuild.core.names import sha256
from matrixbuild.core.registry import Descriptor, StoredManifest
from tests import services
from tests.adapters.engines.conformance import judge, make_base
from tests.live.program import Done, Program
from tests.pairs.case import Situation, fresh
from tests.pairs.observation import Observation, short

HOST = "registry.example.com"
"""What stands for the registry in the cases: base images are HOST/base:1 and :2, and every image is saved as HOST/out:TAG."""

# `target | --> RUN ...`; one that was taken from the cache says `*cached* -->`.
_EXECUTED = re.compile(r"^ *\S+ \| --> (RUN|IF|ELSE IF|FOR|COPY|WORKDIR|expandargs)\b(.*)$", re.MULTILINE)


@dataclass(slots=True, kw_only=True)
class World:
    """Where situations are looked at. `salt` makes the base images new, so that what was executed in another world is not in the cache."""

    program: Program
    registry: str
    scratch: Path
    salt: str
    _number: Iterator[int] = field(default_factory=itertools.count)
    _base_layers: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.scratch.mkdir(parents=True, exist_ok=True)
        services.require("busybox")
        folder = self.scratch / "base"
        make_base.main(folder)
        index = json.loads((folder / "index.json").read_text())
        client, source = HttpRegistry(self.registry), OciLayout(folder)
        for entry in index["manifests"]:
            layers = _push_salted(client, source, f"{self.salt}/base", entry, self.salt)
            self._base_layers |= layers

    def observe(self, situation: Situation, target: str, *, local: bool = False) -> Observation:
        """Call the program for `target` in a fresh checkout; `local`: with outputs on this machine, and without images."""
        number = next(self._number)
        checkout, images = fresh(self.scratch / f"checkout-{number}"), f"{self.salt}/out-{number}"
        situation.write(checkout, stands_for={f"{HOST}/base": f"{self.registry}/{self.salt}/base", f"{HOST}/out": f"{self.registry}/{images}"})
        before = _files(checkout)
        done = self._call(checkout, target, situation.args, local=local)
        made = () if done.rc else tuple(sorted(self._image(images, tag) for tag in HttpRegistry(self.registry).tags(images)))
        wrote = {path: file for path, file in _files(checkout).items() if before.get(path) != file}
        return Observation(failed=done.rc != 0, images=made, files=short(wrote) if wrote else "", ran=executed(done.output))

    def _call(self, checkout: Path, target: str, args: Mapping[str, str], *, local: bool) -> Done:
        outputs = [] if local else ["--push", "--no-output"]
        directory, _, name = target.rpartition("+")
        words = [*outputs, f"{checkout / directory}+{name}", *(f"--{arg}={value}" for arg, value in args.items())]
        for _ in range(5):
            done = self.program.call(*words, scratch=self.scratch)
            # 6: no connection in time; the others are faults of a busy BuildKit, and say nothing of the Earthfile.
            if done.rc != 6 and not re.search(r"failed to get state for index|inconsistent graph state|no active session", done.output):
                return done
        raise AssertionError(f"{self.program.path} cannot build here: {done.output[-2000:]}")

    def _image(self, repository: str, tag: str) -> str:
        return short(described(HttpRegistry(self.registry), repository, tag, without=self._base_layers))


def executed(output: str) -> tuple[str, ...]:
    """The commands that a call executed, as its output tells, in order."""
    return tuple(f"{name}{rest}".strip() for name, rest in _EXECUTED.findall(output))


@contextlib.contextmanager
def registry(scratch: Path, environ: Mapping[str, str] = os.environ) -> Iterator[str]:
    """host:port of the registry that the program's buildkitd is to use."""
    if given := environ.get("EARTHLY_REGISTRY"):
        yield given
        return
    with services.running_registry(scratch / "registry") as running:
        yield running.host


def described(client: HttpRegistry, repository: str, reference: str, *, without: frozenset[str]) -> list[Any]:
    """The images under a reference: of each platform the configuration, and of each layer above the base what is in it."""
    manifest = client.manifest(repository, reference)
    assert manifest is not None
    content = json.loads(manifest.data)
    if "manifests" in content:
        children = sorted(content["manifests"], key=lambda child: json.dumps(child["platform"], sort_keys=True))
        return [[child["platform"], described(client, repository, child["digest"], without=without)] for child in children]
    config = json.loads(client.blob(repository, content["config"]["digest"]))
    settings = {key: value for key, value in config.get("config", {}).items() if key != "Labels"}
    labels = {key: value for key, value in (config.get("config", {}).get("Labels") or {}).items() if not key.startswith("dev.earth")}
    ids = config["rootfs"]["diff_ids"]
    layers = [_entries(client.blob(repository, layer["digest"])) for layer, each in zip(content["layers"], ids, strict=True) if each not in without]
    return [{**settings, "Labels": labels}, config["os"], config["architecture"], layers]


def _entries(blob: bytes) -> list[Any]:
    data = gzip.decompress(blob) if blob[:2] == b"\x1f\x8b" else blob
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        # The order in which a layer holds entries is the file system's.
        return sorted([member.name, judge.described_member(member, tar, {}) if not member.islnk() else member.linkname] for member in tar)


def _push_salted(client: HttpRegistry, source: OciLayout, repository: str, entry: Mapping[str, Any], salt: str) -> frozenset[str]:
    """Push a base image with one layer more, which makes it another one; gives the ids of its layers."""
    manifest = json.loads(source.blob(repository, entry["digest"]))
    config = json.loads(source.blob(repository, manifest["config"]["digest"]))
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        make_base.add(tar, "salt", 0o644, salt.encode())
    config["rootfs"]["diff_ids"].append("sha256:" + hashlib.sha256(raw.getvalue()).hexdigest())
    for layer in manifest["layers"]:
        client.put_blob(repository, source.blob(repository, layer["digest"]), _descriptor(layer))
    manifest["layers"].append(_pushed(client, repository, make_base.LAYER, gzip.compress(raw.getvalue(), mtime=0)))
    manifest["config"] = _pushed(client, repository, manifest["config"]["mediaType"], json.dumps(config, sort_keys=True).encode())
    tag = entry["annotations"]["org.opencontainers.image.ref.name"]
    client.put_manifest(repository, tag, StoredManifest(media_type=manifest["mediaType"], data=json.dumps(manifest).encode()))
    return frozenset(config["rootfs"]["diff_ids"])


def _pushed(client: HttpRegistry, repository: str, media_type: str, data: bytes) -> dict[str, object]:
    told: dict[str, Any] = {"mediaType": media_type, "digest": sha256(data), "size": len(data)}
    client.put_blob(repository, data, _descriptor(told))
    return told


def _descriptor(told: Mapping[str, Any]) -> Descriptor:
    return Descriptor(media_type=told["mediaType"], digest=told["digest"], size=told["size"])


def _files(folder: Path) -> dict[str, list[object]]:
    return {str(path.relative_to(folder)): _described(path) for path in sorted(folder.rglob("*"))}


def _described(path: Path) -> list[object]:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return ["link", str(path.readlink())]
    return ["directory", stat.S_IMODE(mode)] if stat.S_ISDIR(mode) else ["file", stat.S_IMODE(mode), sha256(path.read_bytes())]
