"""One case of tests/conformance in a fresh copy -> what the embedded engine makes of it, in the terms of its expected.json."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import stat
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from matrixbuild.adapters.engines.embedded.checkout import Raw
from matrixbuild.adapters.engines.embedded.outputs import evaluate_and_save
from matrixbuild.adapters.oci_layout import OciLayout
from matrixbuild.core.earthfile.argfile import parse_arg_file
from matrixbuild.core.earthfile.call_args import flag_args
from matrixbuild.core.earthfile.calls import Call
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.values import Value
from matrixbuild.core.image_parts import parts
from matrixbuild.core.names import ImageName
from matrixbuild.core.problems import Place
from matrixbuild.core.registry import Registry

FOLDER = Path(__file__).parents[2] / "conformance"
NOT_COPIED = ("case.json", "expected.json")


def _module(name: str) -> ModuleType:
    """judge.py and make_base.py are programs, kept as they were given to us."""
    spec = importlib.util.spec_from_file_location(f"conformance_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


judge, make_base = _module("judge"), _module("make_base")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Where cases run: `host` is what `$REG` stands for, `registry` what answers there, `layout` where the judge reads."""

    host: str
    registry: Registry
    layout: Path


def world(folder: Path, host: str, registry: Registry | None = None) -> World:
    """A world with the base images in its registry; without a registry, the layout is it."""
    layout = OciLayout(folder / "layout")
    made = World(host=host, registry=registry or layout, layout=folder / "layout")
    make_base.main(folder / "base")
    source = OciLayout(folder / "base")
    for tag in ("1", "2"):
        manifest = source.manifest("base", tag) or source.manifest("", tag)
        if manifest is None:
            index = json.loads((folder / "base" / "index.json").read_text())
            named = {each["annotations"]["org.opencontainers.image.ref.name"]: each["digest"] for each in index["manifests"]}
            manifest = source.manifest("base", named[tag])
        assert manifest is not None
        bring(source, made.registry, "base", tag, manifest.digest)
        bring(source, layout, "base", tag, manifest.digest)
    return made


def bring(source: Registry, into: Registry, repository: str, reference: str, digest: str) -> None:
    """Copy an image with all that it needs."""
    manifest = source.manifest(repository, digest)
    assert manifest is not None
    needed = parts(manifest)
    for child in needed.children:
        bring(source, into, repository, child.digest, child.digest)
    for blob in needed.blobs:
        into.put_blob(repository, source.blob(repository, blob.digest), blob)
    into.put_manifest(repository, reference, manifest)


def prepared(case: Path, to: Path) -> dict[str, Any]:
    """A fresh copy, files 0644 and directories 0755, the case's setup done in it; gives case.json."""
    shutil.copytree(case, to, symlinks=True, ignore=lambda folder, _: NOT_COPIED if Path(folder) == case else ())
    for path in (to, *to.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    told: dict[str, Any] = json.loads((case / "case.json").read_text())
    if "setup" in told:
        subprocess.run(["sh", "-c", f"umask 022; {told['setup']}"], cwd=to, check=True)
    return told


def overrides(told: Mapping[str, Any], checkout: Path, given: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """`.arg` of the working directory, then the command line, which wins."""
    found: dict[str, str] = {}
    if told.get("flags", {}).get("cwd") == "case" and (checkout / ".arg").exists():
        found |= parse_arg_file((checkout / ".arg").read_text())
    place = Place(file="the command line", line=1)
    line = {name: value.text for name, value in flag_args([Value(text=word) for word in told["args"]], place)}
    return tuple((found | given | line).items())


def result(case: Path, world: World, scratch: Path) -> dict[str, Any]:
    """What the engine makes of a case: rc, and images and files or the class of the error."""
    checkout = scratch / "case"
    told = prepared(case, checkout)
    before = dict(local_files(checkout))
    repository = f"oracle/{case.name}"
    given = {"REG": world.host, "OUT": f"{world.host}/{repository}"}
    found: dict[str, Any] = {"rc": 0, "images": {}}
    pushed: Mapping[str, str] = {}
    try:
        pushed = _run(told, checkout, world, scratch, given)
    except EarthfileError as error:
        found |= {"rc": 1, "error": {"class": error.fault.value, "text": str(error)}}
    replace = {f"{world.host}/{repository}": f"$REG/{repository}", world.host: "$REG", str(checkout): "$CASE"}
    for name, digest in pushed.items():
        parsed = ImageName.parse(name)
        if not isinstance(world.registry, OciLayout):
            bring(world.registry, OciLayout(world.layout), parsed.repository, parsed.tag, digest)
        found["images"][str(parsed).removeprefix(given["OUT"]).removeprefix(":")] = described(world, digest, replace)
    found["files"] = {path: entry for path, entry in local_files(checkout) if before.get(path) != entry}
    return found


def _run(told: Mapping[str, Any], checkout: Path, world: World, scratch: Path, given: dict[str, str]) -> Mapping[str, str]:
    directory, _, target = told["target"].rpartition("+")
    work = scratch / "work"
    work.mkdir(exist_ok=True)

    def locate(ref: str) -> tuple[Registry, ImageName]:
        name = ImageName.parse(ref)
        if name.registry != world.host:
            raise EarthfileError(Fault.FILE_NOT_FOUND, f"{ref} is not in the world of the cases")
        return world.registry, name

    call = Call(directory=directory.removeprefix("./"), target=target, overrides=overrides(told, checkout, given))
    return evaluate_and_save(call, checkout=Raw(checkout), locate=locate, work=work, local=checkout if told.get("mode") == "local" else None)


def described(world: World, digest: str, replace: dict[str, str]) -> dict[str, Any]:
    """As the judge describes it; of an index the child for linux/amd64, or the first, and all children must be there."""
    document = json.loads(judge.blob(world.layout, digest))
    if "manifests" in document:
        children = {f"{each['platform']['os']}/{each['platform']['architecture']}": each["digest"] for each in document["manifests"]}
        for child in children.values():
            assert judge.tree(world.layout, child) is not None
        digest = children.get("linux/amd64") or next(iter(children.values()))
    found: dict[str, Any] = judge.describe(world.layout, digest, base=_base_of(world, digest), replace=replace)
    return found


def _base_of(world: World, digest: str) -> dict[str, Any]:
    """The tree of the base image whose layers come first, or nothing."""
    layers = _layers(world, digest)
    for tag in ("2", "1"):
        base = OciLayout(world.layout).digest("base", tag)
        assert base is not None
        if layers[: len(_layers(world, base))] == _layers(world, base):
            tree: dict[str, Any] = judge.tree(world.layout, base)
            return tree
    return {}


def _layers(world: World, digest: str) -> list[str]:
    return [each["digest"] for each in json.loads(judge.blob(world.layout, digest))["layers"]]


def local_files(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            yield name, {"type": "symlink", "target": str(path.readlink())}
            continue
        entry = {"type": "dir" if path.is_dir() else "file", "mode": f"{stat.S_IMODE(path.stat().st_mode):04o}"}
        if path.is_file():
            entry["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        yield name, entry
