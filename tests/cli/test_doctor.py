from __future__ import annotations

import json
from pathlib import Path

from jsonschema import Draft202012Validator

from matrixbuild.cli.show_doctor import checkup_json, checkup_text
from matrixbuild.core.checkup import Check, Checkup, fail, warn
from tests.checkout import ROOT
from tests.projects import SmallProject, small_project

SCHEMA = json.loads((ROOT / "schemas/doctor.schema.json").read_text())
GOOD = Check(name="git", summary="git version 2.39.5")
ODD = warn("docker", "Docker was installed by snap", "install it from its own packages")
BAD = fail("base images", "r.example.com has no base:1", "push it first", about="r.example.com")


def project(tmp_path: Path) -> SmallProject:
    return small_project(tmp_path)


def test_a_line_for_each_check_and_what_to_do_below_it() -> None:
    assert checkup_text(Checkup(manifest="", checks=(GOOD, ODD, BAD))) == (
        "ok    git          git version 2.39.5\n"
        "warn  docker       Docker was installed by snap\n"
        "                   hint: install it from its own packages\n"
        "fail  base images  r.example.com has no base:1\n"
        "                   hint: push it first\n"
        "not ready: 1 of 3 checks failed\n"
    )
    assert checkup_text(Checkup(manifest="", checks=(GOOD, ODD))).endswith("\nready, with 1 to look at\n")
    assert checkup_text(Checkup(manifest="", checks=(GOOD,))) == "ok    git  git version 2.39.5\nready\n"


def test_as_json_it_is_what_the_schema_says() -> None:
    found = Checkup(manifest="m.yaml", checks=(GOOD, ODD, BAD))
    assert json.loads(checkup_json(found)) == found.to_dict()
    Draft202012Validator(SCHEMA).validate(json.loads(checkup_json(found)))


def test_a_manifest_that_is_ready_ends_with_0(tmp_path: Path) -> None:
    ended = project(tmp_path).run("doctor", "small.yaml", "--format", "json")
    found = ended.json()
    Draft202012Validator(SCHEMA).validate(found)
    assert ended.code == 0
    assert (found["healthy"], found["manifest"]) == (True, "small.yaml")


def test_one_that_is_not_ends_with_8(tmp_path: Path) -> None:
    small = project(tmp_path)
    small.manifest.write_text("kind: BuildMatrix\n")
    ended = small.run("doctor", "small.yaml", "--format", "json")
    Draft202012Validator(SCHEMA).validate(ended.json())
    assert ended.code == 8
    ended = small.run("doctor", "small.yaml")
    assert ended.code == 8
    assert ended.out.splitlines()[-1].startswith("not ready: 1 of ")
    assert ended.err == ""


def test_without_a_manifest_this_machine_is_looked_at(tmp_path: Path) -> None:
    ended = project(tmp_path).run("doctor", "--format", "json")
    Draft202012Validator(SCHEMA).validate(ended.json())
    assert {"git", "disk"} <= {check["name"] for check in ended.json()["checks"]}


def test_what_is_selected_counts_alone(tmp_path: Path) -> None:
    ended = project(tmp_path).run("doctor", "small.yaml", "-l", "os=jammy,fips=true", "--format", "json")
    assert ended.json()["checks"][0]["summary"] == "small.yaml: 4 cells, 2 builds (2 by the embedded engine)"
