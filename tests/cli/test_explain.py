"""`matrixbuild explain` as a person and as a program see it: whole texts, and JSON that the schema allows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.projects import SmallProject, small_project

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "explain.schema.json").read_text(encoding="utf-8"))

EARTHFILE = """\
VERSION 0.8
FROM alpine:3.20
ARG --global MIRROR=example.com

# The image that all start from.
base-image:
    ARG OS
    ARG SUITE=$OS-updates
    FROM $MIRROR/$OS
    COPY certs/*.pem /certs/
    RUN --secret TOKEN apt-get update && \\
        install $SUITE

image:
    ARG OS
    ARG VERSION
    ARG NAME=reg.example.com/$OS:$VERSION
    ARG SPARE
    FROM +base-image --OS=$OS
    IF [ "$OS" = noble ]
        COPY setup.sh /
        RUN --privileged /setup.sh
    END
    DO +FINISH
    SAVE IMAGE --push $NAME

iso:
    ARG OS
    FROM +base-image --OS=$OS
    SAVE ARTIFACT /x AS LOCAL out/x.iso

report:
    LOCALLY
    RUN env

FINISH:
    FUNCTION
    RUN true
"""

MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: small}
spec:
  source: {path: src}
  registry: registry.example.com/edge
  engine: earthly
  axes:
    os: [jammy, noble]
    version: ["1", "2"]
  args: {OS: "{{ os }}"}
  targets:
    image:
      earthly: +image
      args: {VERSION: "{{ version }}"}
      image: {repository: "{{ registry }}/{{ os }}", tag: "{{ version }}"}
    iso:
      earthly: +iso
      artifacts: [{path: /x, as: "{{ os }}.iso"}]
"""

FILES = {"src/Earthfile": EARTHFILE, "src/certs/a.pem": "", "src/setup.sh": "#!/bin/sh\nset -e\ninstall $VERSION\n"}

IMAGE = """\
+image
  built by the manifest's target image
  VERSION 0.8 (with the features of 0.8)
  4 cells see 2 variants; what not all see is marked with their numbers
  [1] 2 cells: os jammy
  [2] 2 cells: os noble

Used ARGs: 4
  Earthfile:9  FROM $MIRROR/$OS
    MIRROR
    OS
  Earthfile:12  install $SUITE
    SUITE
  Earthfile:22  RUN --privileged /setup.sh
    VERSION [2]  setup.sh:3, which this may run, names it; named in Earthfile:17 for NAME

Name-only ARGs: 1 (they reach nothing but names of images)
  NAME

Unused ARGs: 1 (no path leads from them to anything)
  SPARE

Earthly targets it comes to
  FROM  +base-image  shared with +iso
  DO    +FINISH

Base images (linux/amd64)
  Earthfile:2  alpine:3.20
  Earthfile:9  example.com/jammy [1]
  Earthfile:9  example.com/noble [2]

Files it reads, by Earthly target
  +base-image  certs/*.pem  (1 entry now)
  +image  setup.sh  (1 entry now) [2]

Images it saves (named as the first call that can be told apart names them)
  Earthfile:25  pushed reg.example.com/jammy:1 [1]
  Earthfile:25  pushed reg.example.com/noble:1 [2]

Secrets
  Earthfile:11  TOKEN

Privileged
  Earthfile:22  RUN [2]

Opaque
  time: it fetches what may be another thing tomorrow
    Earthfile:11  RUN --secret TOKEN apt-get update && \\
"""

REPORT = """\
+report
  built by no target of the manifest: looked at with its own defaults and what every target is given
  VERSION 0.8 (with the features of 0.8)
  4 cells see the same; the args of the first: MIRROR=elsewhere.example.com, OS=jammy

Used ARGs: 1
  Earthfile:34  RUN env
    it reads its whole environment, so that every ARG counts:
    MIRROR

Base images (linux/amd64)
  Earthfile:2  alpine:3.20

Files it reads, by Earthly target
  every file of the source counts: it is not known which are read (see Opaque)

Opaque
  inputs: LOCALLY runs commands on the machine that builds, where they may read any file
    Earthfile:33  LOCALLY
  values: it reads its whole environment, which holds every ARG
    Earthfile:34  RUN env
"""

ALL = """\
+base-image  reached from +image, +iso
  ARGs    3 used: MIRROR OS SUITE
  files   certs/*.pem
  opaque  1 time
  secrets TOKEN

+image  built by target image
  ARGs    4 used: MIRROR OS SUITE VERSION
          for names of images alone: NAME
  files   certs/*.pem  setup.sh
  opaque  1 time; needs privileges
  secrets TOKEN

+iso  built by target iso
  ARGs    3 used: MIRROR OS SUITE
  files   certs/*.pem
  opaque  1 time
  secrets TOKEN

+report
  ARGs    1 used: MIRROR
  files   every file of the source
  opaque  1 inputs, 1 values

other+t
  cannot be analysed for 4 cells:
    src/other/Earthfile:4: ARG X is required and has no value
    hint: give it one: --X=...

5 Earthly targets, 1 of which cannot be analysed with these args (give them with --arg NAME=VALUE)
"""


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    return small_project(tmp_path, manifest=MANIFEST, files=FILES)


def test_one_earthly_target(project: SmallProject) -> None:
    ended = project.run("explain", "small.yaml", "+image")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == IMAGE


def test_one_that_no_target_builds(project: SmallProject) -> None:
    ended = project.run("explain", "small.yaml", "+report", "--arg", "MIRROR=elsewhere.example.com")
    assert ended.code == 0
    assert ended.out == REPORT


def test_all_of_a_source(project: SmallProject) -> None:
    (project.root / "src/other").mkdir()
    (project.root / "src/other/Earthfile").write_text("VERSION 0.8\n\nt:\n    ARG --required X\n    FROM scratch\n")
    ended = project.run("explain", "small.yaml")
    assert ended.code == 0
    assert ended.out == ALL


def test_json_is_what_the_schema_says(project: SmallProject) -> None:
    for words in ([], ["+image"], ["+report"]):
        ended = project.run("explain", "small.yaml", *words, "--format", "json")
        assert ended.code == 0
        Draft202012Validator(SCHEMA).validate(ended.json())
    (image,) = project.run("explain", "small.yaml", "+image", "--format", "json").json()["subjects"]
    assert image["declaredBy"] == ["image"]
    (version,) = [used for used in image["used"] if used["name"] == "VERSION"]
    assert version == {
        "name": "VERSION",
        "place": {"file": "Earthfile", "line": 22, "column": 9, "text": "RUN --privileged /setup.sh"},
        "proof": "file",
        "through": [],
        "mentions": [
            {"place": {"file": "Earthfile", "line": 17, "column": 35, "text": "ARG NAME=reg.example.com/$OS:$VERSION"}, "sets": "NAME", "idle": False}
        ],
        "file": {"file": "setup.sh", "line": 3, "column": 10, "text": "install $VERSION"},
        "word": "VERSION",
        "variants": [2],
    }
    assert image["shared"] == {"+base-image": ["+iso"]}
    assert image["functions"] == [{"source": "+image", "function": "+FINISH", "variants": [1, 2]}]


def test_the_image_of_a_need_is_called_what_the_manifest_calls_it(project: SmallProject) -> None:
    needing = '      earthly: +iso\n      needs: [image]\n      args: {BASE: "{{ needs.image.image }}"}\n'
    project.manifest.write_text(MANIFEST.replace("      earthly: +iso\n", needing))
    (project.root / "src/Earthfile").write_text("VERSION 0.8\nimage:\n    FROM scratch\niso:\n    ARG BASE\n    FROM $BASE\n")
    ended = project.run("explain", "small.yaml", "+iso")
    assert "  Earthfile:6  needs['image'].image\n" in ended.out, ended.err
    assert "BASE=needs['image'].image, OS=jammy" in ended.out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["+imag"], 3, "error: there is no target +imag in Earthfile\n  hint: did you mean 'image'?\n"),
        (["image"], 64, "error: 'image' is nothing that can be explained\n  hint: write +target, cell:AXIS=VALUE,..., build:NAME, tag:REGISTRY/REPOSITORY:TAG or field:spec.KEY\n"),
        (["+image", "--arg", "OS"], 64, "error: --arg 'OS' is not NAME=VALUE\n  hint: write --arg ARCH=amd64\n"),
        (["+image", "--arg", "OS=a", "--arg", "OS=b"], 64, "error: --arg gives OS twice\n  hint: leave one of them out\n"),
        (["+image", "--arg", "SPAR=1"], 3, "error: no ARG SPAR is on the path of +image\n  hint: did you mean 'SPARE'?\n"),
        (
            ["--source", "nowhere"],
            8,
            "error: the source 'nowhere' is not a directory\n  hint: --source is relative to the working directory\n",
        ),
    ],
)
def test_mistakes_are_told_in_one_sentence(project: SmallProject, words: list[str], code: int, told: str) -> None:
    ended = project.run("explain", "small.yaml", *words)
    assert (ended.code, ended.out, ended.err) == (code, "", told)
