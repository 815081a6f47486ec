"""`matrixbuild explain` of cells, builds, tags and fields: what a person reads, and what a program does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.projects import MANIFEST, SmallProject, small_project

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "explain.schema.json").read_text(encoding="utf-8"))

RULES = """\
  rules:
    - {name: noble-alone, when: {fips: true}, require: {os: noble}, reason: jammy has no validated kernel}
    - {name: never-jammy-fips, when: {os: jammy}, exclude: {fips: true}, reason: nobody asks for it}
    - {name: new, warn: {os: noble}, reason: noble is new}
"""


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    return small_project(tmp_path, manifest=MANIFEST + RULES)


def text(project: SmallProject, word: str, *words: str) -> str:
    ended = project.run("explain", "small.yaml", word, *words)
    assert ended.code == 0, ended.err
    return ended.out


def found(project: SmallProject, word: str) -> list[dict[str, Any]]:
    shown = json.loads(text(project, word, "--format", "json"))
    Draft202012Validator(SCHEMA).validate(shown)
    assert (shown["kind"], shown["name"]) == ("Explanation", "small")
    subjects: list[dict[str, Any]] = shown["subjects"]
    return subjects


def test_a_cell_that_is_built_has_its_targets_builds_and_names(project: SmallProject) -> None:
    assert text(project, "os=noble,fips=true") == (
        "cell fips=true,os=noble\n"
        "  is built: no rule drops it\n"
        "  remarked on by\n"
        "    new (small.yaml:24): noble is new\n"
        "  image: image[fips=true,os=noble]\n"
        "      oci-layout:registry/noble:1-fips\n"
        "  notes: notes[os=noble]\n"
    )


def test_a_cell_that_is_dropped_has_all_rules_that_drop_it(project: SmallProject) -> None:
    assert text(project, "cell:os=jammy,fips=true") == (
        "cell fips=true,os=jammy\n"
        "  is not built: 2 rules drop it\n"
        "    noble-alone (small.yaml:22): jammy has no validated kernel\n"
        "    never-jammy-fips (small.yaml:23): nobody asks for it\n"
    )


def test_a_cell_with_axes_left_out_is_every_cell_that_it_can_mean(project: SmallProject) -> None:
    cells = found(project, "os=jammy")
    assert [(cell["cell"], cell["built"]) for cell in cells] == [("fips=false,os=jammy", True), ("fips=true,os=jammy", False)]
    assert [rule["name"] for rule in cells[1]["droppedBy"]] == ["noble-alone", "never-jammy-fips"]


def test_an_included_cell_says_so(tmp_path: Path) -> None:
    project = small_project(tmp_path, manifest=MANIFEST.replace("os: [jammy, noble]", "os: [jammy]") + "  include: [{os: noble, fips: true}]\n")
    assert "  is built: `include` adds it\n" in text(project, "os=noble")
    assert found(project, "os=noble")[0]["included"]


def test_a_build_has_everything_that_it_depends_on(project: SmallProject) -> None:
    (build,) = found(project, "image[fips=false,os=jammy]")
    assert text(project, "image[fips=false,os=jammy]") == (
        "build image[fips=false,os=jammy]\n"
        "  build: new\n"
        "  by +image, embedded/1\n"
        f"  key {build['key']}\n"
        "  Cells: 1\n"
        "    fips=false,os=jammy\n"
        "  Image names: 1\n"
        "    oci-layout:registry/jammy:1\n"
        "  ARGs that can change it: 2\n"
        "    FIPS=false\n"
        "    OS=jammy\n"
        "  Files (a directory of many is one): 2\n"
        "    common\n"
        "    jammy.conf\n"
    )


def test_a_build_tells_what_its_name_does_not(tmp_path: Path) -> None:
    project = small_project(tmp_path, manifest=MANIFEST.replace("fips: [false, true]", "fips: [true]").replace("1{{ '-fips' if fips else '' }}", "1"))
    assert "  not told by the name, though they change the content: fips\n" in text(project, "image[fips=true,os=jammy]")
    assert found(project, "image[fips=true,os=jammy]")[0]["uncovered"] == ["fips"]


def test_a_build_that_has_changed_says_why_it_would_run_again(project: SmallProject) -> None:
    project.apply()
    (project.root / "src/jammy.conf").write_text("another\n")
    assert "  rebuild: files jammy.conf\n" in text(project, "image[fips=false,os=jammy]")
    assert "  reuse: unchanged\n" in text(project, "image[fips=false,os=noble]")
    assert found(project, "image[fips=false,os=jammy]")[0]["reasons"] == [
        {"kind": "changed", "changes": [{"field": "files", "name": "jammy.conf", "how": "modified"}]}
    ]


def test_a_build_that_immutable_tags_would_refuse_is_explained_all_the_same(tmp_path: Path) -> None:
    project = small_project(tmp_path, manifest=MANIFEST.replace("  publish: {tags: mutable}\n", ""))
    project.apply()
    (project.root / "src/jammy.conf").write_text("another\n")
    assert project.run("plan", "small.yaml").code == 5
    assert "  rebuild: files jammy.conf\n" in text(project, "image[fips=false,os=jammy]")
    assert "  move: its build has changed\n" in text(project, "oci-layout:registry/jammy:1")


def test_a_tag_has_its_build_its_cells_and_what_the_lock_says(project: SmallProject) -> None:
    assert text(project, "oci-layout:registry/jammy:1") == (
        "tag oci-layout:registry/jammy:1\n"
        "  create: new\n"
        "  published by image[fips=false,os=jammy]\n"
        "  Cells: 1\n"
        "    fips=false,os=jammy\n"
        "  in the lock: nothing\n"
    )
    project.apply()
    digest = project.digests()["oci-layout:registry/jammy:1"]
    assert text(project, "tag:oci-layout:registry/jammy:1").splitlines()[-1] == f"  in the lock: image[fips=false,os=jammy] {digest}"
    (tag,) = found(project, "oci-layout:registry/jammy:1")
    assert (tag["action"], tag["locked"]) == ("leave", {"build": "image[fips=false,os=jammy]", "digest": digest})


def test_a_tag_that_only_the_lock_still_has(project: SmallProject) -> None:
    project.apply()
    project.manifest.write_text(project.manifest.read_text().replace("[jammy, noble]", "[noble]").replace("    - {name: never", "    #"))
    (tag,) = found(project, "oci-layout:registry/jammy:1")
    assert (tag["action"], tag["cells"], "build" in tag) == ("leave", [], False)
    assert tag["locked"]["build"] == "image[fips=false,os=jammy]"


def test_a_field_has_its_documentation_and_what_the_manifest_says(project: SmallProject) -> None:
    assert text(project, "spec.publish.tags") == (
        "field spec.publish.tags\n"
        "  immutable: a tag that exists never moves. mutable: it moves where the plan shows `move`.\n"
        "  text\n"
        "  one of immutable, mutable\n"
        "  default: immutable\n"
        "  example: mutable\n"
        "  here: small.yaml:20: publish: {tags: mutable}\n"
    )
    assert found(project, "field:spec.schedule.silence")[0]["here"] is None
    assert text(project, "spec.schedule.silence").endswith("  here: left out\n")


def test_a_field_is_explained_without_the_source(project: SmallProject) -> None:
    (project.root / "src").rename(project.root / "gone")
    assert text(project, "spec.axes.os").startswith("field spec.axes.os\n  The values of one axis")


@pytest.mark.parametrize(
    ("word", "code", "err"),
    [
        ("os=focal", 3, "error: os is never 'focal'"),
        ("system=jammy", 3, "error: there is no axis 'system'"),
        (
            "build:imgae[fips=false,os=jammy]",
            3,
            "error: there is no build imgae[fips=false,os=jammy]\n  hint: did you mean 'image[fips=false,os=jammy]'?",
        ),
        ("oci-layout:registry/jammy:2", 3, "error: neither the manifest nor its lock has the image name oci-layout:registry/jammy:2"),
        ("spec.publsh", 3, "error: spec has no 'publsh'\n  hint: did you mean 'publish'?"),
        ("jammy", 64, "error: 'jammy' is nothing that can be explained"),
    ],
)
def test_what_there_is_not_is_told(project: SmallProject, word: str, code: int, err: str) -> None:
    ended = project.run("explain", "small.yaml", word)
    assert (ended.code, err in ended.err) == (code, True), ended.err


def test_an_arg_is_for_earthly_targets_alone(project: SmallProject) -> None:
    ended = project.run("explain", "small.yaml", "os=jammy", "--arg", "OS=jammy")
    assert (ended.code, ended.err) == (64, "error: --arg is for Earthly targets, and os=jammy is none\n  hint: leave it out\n")
