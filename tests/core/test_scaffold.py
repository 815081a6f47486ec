from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.adapters.schema_check import check
from matrixbuild.adapters.yaml_files import parse_document
from matrixbuild.core.scaffold import Scaffold, manifest_text
from tests.manifest_texts import told

SMALL = Scaffold(
    name="release",
    origin="For a test.",
    source={"path": "../CanvOS"},
    registry="registry.example.com:5000/edge",
    distribution="ubuntu",
    release="22.04",
    kubernetes="k3s",
    versions=("1.33.10",),
    switches={"fips": False, "arch": "amd64", "drbd": "9.2.13"},
    vars={"customTag": ""},
)


def read(scaffold: Scaffold) -> Any:
    """What the text says, which has to be right."""
    document = parse_document(manifest_text(scaffold).encode(), file="m.yaml")
    assert told(check(document, schema="manifest")) == []
    return document.root.data


def test_all_of_it() -> None:
    assert (
        manifest_text(replace(SMALL, notes=("X=1: look",), args={"A": "b"}))
        == """\
# For a test.
# `matrixbuild schema` prints every key there is, for an editor that completes and checks while you write.
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: release}                   # names the state, .matrixbuild/NAME: one for each manifest of a project
spec:
  profile: canvos                           # what is known of CanvOS: how axes become ARGs, what does not go together and why, what is built
  source: {path: ../CanvOS}                 # relative to this file
  registry: registry.example.com:5000/edge  # where images go: host[:port]/path

  # Values of your own for names and args; `--set customTag=...` on the command line overrides one.
  vars:
    customTag: ""

  # ARGs of the Earthfile that are the same for all.
  args:
    A: "b"

  # Every combination is one cell, and the profile drops what CanvOS cannot build: `matrixbuild list --all` shows what, and why.
  axes:
    os:
      - {distribution: ubuntu, versions: ["22.04"]}
    kubernetes:
      - {distribution: k3s, versions: ["1.33.10"]}  # ranges too: "1.34.x", {latest: 3}, all
    fips: [false]
    arch: [amd64]
    drbd: ["9.2.13"]

  # What else a manifest can say, for example:
  #
  # rules:                            # cells that you do not want
  #   - {name: pilot, when: {twoNode: true}, require: {os.version: "22.04"}, reason: the pilot sites run 22.04}
  # targets: {iso: false}             # provider images alone, without installers
  # schedule: {limits: {cpu: 8, memory: 32Gi, disk: 150Gi}}
  # publish: {tags: mutable}          # tags that exist may move; the default is that they never do

# Of .arg, to be looked at:
#   - X=1: look
"""
    )


def test_what_stands_in_comments_is_right_as_well() -> None:
    text = manifest_text(SMALL)
    head, ideas = text.split("  # What else a manifest can say, for example:\n  #\n")
    lines = [line.replace("  # ", "  ", 1) for line in ideas.splitlines()]
    spelt_out = "\n".join(lines)
    document = parse_document(f"{head}{spelt_out}\n".encode(), file="m.yaml")
    assert told(check(document, schema="manifest")) == []
    assert {"rules", "targets", "schedule", "publish"} <= set(document.root["spec"].entries)


def test_no_versions_are_all_versions() -> None:
    assert read(replace(SMALL, versions=()))["spec"]["axes"]["kubernetes"] == [{"distribution": "k3s", "versions": "all"}]


def test_a_base_image_belongs_to_the_operating_system() -> None:
    found = read(replace(SMALL, base_image="r.example/base:1", source={"git": "https://g.example/x.git", "ref": "v1"}))["spec"]
    assert found["axes"]["os"] == [{"distribution": "ubuntu", "versions": ["22.04"], "args": {"BASE_IMAGE": "r.example/base:1"}}]
    assert found["source"] == {"git": "https://g.example/x.git", "ref": "v1"}


@pytest.mark.parametrize(
    "value", ["yes", "null", "1.30", "", " a", "a: b", "a #b", "x" * 300, '"', "\\", "a\nb", "\x85\u2028\x07", "é日本😀", "'", "- a"]
)
def test_a_value_stays_the_string_it_was(value: str) -> None:
    document = parse_document(manifest_text(replace(SMALL, vars={"v": value}, args={"A": value}, registry=value)).encode(), file="m.yaml")
    spec = document.root["spec"]
    assert (spec["vars"].data, spec["args"].data, spec["registry"].value) == ({"v": value}, {"A": value}, value)


def test_what_looks_like_a_template_is_none() -> None:
    found = read(replace(SMALL, args={"A": "{{ x }} {% y %} {# z #}"}))["spec"]["args"]["A"]
    assert found == "{{ '{{' }} x }} {{ '{%' }} y %} {{ '{#' }} z #}"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_no_note_ends_its_comment(note: str) -> None:
    assert read(replace(SMALL, notes=(note,), origin=note or "x")) == read(SMALL)
