"""What a release engineer is saved from: names that collide, versions that do not exist, names that change their meaning."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.examples.plans import STAND_IN, plan
from tests.projects import SmallProject, small_project

NAIVE = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: naive}
spec:
  source: {path: canvos}
  registry: registry.example.com/edge
  axes:
    os:
      - {distribution: ubuntu, versions: ["22.04", "24.04"]}
      - {distribution: opensuse-leap, versions: ["15.6"]}
    kubernetes:
      - {distribution: k3s, versions: ["1.32.13", "1.33.10", "1.34.6", "1.35.3"]}
      - {distribution: rke2, versions: ["1.32.13", "1.33.10", "1.34.6", "1.35.3"]}
      - {distribution: kubeadm, versions: ["1.32.13", "1.33.10", "1.34.6", "1.35.3"]}
    fips: [false, true]
    twoNode: [false, true]
    arch: [amd64]
  targets:
    provider:
      earthly: +provider-image
      args:
        ARCH: "{{ arch }}"
        OS_DISTRIBUTION: "{{ os.distribution }}"
        OS_VERSION: "{{ os.version }}"
        K8S_DISTRIBUTION: "{{ kubernetes.distribution }}"
        K8S_VERSION: "{{ kubernetes.version }}"
        FIPS_ENABLED: "{{ fips }}"
        TWO_NODE: "{{ twoNode }}"
        IMAGE_PATH: "{{ image.ref }}"
      image:
        repository: "{{ registry }}/{{ os.distribution }}"
        tag: "{{ kubernetes.distribution }}-{{ kubernetes.version }}-v4.9.38-demo"
"""
"""Every combination under the name that CanvOS itself would give."""

PROFILED = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: profiled}
spec:
  profile: canvos
  source: {path: canvos}
  registry: registry.example.com/edge
  vars: {customTag: demo}
  axes:
    os:
      - {distribution: ubuntu, versions: ["24.04"], args: {BASE_IMAGE: registry.example.com/base:1}}
    kubernetes:
      - {distribution: rke2, versions: ["1.34.6"]}
      - {distribution: k3s, versions: ["1.34.6"]}
    AXIS: VALUES
  targets: {iso: false, uki-iso: false}
"""


def project(root: Path, manifest: str) -> SmallProject:
    (root / "canvos").symlink_to(STAND_IN)
    return small_project(root, manifest=manifest, files={})


def test_the_naive_tag_is_refused_with_how_many_images_share_how_many_tags(tmp_path: Path) -> None:
    ended = project(tmp_path, NAIVE).run("plan", "small.yaml")
    assert ended.code == 3
    assert ended.err == (
        "small.yaml:32:14: error: "
        "provider[arch=amd64,fips=false,kubernetes=k3s-1.32.13,os=opensuse-leap-15.6,twoNode=false] and "
        "provider[arch=amd64,fips=false,kubernetes=k3s-1.32.13,os=opensuse-leap-15.6,twoNode=true] differ and would both publish "
        "registry.example.com/edge/opensuse-leap:k3s-1.32.13-v4.9.38-demo (144 images, 24 tags): "
        "the tag does not tell fips, os.version and twoNode\n"
        '  32 |         tag: "{{ kubernetes.distribution }}-{{ kubernetes.version }}-v4.9.38-demo"\n'
        f"     |              {'^' * 69}\n"
        "     = hint: add it to the tag at small.yaml:32:14, for example "
        'tag: "{{ kubernetes.distribution }}-{{ kubernetes.version }}-v4.9.38-demo-{{ fips }}-{{ os.version }}-{{ twoNode }}"; '
        "it does not tell arch either, of which there is one value now\n"
    )


def test_the_tag_that_the_refusal_suggests_gives_every_image_a_name(tmp_path: Path) -> None:
    small = project(tmp_path, NAIVE)
    suggested = re.search(r'tag: ("[^"]*");', small.run("plan", "small.yaml").err)
    assert suggested
    small.manifest.write_text(re.sub(r'tag: ".*"', f"tag: {suggested[1]}", NAIVE))
    images = small.plan()["images"]
    assert len({image["ref"] for image in images}) == len(images) == 144


def test_a_version_that_the_source_does_not_list_is_refused_with_those_that_it_does(tmp_path: Path) -> None:
    ended = project(
        tmp_path, PROFILED.replace("AXIS: VALUES", "fips: [false]").replace('k3s, versions: ["1.34.6"]', 'k3s, versions: ["1.34.2"]')
    ).run("plan", "small.yaml")
    assert ended.code == 3
    assert "error: k8s_version.json lists no k3s 1.34.2\n" in ended.err
    assert "= hint: of 1.34 there are 1.34.5, 1.34.6; `override: {R04: warn}` of the profile lets it pass\n" in ended.err


def test_the_guides_own_k3s_1_28_2_is_refused_at_v4_4_12_with_the_versions_that_exist(over_canvos: Callable[[str], SmallProject]) -> None:
    over = over_canvos("v4.4.12")
    text = (over.root / "manifests" / "seed.yaml").read_text()
    (over.root / "manifests" / "guide.yaml").write_text(text.replace("versions: all", 'versions: ["1.28.2"]'))
    ended = plan(over, "guide", "txt")
    assert ended.code == 3
    assert "error: k8s_version.json lists no k3s 1.28.2\n" in ended.err
    assert "= hint: of 1.28 there are 1.28.5, 1.28.7, 1.28.11, 1.28.13; " in ended.err


@pytest.mark.parametrize(
    ("axis", "one", "both"),
    [
        ("fips", "[true]", "[false, true]"),
        ("fips", "[false]", "[false, true]"),
        ("twoNode", "[true]", "[false, true]"),
        ("cis", "[true]", "[true, false]"),
        ("updateKernel", "[true]", "[false, true]"),
        ("drbd", '["9.2.14"]', '["9.2.13", "9.2.14"]'),
    ],
)
def test_a_name_never_moves_when_an_axis_gets_another_value(tmp_path: Path, axis: str, one: str, both: str) -> None:
    """One today and two tomorrow: what was published keeps its name, and its build."""
    for name, values in (("today", one), ("tomorrow", both)):
        (tmp_path / name).mkdir()
        project(tmp_path / name, PROFILED.replace("AXIS: VALUES", f"{axis}: {values}"))
    today, tomorrow = (named(small_plan(tmp_path / name)) for name in ("today", "tomorrow"))
    assert today
    assert len(tomorrow) > len(today)
    assert today.items() <= tomorrow.items()


def test_an_axis_left_out_has_the_names_of_its_default(tmp_path: Path) -> None:
    for name, axis in (("out", "os"), ("in", "cis: [false]\n    os")):
        (tmp_path / name).mkdir()
        project(tmp_path / name, PROFILED.replace("    os:", f"    {axis}:").replace("    AXIS: VALUES\n", ""))
    out, within = (named(small_plan(tmp_path / name)) for name in ("out", "in"))
    assert set(out) == set(within)
    assert set(out.values()) == set(within.values())


def small_plan(root: Path) -> list[dict[str, str]]:
    plan = SmallProject(root=root).plan()
    keys = {build["name"]: build["key"] for build in plan["builds"]}
    return [{"ref": image["ref"], "key": keys[image["build"]]} for image in plan["images"]]


def named(images: list[dict[str, str]]) -> dict[str, str]:
    """Image name -> build key."""
    return {image["ref"]: image["key"] for image in images}
