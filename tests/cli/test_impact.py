from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from matrixbuild.adapters.schema_check import schema_text
from matrixbuild.cli import impact
from matrixbuild.core.problems import UsageError
from tests.cli.verbs import run_verb
from tests.projects import MANIFEST, SmallProject, small_project
from tests.repositories import repository
from tests.upstream import git_project


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    made = small_project(tmp_path / "project")
    repository(made.root).commit()
    return made


def edit(project: SmallProject, path: str, old: str, new: str) -> None:
    text = (project.root / path).read_text()
    assert old in text
    (project.root / path).write_text(text.replace(old, new))


def test_files_then_builds_then_the_sum(project: SmallProject) -> None:
    ended = project.run("impact", "small.yaml", "src/common", "src/jammy.conf", "src/gone.conf", "README.md")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "Changed files\n"
        "  common      +image  4 builds\n"
        "  jammy.conf  +image, +notes  3 builds\n"
        "  gone.conf, README.md: nothing\n"
        "\n"
        "Builds\n"
        "  ? image[fips=false,os=jammy]   common, jammy.conf\n"
        "  ? image[fips=false,os=noble]   common\n"
        "  ? image[fips=true,os=jammy]    common, jammy.conf\n"
        "  ? image[fips=true,os=noble]    common\n"
        "  ? notes[os=jammy] for 2 cells  jammy.conf\n"
        "\n"
        "4 changed files, 2 without effect: 5 builds may change, of 6; 4 cells.\n"
    )


def test_everything_one_by_one(project: SmallProject) -> None:
    ended = project.run("impact", "small.yaml", "jammy.conf", "gone", "--all")
    assert ended.out == (
        "Changed files\n"
        "  jammy.conf  +image, +notes  3 builds\n"
        "  gone        affects nothing\n"
        "\n"
        "Builds\n"
        "  ? image[fips=false,os=jammy]  jammy.conf\n"
        "      fips=false,os=jammy\n"
        "  ? image[fips=true,os=jammy]  jammy.conf\n"
        "      fips=true,os=jammy\n"
        "  ? notes[os=jammy]  jammy.conf\n"
        "      fips=false,os=jammy\n"
        "      fips=true,os=jammy\n"
        "\n"
        "2 changed files, 1 without effect: 3 builds may change, of 6; 2 cells.\n"
    )


def test_since_a_commit(project: SmallProject) -> None:
    edit(project, "src/Earthfile", "    LABEL fips=$FIPS\n", "    LABEL fips=$FIPS fixed=1\n")
    edit(project, "small.yaml", "1{{", "2{{")
    ended = project.run("impact", "small.yaml", "--since", "HEAD")
    head = ended.out.split("between ")[1][:12]
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "Changed files\n"
        "  Earthfile  +image  4 builds\n"
        "\n"
        "Builds\n"
        "  ~ image[fips=false,os=jammy]  Earthfile (commands)\n"
        "  ~ image[fips=false,os=noble]  Earthfile (commands)\n"
        "  ~ image[fips=true,os=jammy]   Earthfile (commands)\n"
        "  ~ image[fips=true,os=noble]   Earthfile (commands)\n"
        "\n"
        "Notes\n"
        f"  the manifest itself differs between {head} and the worktree: what that affects is not told here but by `plan`\n"
        "\n"
        "1 changed file: 4 builds change, of 6; 4 cells.\n"
    )


def test_nothing_affected(project: SmallProject) -> None:
    edit(project, "src/Earthfile", "notes:\n", "# why\nnotes:\n")
    ended = project.run("impact", "small.yaml", "--since", "HEAD", "--detailed-exitcode")
    assert (ended.code, ended.out) == (0, "Changed files\n  Earthfile: nothing\n\n1 changed file: no build is affected, of 6.\n")


def test_the_exit_code_tells_on_request(project: SmallProject) -> None:
    assert project.run("impact", "small.yaml", "src/common").code == 0
    assert project.run("impact", "small.yaml", "src/common", "--detailed-exitcode").code == 2


@pytest.mark.parametrize("words", [("src/common", "elsewhere"), ("--since", "HEAD"), ("--range", "HEAD..HEAD"), ("src/Earthfile",)])
def test_json_is_what_its_schema_says(project: SmallProject, words: tuple[str, ...]) -> None:
    (project.root / "src/common").write_text("changed")
    ended = project.run("impact", "small.yaml", *words, "--format", "json")
    schema = json.loads(schema_text("impact"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(ended.json())


def test_json(project: SmallProject) -> None:
    (project.root / "src/jammy.conf").write_text("changed")
    (project.root / "src/unread").write_text("")
    image = {"effect": "changed", "files": [{"path": "jammy.conf", "targets": ["+image"]}], "through": [], "inputs": ["files"]}
    names = ["image[fips=false,os=jammy]", "image[fips=true,os=jammy]", "notes[os=jammy]"]
    assert project.run("impact", "small.yaml", "--since", "HEAD", "--format", "json").json() == {
        "kind": "Impact",
        "impactVersion": 1,
        "name": "small",
        "exact": True,
        "counts": {"builds": 6, "affected": 3, "cells": 2},
        "files": [
            {"path": "jammy.conf", "targets": ["+image", "+notes"], "builds": names},
            {"path": "unread", "targets": [], "builds": []},
        ],
        "builds": [
            {"name": names[0], **image, "cells": ["fips=false,os=jammy"]},
            {"name": names[1], **image, "cells": ["fips=true,os=jammy"]},
            {
                "name": names[2],
                **image,
                "files": [{"path": "jammy.conf", "targets": ["+notes"]}],
                "cells": ["fips=false,os=jammy", "fips=true,os=jammy"],
            },
        ],
        "notes": [],
    }


def test_a_large_impact_fits_a_screen(tmp_path: Path) -> None:
    systems = ", ".join(f"s{number}" for number in range(40))
    files = {"src/Earthfile": small_project(tmp_path / "x").root.joinpath("src/Earthfile").read_text(), "src/common": ""}
    many = {f"src/s{number}.conf": "" for number in range(40)}
    project = small_project(tmp_path / "p", manifest=MANIFEST.replace("jammy, noble", systems), files={**files, **many})
    ended = project.run("impact", "small.yaml", *many, "src/common")
    assert ended.code == 0, ended.err
    assert len(ended.out.splitlines()) <= 40
    assert "and 29 more that affect builds" in ended.out
    assert "41 changed files: 120 builds may change, of 120; 80 cells." in ended.out
    every = project.run("impact", "small.yaml", *many, "src/common", "--all").out
    assert all(f"  ? notes[os=s{number}]" in every for number in range(40))


def test_builds_that_are_alike_are_one_line(tmp_path: Path) -> None:
    manifest = MANIFEST.replace("jammy, noble", ", ".join(f"s{number}" for number in range(10)))
    files = {"src/Earthfile": small_project(tmp_path / "x").root.joinpath("src/Earthfile").read_text(), "src/common": ""}
    project = small_project(tmp_path / "p", manifest=manifest, files={**files, **{f"src/s{number}.conf": "" for number in range(10)}})
    ended = project.run("impact", "small.yaml", "src/common")
    assert ended.out == (
        "Changed files\n"
        "  common  +image  20 builds\n"
        "\n"
        "Builds\n"
        "  ?    20  image  common\n"
        "           fips false, true; os s0, s1, s2 and 7 more\n"
        "\n"
        "1 changed file: 20 builds may change, of 30; 20 cells.\n"
    )


@pytest.mark.parametrize("data", [b"src/common\nnoble.conf\n", b"src/common\r\nnoble.conf", b"src/common\0noble.conf\0"])
def test_files_from_stdin(project: SmallProject, monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    found = project.run("impact", "small.yaml", "-", "jammy.conf", "--format", "json").json()
    assert [file["path"] for file in found["files"]] == ["common", "noble.conf", "jammy.conf"]


def test_no_file_on_stdin_is_no_change(project: SmallProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert project.run("impact", "small.yaml", "-").out == "0 changed files: no build is affected, of 6.\n"


def test_a_name_that_would_break_a_line_does_not(project: SmallProject) -> None:
    (project.root / "src/a\nb\udcff").write_text("")
    ended = project.run("impact", "small.yaml", "--since", "HEAD")
    assert ended.out == "Changed files\n  a\\nb\\udcff: nothing\n\n1 changed file: no build is affected, of 6.\n"
    assert project.run("impact", "small.yaml", "--since", "HEAD", "--format", "json").json()["files"][0]["path"] == "a\nb\udcff"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "impact needs to know what changed"),
        (("a", "--since", "HEAD"), "impact takes either changed files or a range"),
        (("--since", "HEAD", "--range", "a..b"), "impact takes either changed files or a range"),
        (("--range", "HEAD"), "'HEAD' is not a range of commits"),
        (("--range", ""), "'' is not a range of commits"),
        (("",), "an empty path names no file"),
    ],
)
def test_what_the_command_line_must_say(project: SmallProject, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        run_verb(impact, str(project.manifest), *words)
    assert str(caught.value) == message
    assert project.run("impact", "small.yaml", *words).code == 64


def test_an_unknown_revision_is_told(project: SmallProject) -> None:
    ended = project.run("impact", "small.yaml", "--since", "nope")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == (f"error: git knows no commit 'nope' in {project.root}/src\n  hint: a branch, a tag or a commit that this clone has\n")


def test_no_repository_is_told(tmp_path: Path) -> None:
    made = small_project(tmp_path)
    ended = made.run("impact", "small.yaml", "--since", "HEAD")
    assert ended.code == 8
    assert ended.err == f"error: {tmp_path}/src is in no git repository\n  hint: name the changed files instead of a range\n"


@pytest.mark.parametrize("words", [("--since", "HEAD"), ("--range", "HEAD~1..HEAD")])
def test_commits_of_a_source_elsewhere_are_compared_in_a_clone_of_it(tmp_path: Path, words: tuple[str, ...]) -> None:
    made = git_project(tmp_path)
    ended = made.run("impact", "small.yaml", *words)
    assert (ended.code, ended.out) == (8, "")
    assert "error: the source is a git repository elsewhere, and commits are compared where its history is\n" in ended.err
    assert ended.err.endswith("= hint: name a clone of it: --source DIR\n")
    assert made.run("impact", "small.yaml", "--source", "../upstream", "--since", "HEAD").code == 0
