from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from matrixbuild.adapters.engines.embedded.bases import Bases
from matrixbuild.adapters.engines.embedded.execute import Executor
from matrixbuild.adapters.engines.embedded.images import Built, Images, index_of, push
from matrixbuild.adapters.oci_layout import OciLayout
from matrixbuild.core.earthfile.recipe import BaseImage, Image, NeedsShell, Tree
from matrixbuild.core.images import Healthcheck, HistoryStep, ImageConfig
from matrixbuild.core.names import ImageName, Platform, sha256
from matrixbuild.core.registry import Registry
from tests.adapters.engines.embedded.base_images import DOCKER, layer, put_image
from tests.adapters.engines.embedded.recipes import PLACE, Sources, copied, scratch, workdir

FILES = Sources({"f.txt": b"F", "d/a.txt": b"a"})
BASE = BaseImage(ref="reg.test/base:1", platform=Platform(), place=PLACE)


def images(tmp_path: Path, registry: Registry | None = None) -> Images:
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    found = registry or OciLayout(tmp_path / "none")
    bases = Bases(lambda ref: (found, ImageName.parse(ref)), work)
    return Images(Executor(FILES, lambda node: bases.tree(bases.base(node.ref, node.platform))), bases, work)


def built(tree: Tree, tmp_path: Path, registry: Registry | None = None, **config: Any) -> Built:
    return images(tmp_path, registry).build(Image(tree=tree, config=ImageConfig(**config)))


def steps(*layers: bool) -> tuple[HistoryStep, ...]:
    return tuple(HistoryStep(created_by=f"step {number}", layer=layer) for number, layer in enumerate(layers))


def read(registry: OciLayout, name: str, reference: str) -> tuple[dict[str, Any], dict[str, Any]]:
    manifest = registry.manifest(name, reference)
    assert manifest is not None
    document = json.loads(manifest.data)
    return document, json.loads(registry.blob(name, document["config"]["digest"]))


def test_an_image_is_its_layers_its_configuration_and_its_history(tmp_path: Path) -> None:
    registry = OciLayout(tmp_path / "registry")
    made = built(copied(workdir(scratch(), "/w"), "/w/", "f.txt"), tmp_path, history=steps(True, False, True), env=(("A", "1"),))
    descriptor = push(made, registry, "edge/app", "mb-1")
    manifest, config = read(registry, "edge/app", "mb-1")
    assert (descriptor.digest, descriptor.media_type) == (registry.digest("edge/app", "mb-1"), "application/vnd.oci.image.manifest.v1+json")
    assert [each["mediaType"] for each in manifest["layers"]] == ["application/vnd.oci.image.layer.v1.tar+gzip"] * 2
    assert all(registry.has_blob("edge/app", each["digest"]) for each in (manifest["config"], *manifest["layers"]))
    assert config == {
        "architecture": "amd64",
        "config": {"Env": ["A=1"]},
        "created": "2020-04-16T12:00:00Z",
        "history": [
            {"created": "2020-04-16T12:00:00Z", "created_by": "step 0"},
            {"created": "2020-04-16T12:00:00Z", "created_by": "step 1", "empty_layer": True},
            {"created": "2020-04-16T12:00:00Z", "created_by": "step 2"},
        ],
        "os": "linux",
        "rootfs": {"diff_ids": [layer.diff_id for layer in made.own], "type": "layers"},
    }


def test_the_digest_of_a_configuration_is_fixed(tmp_path: Path) -> None:
    """It is written down so that a change of any byte is seen: every image would change with it. (Packed layers hang on the version of zlib.)"""
    config: dict[str, Any] = {
        "env": (("PATH", "/bin"),),
        "labels": (("b", "1"), ("a", "ü")),
        "cmd": ("x",),
        "entrypoint": (),
        "exposed_ports": frozenset({"80/tcp", "53/udp"}),
        "volumes": frozenset({"/v"}),
        "healthcheck": Healthcheck(test=("NONE",)),
        "platform": Platform(architecture="arm", variant="v7"),
        "history": steps(True),
    }
    made = built(copied(scratch(), "/", "d", as_directory=True), tmp_path, **config)
    assert sha256(made.config) == "sha256:2b565f8ab0d7442668866532c0df016124644176a75124dfaf4855f52b141485"


def test_every_setting_is_written_as_docker_writes_it(tmp_path: Path) -> None:
    made = built(
        copied(scratch(), "/", "f.txt"),
        tmp_path,
        user="app",
        workdir="/w",
        entrypoint=(),
        cmd=("c",),
        shell=("/bin/sh", "-c"),
        labels=(("l", ""),),
        stop_signal="SIGINT",
        on_build=("RUN x",),
        exposed_ports=frozenset({"80/tcp"}),
        volumes=frozenset({"/v"}),
        healthcheck=Healthcheck(test=("CMD", "x"), interval=1, timeout=2, start_period=3, start_interval=4, retries=5),
    )
    assert json.loads(made.config)["config"] == {
        "User": "app",
        "WorkingDir": "/w",
        "Entrypoint": [],
        "Cmd": ["c"],
        "Shell": ["/bin/sh", "-c"],
        "Labels": {"l": ""},
        "StopSignal": "SIGINT",
        "OnBuild": ["RUN x"],
        "ExposedPorts": {"80/tcp": {}},
        "Volumes": {"/v": {}},
        "Healthcheck": {"Test": ["CMD", "x"], "Interval": 1, "Timeout": 2, "StartPeriod": 3, "StartInterval": 4, "Retries": 5},
    }


@pytest.mark.parametrize("same", [True, False])
def test_a_bases_layers_and_history_are_kept_as_they_are(tmp_path: Path, same: bool) -> None:
    origin = OciLayout(tmp_path / "origin")
    history = [{"created_by": "theirs"}, {"created_by": "too"}]
    put_image(origin, "base", "1", [layer({"bin/sh": b"#!"}), layer({"etc/a": b"1"})], history=history, **DOCKER)
    registry = origin if same else OciLayout(tmp_path / "registry")
    made = built(copied(BASE, "/", "f.txt"), tmp_path, origin, history=steps(True))
    push(made, registry, "edge/app", "1")
    manifest, config = read(registry, "edge/app", "1")
    theirs, _ = read(origin, "base", "1")
    assert [each["digest"] for each in manifest["layers"][:2]] == [each["digest"] for each in theirs["layers"]]
    assert {each["mediaType"] for each in manifest["layers"]} == {"application/vnd.oci.image.layer.v1.tar+gzip"}
    assert [each["created_by"] for each in config["history"]] == ["theirs", "too", "step 0"]
    assert len(config["rootfs"]["diff_ids"]) == len(manifest["layers"]) == 3
    assert all(registry.has_blob("edge/app", each["digest"]) for each in manifest["layers"])


def test_labels_of_the_build_are_set_on_top(tmp_path: Path) -> None:
    image = Image(tree=copied(scratch(), "/", "f.txt"), config=ImageConfig(labels=(("a", "1"), ("key", "old"))))
    assert json.loads(images(tmp_path).build(image, labels=(("key", "new"),)).config)["config"]["Labels"] == {"a": "1", "key": "new"}


def test_a_command_that_changed_nothing_still_has_its_layer(tmp_path: Path) -> None:
    made = built(copied(scratch(), "/x", "nope", if_exists=True), tmp_path, history=steps(True))
    assert (made.has_layers, len(made.own)) == (True, 1)


def test_an_image_may_have_no_layers(tmp_path: Path) -> None:
    assert not built(scratch(), tmp_path, env=(("A", "1"),)).has_layers


def test_a_condition_makes_no_layer(tmp_path: Path) -> None:
    origin = OciLayout(tmp_path / "origin")
    put_image(origin, "base", "1", [layer({"bin/": b"", "bin/sh": b"#!", "tmp/": b""})])
    made = built(NeedsShell(parent=BASE, command="IF true", place=PLACE), tmp_path, origin)
    assert (made.own, made.has_layers) == ((), True)


def test_a_shared_layer_is_written_once(tmp_path: Path) -> None:
    shared = copied(scratch(), "/", "f.txt")
    maker = images(tmp_path)
    first = maker.build(Image(tree=shared, config=ImageConfig()))
    second = maker.build(Image(tree=workdir(shared, "/w"), config=ImageConfig()))
    assert first.own[0] is second.own[0]
    assert len(list((tmp_path / "work").iterdir())) == 2


def test_more_layers_than_steps_are_told_and_fewer_are_a_fault(tmp_path: Path) -> None:
    tree = copied(copied(scratch(), "/a", "f.txt"), "/b", "f.txt")
    assert [each["created_by"] for each in json.loads(built(tree, tmp_path, history=steps(True)).config)["history"]] == ["step 0", "COPY"]
    with pytest.raises(ValueError, match="3 commands of the history made layers, but there are 2"):
        built(tree, tmp_path, history=steps(True, True, True))


def test_an_index_names_its_children_by_platform(tmp_path: Path) -> None:
    tree = copied(scratch(), "/", "f.txt")
    arm, amd = (built(tree, tmp_path, platform=each) for each in (Platform(architecture="arm64", variant="v8"), Platform()))
    index = index_of([arm, amd])
    document = json.loads(index.data)
    assert (index.media_type, document["mediaType"]) == ("application/vnd.oci.image.index.v1+json",) * 2
    assert [(child["digest"], child["size"], child["platform"]) for child in document["manifests"]] == [
        (amd.manifest.digest, len(amd.manifest.data), {"os": "linux", "architecture": "amd64"}),
        (arm.manifest.digest, len(arm.manifest.data), {"os": "linux", "architecture": "arm64", "variant": "v8"}),
    ]
    assert index_of([amd, arm]) == index
