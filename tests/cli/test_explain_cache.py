"""`matrixbuild explain --cache` as a person and as a program see it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.projects import SmallProject, small_project

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "explain.schema.json").read_text(encoding="utf-8"))

EARTHFILE = """\
VERSION 0.6
FROM alpine:3.20
ARG OS
ARG RELEASE
ARG CHANNEL

common:
    RUN upgrade $OS
    RUN --no-cache fetch

image:
    FROM +common
    RUN install $RELEASE
    SAVE IMAGE image

other:
    FROM +common
    RUN --no-cache nobody builds this
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
    release: ["1", "2"]
  targets:
    image:
      earthly: +image
      args: {OS: "{{ os }}", RELEASE: "{{ release }}"}
      image: {repository: "{{ registry }}/{{ os }}", tag: "{{ release }}"}
"""

TEXT = """\
Earthfile
           builds  made  unshared  commands
  +common       4     2         4         2
  +image        4     4         4         1

  What stands in the way
    Earthfile:9  +common runs it in every build (--no-cache), and what follows it there

  ARGs that are declared elsewhere
    OS  from Earthfile:3 to +common
    RELEASE  from Earthfile:4 to +image

--- Earthfile (as written)
+++ Earthfile (as built)
@@ -1,15 +1,15 @@
 VERSION 0.6
 FROM alpine:3.20
-ARG OS
-ARG RELEASE
 ARG CHANNEL
\x20
 common:
+    ARG OS
     RUN upgrade $OS
     RUN --no-cache fetch
\x20
 image:
     FROM +common
+    ARG RELEASE
     RUN install $RELEASE
     SAVE IMAGE image
\x20
"""


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    return small_project(tmp_path, manifest=MANIFEST, files={"src/Earthfile": EARTHFILE})


def text(project: SmallProject, *words: str) -> str:
    ended = project.run("explain", "small.yaml", "--cache", *words)
    assert ended.code == 0, ended.err
    return ended.out


def test_what_is_shared_what_stands_in_the_way_and_the_rewritten_lines(project: SmallProject) -> None:
    assert text(project) == TEXT


IMAGE = """\
Earthfile
          builds  made  unshared  commands
  +image       4     4         4         1

  ARGs that are declared elsewhere
    RELEASE  from Earthfile:4 to +image

--- Earthfile (as written)
+++ Earthfile (as built)
@@ -11,5 +10,6 @@
 image:
     FROM +common
+    ARG RELEASE
     RUN install $RELEASE
     SAVE IMAGE image
\x20
"""

COMMON = """\
Earthfile
           builds  made  unshared  commands
  +common       4     2         4         2

  What stands in the way
    Earthfile:9  +common runs it in every build (--no-cache), and what follows it there

  ARGs that are declared elsewhere
    OS  from Earthfile:3 to +common

--- Earthfile (as written)
+++ Earthfile (as built)
@@ -7,4 +5,5 @@
 common:
+    ARG OS
     RUN upgrade $OS
     RUN --no-cache fetch
\x20
"""


def test_of_one_earthly_target_only_what_is_about_it(project: SmallProject) -> None:
    assert text(project, "+image") == IMAGE
    assert text(project, "+common") == COMMON
    (subject,) = json.loads(text(project, "+image", "--format", "json"))["subjects"]
    Draft202012Validator(SCHEMA).validate({"kind": "Explanation", "name": "small", "subjects": [subject], "problems": []})
    assert subject["diff"] == IMAGE.splitlines()[IMAGE.splitlines().index("--- Earthfile (as written)") :]
    assert subject["obstacles"] == []
    ended = project.run("explain", "small.yaml", "--cache", "+other")
    assert ended.code == 3
    assert "no build of small comes to +other and runs a command there" in ended.err


def test_an_arg_that_cannot_leave_the_base_recipe_stands_in_the_way_of_every_target(project: SmallProject) -> None:
    (project.root / "src" / "Earthfile").write_text(EARTHFILE.replace("RUN upgrade $OS", "RUN upgrade $OS; env"))
    for target in ("+image", "+common"):
        told = text(project, target).splitlines()
        assert told[0] == "Earthfile, as its author wrote it"
        assert [line.split(":")[0].strip() for line in told if "cannot leave" in line] == ["Earthfile", "Earthfile"]


def test_an_earthly_target_of_another_earthfile_has_no_lines_in_this_one(project: SmallProject) -> None:
    sub = "VERSION 0.6\ncommon:\n    FROM alpine:3.20\n    RUN more\n"
    (project.root / "src" / "sub").mkdir()
    (project.root / "src" / "sub" / "Earthfile").write_text(sub)
    (project.root / "src" / "Earthfile").write_text(EARTHFILE.replace("    FROM +common\n    RUN install", "    FROM ./sub+common\n    RUN install"))
    for_all = MANIFEST.replace('OS: "{{ os }}", ', "").replace("  engine: earthly\n", '  engine: earthly\n  args: {OS: "{{ os }}"}\n')
    project.manifest.write_text(for_all)
    assert text(project, "./sub+common") == (
        "Earthfile\n              builds  made  unshared  commands\n  sub+common       2     1         2         1\n"
    )


def test_json_is_as_the_schema_says(project: SmallProject) -> None:
    found = json.loads(text(project, "--format", "json"))
    Draft202012Validator(SCHEMA).validate(found)
    (subject,) = found["subjects"]
    assert [(each["target"], each["times"], each["unshared"]) for each in subject["targets"]] == [("+common", 2, 4), ("+image", 4, 4)]
    assert [(each["name"], [into["target"] for into in each["into"]]) for each in subject["moved"]] == [("OS", ["+common"]), ("RELEASE", ["+image"])]
    assert subject["diff"] == TEXT.splitlines()[TEXT.splitlines().index("--- Earthfile (as written)") :]


def test_what_cannot_be_narrowed_is_told_with_its_line(project: SmallProject) -> None:
    earthfile = project.root / "src/Earthfile"
    earthfile.write_text(EARTHFILE.replace("RUN upgrade $OS", "RUN upgrade $OS; env"))
    shown = text(project)
    assert shown.startswith("Earthfile, as its author wrote it\n")
    assert shown.count("Earthfile:8  OS cannot leave the base recipe: ") == 1
    assert shown.count("Earthfile:8  RELEASE cannot leave the base recipe: ") == 1
    assert "+++" not in shown


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  engine: earthly\n", "  engine: earthly\n  schedule: {share: false}\n", "schedule.share is false: every Earthfile is built as its author wrote it"),
        ("engine: earthly", "engine: embedded", "these builds are for the embedded engine, which runs no commands: there are no steps to share"),
    ],
)
def test_why_nothing_is_shared(project: SmallProject, old: str, new: str, told: str) -> None:
    if "embedded" in new:
        (project.root / "src/Earthfile").write_text("VERSION 0.8\nimage:\n    ARG OS\n    ARG RELEASE\n    FROM scratch\n    LABEL os=$OS\n    LABEL r=$RELEASE\n")
    project.manifest.write_text(MANIFEST.replace(old, new))
    assert text(project) == f"Nothing is shared: {told}.\n"
    Draft202012Validator(SCHEMA).validate(json.loads(text(project, "--format", "json")))


@pytest.mark.parametrize("words", [["--arg", "OS=x"], ["os=jammy"], ["registry.example.com/edge/jammy:1"]])
def test_it_is_about_builds_alone(project: SmallProject, words: list[str]) -> None:
    ended = project.run("explain", "small.yaml", *words, "--cache")
    assert ended.code == 64
    assert "--cache is about the builds of a manifest, of one Earthly target at most" in ended.err
