from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from matrixbuild.adapters.engines.embedded.bases import Base, BaseImageError, Bases
from matrixbuild.adapters.oci_layout import OciLayout
from matrixbuild.core.images import Healthcheck, ImageConfig
from matrixbuild.core.names import ImageName, Platform
from matrixbuild.core.registry import Registry
from tests.adapters.engines.embedded.base_images import DOCKER, layer, put_image, put_list
from tests.adapters.engines.embedded.recipes import shown

AMD, ARM = Platform(), Platform(architecture="arm64")
FIRST, SECOND = layer({"bin/": b"", "bin/sh": b"#!", "etc/": b"", "etc/a": b"1"}), layer({"etc/a": b"2"})


@pytest.fixture
def registry(tmp_path: Path) -> OciLayout:
    return OciLayout(tmp_path / "registry")


def bases(registry: Registry, tmp_path: Path) -> Bases:
    return Bases(lambda ref: (registry, ImageName.parse(ref)), tmp_path / "work")


def fetched(registry: Registry, tmp_path: Path, ref: str = "reg.test/base:1", platform: Platform = AMD) -> Base:
    return bases(registry, tmp_path).base(ref, platform)


def refused(registry: Registry, tmp_path: Path, ref: str = "reg.test/base:1", platform: Platform = AMD) -> tuple[str, str]:
    found = bases(registry, tmp_path)
    with pytest.raises(BaseImageError) as caught:
        found.tree(found.base(ref, platform))
    return caught.value.summary, caught.value.hint


@pytest.mark.parametrize("kind", [{}, DOCKER, {"media_type": "application/vnd.oci.image.layer.v1.tar"}])
def test_an_images_files_are_those_of_its_layers(registry: OciLayout, tmp_path: Path, kind: dict[str, Any]) -> None:
    put_image(registry, "base", "1", [FIRST, SECOND], **kind)
    found = bases(registry, tmp_path)
    base = found.base("reg.test/base:1", AMD)
    assert shown(found.tree(base)) == {"/bin": "dir 0755 0:0", "/bin/sh": "file 0644 0:0 #!", "/etc": "dir 0755 0:0", "/etc/a": "file 0644 0:0 2"}
    plain = "tar" if kind.get("media_type", "").rpartition(".")[2] == "tar" else "tar+gzip"
    assert {each.media_type for each in base.layers} == {f"application/vnd.oci.image.layer.v1.{plain}"}
    assert len(base.diff_ids) == len(base.layers) == len(base.history) == 2


def test_a_configuration_is_read_whole(registry: OciLayout, tmp_path: Path) -> None:
    config = {
        "Env": ["PATH=/bin", "A=b=c"],
        "User": "app",
        "WorkingDir": "/w",
        "Entrypoint": ["e"],
        "Cmd": ["c"],
        "ExposedPorts": {"80/tcp": {}},
        "Volumes": {"/v": {}},
        "Labels": {"z": "1", "a": "2"},
        "Healthcheck": {"Test": ["CMD", "x"], "Interval": 5, "Retries": 2},
        "StopSignal": "SIGINT",
        "Shell": ["/bin/bash", "-c"],
        "OnBuild": ["RUN x"],
    }
    put_image(registry, "base", "1", [FIRST], config=config, history=[{"created_by": "someone"}])
    base = fetched(registry, tmp_path)
    assert base.history == ({"created_by": "someone"},)
    assert base.config == ImageConfig(
        env=(("PATH", "/bin"), ("A", "b=c")),
        user="app",
        workdir="/w",
        entrypoint=("e",),
        cmd=("c",),
        exposed_ports=frozenset({"80/tcp"}),
        volumes=frozenset({"/v"}),
        labels=(("a", "2"), ("z", "1")),
        healthcheck=Healthcheck(test=("CMD", "x"), interval=5, retries=2),
        stop_signal="SIGINT",
        shell=("/bin/bash", "-c"),
        on_build=("RUN x",),
        platform=AMD,
    )


def test_the_child_of_the_platform_is_taken(registry: OciLayout, tmp_path: Path) -> None:
    children = [put_image(registry, "base", "", [FIRST], architecture=name, config={"User": name}) for name in ("amd64", "arm64")]
    children[1]["platform"]["variant"] = "v8"
    digest = put_list(registry, "base", "1", children)
    assert [fetched(registry, tmp_path, platform=each).config.user for each in (AMD, ARM)] == ["amd64", "arm64"]
    assert fetched(registry, tmp_path, f"reg.test/base@{digest}", ARM).config.user == "arm64"
    assert refused(registry, tmp_path, platform=Platform(architecture="riscv64")) == (
        "reg.test/base:1 has no image for linux/riscv64",
        "choose another base image, or another --platform",
    )


@pytest.mark.parametrize(
    ("media_type", "expected"),
    [
        (
            "application/vnd.oci.image.layer.v1.tar+zstd",
            (
                "reg.test/base:1 has a layer that the embedded engine cannot read (application/vnd.oci.image.layer.v1.tar+zstd)",
                "push it with gzip layers: `skopeo copy --dest-compress-format gzip`",
            ),
        ),
        (
            "application/x-other",
            ("reg.test/base:1 has a layer that the embedded engine cannot read (application/x-other)", "choose another base image"),
        ),
    ],
)
def test_layers_of_other_kinds_are_refused(registry: OciLayout, tmp_path: Path, media_type: str, expected: tuple[str, str]) -> None:
    put_image(registry, "base", "1", [FIRST], media_type=media_type)
    assert refused(registry, tmp_path) == expected


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("reg.test/none:1", ("the base image reg.test/none:1 is not in its registry", "push it, or correct the FROM")),
        (
            "reg.test/UPPER:1",
            (
                (
                    "'reg.test/UPPER:1' is not the name of an image: 'reg.test/UPPER:1' is not an image name: a repository is lower-case letters, "
                    "digits and single separators (. _ -) between them, not 'UPPER'"
                ),
                "correct the FROM",
            ),
        ),
    ],
)
def test_an_image_that_is_not_there_is_told(registry: OciLayout, tmp_path: Path, ref: str, expected: tuple[str, str]) -> None:
    assert refused(registry, tmp_path, ref) == expected


@pytest.mark.parametrize("data", [b"\x1f\x8b\x08 not gzip", b"no gzip at all", gzip.compress(FIRST)[:-20]])
def test_a_broken_layer_is_told_and_leaves_nothing_behind(registry: OciLayout, tmp_path: Path, data: bytes) -> None:
    put_image(registry, "base", "1", [data], pack=False)
    summary, hint = refused(registry, tmp_path)
    assert (summary.startswith("a layer of reg.test/base:1 cannot be read: "), hint) == (True, "push the base image again")
    assert list((tmp_path / "work").iterdir()) == []


def test_a_layer_that_is_no_tar_is_told(registry: OciLayout, tmp_path: Path) -> None:
    put_image(registry, "base", "1", [b"x" * 2000])
    assert refused(registry, tmp_path)[0] == "a layer of reg.test/base:1 cannot be read: invalid header"


def test_an_unpacked_layer_is_found_again(registry: OciLayout, tmp_path: Path) -> None:
    put_image(registry, "base", "1", [FIRST])
    first = bases(registry, tmp_path)
    first.tree(first.base("reg.test/base:1", AMD))
    (kept,) = (tmp_path / "work").iterdir()
    written = kept.stat().st_mtime_ns
    second = bases(registry, tmp_path)
    assert second.tree(second.base("reg.test/base:1", AMD)) == first.tree(first.base("reg.test/base:1", AMD))
    assert kept.stat().st_mtime_ns == written
