"""What `explain` tells of a CanvOS checkout: what holds at every tag, and what only where the Earthfile no longer reads its whole environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.projects import SmallProject, small_project

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "explain.schema.json").read_text(encoding="utf-8"))

MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: edge}
spec:
  source: {path: src}
  registry: registry.example.com/edge
  engine: earthly
  axes:
    os:
      - {distribution: ubuntu, versions: ["20.04", "22.04"]}
    kubernetes:
      - {distribution: k3s, versions: ["1.27.2", "1.27.5"]}
      - {distribution: rke2, versions: ["1.27.2"]}
    twoNode: [false, true]
  args: {ARCH: amd64, OS_DISTRIBUTION: "{{ os.distribution }}", OS_VERSION: "{{ os.version }}"}
  targets:
    provider:
      earthly: +provider-image
      args:
        K8S_DISTRIBUTION: "{{ kubernetes.distribution }}"
        K8S_VERSION: "{{ kubernetes.version }}"
        TWO_NODE: "{{ twoNode }}"
        IMAGE_REGISTRY: "{{ registry }}"
        IMAGE_REPO: "{{ os }}"
        CUSTOM_TAG: x
      image: {repository: "{{ registry }}/{{ os }}", tag: "{{ kubernetes }}-{{ twoNode }}"}
    iso:
      earthly: +iso
      axes: [os]
      args: {ISO_NAME: edge}
      artifacts: [{path: /build/edge.iso, as: "{{ os }}.iso"}]
"""

KUBERNETES = {"K8S_DISTRIBUTION", "K8S_VERSION", "TWO_NODE", "IMAGE_REPO"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, canvos: Path) -> SmallProject:
    root = tmp_path_factory.mktemp("canvos")
    (root / "src").symlink_to(canvos.resolve())
    return small_project(root, manifest=MANIFEST, files={})


@pytest.fixture(scope="module")
def overview(project: SmallProject) -> dict[str, Any]:
    ended = project.run("explain", "small.yaml", "--format", "json")
    assert ended.code == 0, ended.err
    Draft202012Validator(SCHEMA).validate(ended.json())
    return {each["earthly"]: each for each in ended.json()["subjects"]}


def used(found: dict[str, Any]) -> set[str]:
    return {each["name"] for each in found["used"]}


def analysed(overview: dict[str, Any], earthly: str) -> dict[str, Any]:
    """What was found of an Earthly target, which must be there and have been analysed for every cell."""
    found: dict[str, Any] = overview[earthly]
    assert not [variant["problem"] for variant in found["variants"] if "problem" in variant]
    return found


def reads_its_environment(overview: dict[str, Any]) -> bool:
    """Up to v4.6 +base-image has its /etc/os-release written by envsubst, which reads every ARG."""
    return any(each["proof"] == "environment" for each in overview["+base-image"]["used"])


def test_an_overview_has_every_earthly_target_with_what_it_depends_on_or_why_not(overview: dict[str, Any], canvos: Path) -> None:
    lines = (canvos / "Earthfile").read_text(encoding="utf-8").splitlines()
    written = {f"+{line.rstrip(':')}" for line in lines if line.endswith(":") and line[:1].islower() and " " not in line}
    assert written <= set(overview)
    for found in overview.values():
        problems = [variant["problem"] for variant in found["variants"] if "problem" in variant]
        assert found["used"] or problems
        assert all(problem["summary"] and problem["hint"] for problem in problems)


def test_the_text_of_an_overview_fits_a_terminal(project: SmallProject, overview: dict[str, Any]) -> None:
    ended = project.run("explain", "small.yaml")
    assert ended.code == 0
    for earthly in overview:
        assert f"\n{earthly}" in f"\n{ended.out}"


def test_a_provider_image_depends_on_kubernetes_and_an_iso_does_not(overview: dict[str, Any]) -> None:
    provider = analysed(overview, "+provider-image")
    assert {"K8S_DISTRIBUTION", "K8S_VERSION", "TWO_NODE"} <= used(provider)
    if not reads_its_environment(overview):
        assert not used(analysed(overview, "+iso")) & KUBERNETES
        assert not used(analysed(overview, "+base-image")) & KUBERNETES
        assert {"IMAGE_REGISTRY", "IMAGE_REPO", "CUSTOM_TAG"} <= {each["name"] for each in provider["nameOnly"]}


def test_where_the_environment_is_read_every_arg_counts_and_a_dead_mention_is_explained(overview: dict[str, Any]) -> None:
    """v4.4.12: K8S_VERSION sets BASE_K8S_VERSION in +base-image, which no line names."""
    if not reads_its_environment(overview):
        pytest.skip("this checkout reads no whole environment in +base-image")
    (found,) = [each for each in analysed(overview, "+base-image")["used"] if each["name"] == "K8S_VERSION"]
    assert (found["proof"], "envsubst" in found["place"]["text"]) == ("environment", True)
    dead = [each for each in found["mentions"] if each.get("sets") == "BASE_K8S_VERSION"]
    assert all(each["idle"] and "K8S_VERSION" in each["place"]["text"] for each in dead)
    assert found["mentions"], "IMAGE_PATH holds it, if nothing else"


def test_every_line_that_proves_something_names_it_or_says_why_it_counts(overview: dict[str, Any], canvos: Path) -> None:
    for found in overview.values():
        for each in found["used"]:
            place = each["place"]
            lines = (canvos / place["file"]).read_text(encoding="utf-8").splitlines()
            assert lines[place["line"] - 1].strip() == place["text"]
            named = each["through"][-1]["name"] if each["through"] else each["name"]
            if each["proof"] in ("named", "through"):
                assert named in place["text"], (found["earthly"], each)
            if each["proof"] == "file":
                assert each["word"] in each["file"]["text"]


def test_what_is_read_agrees_with_the_tree(overview: dict[str, Any], canvos: Path) -> None:
    provider = {source["target"]: source for source in analysed(overview, "+provider-image")["sources"]}
    assert "overlay/files/etc/" in provider["+provider-image"]["patterns"]
    assert "Dockerfile" in [made["file"] for made in analysed(overview, "+base-image")["dockerfiles"]]
    iso = {pattern for source in analysed(overview, "+iso")["sources"] for pattern in source["patterns"]}
    assert {"overlay/files-iso/", "user-data", "content-*/*.zst"} <= iso
    for source in provider.values():
        assert all((canvos / path).exists() or (canvos / path).is_symlink() for path in source["paths"])


def test_what_both_come_to_is_shared(overview: dict[str, Any]) -> None:
    assert analysed(overview, "+provider-image")["shared"]["+base-image"] == ["+iso"]
    assert set(overview["+base-image"]["reachedBy"]) == {"+provider-image", "+iso"}


def test_images_have_the_names_that_canvos_gives_them(overview: dict[str, Any], canvos: Path) -> None:
    text = (canvos / "Earthfile").read_text(encoding="utf-8")
    version = next(line.partition("=")[2] for line in text.splitlines() if line.startswith("ARG PE_VERSION="))
    names = {name for image in analysed(overview, "+provider-image")["images"] for name in image["names"]}
    assert f"registry.example.com/edge/ubuntu-22.04:k3s-1.27.2-{version}-x" in names
