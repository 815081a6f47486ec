"""Paths become Earthfiles, each read once, with the files around it."""

from __future__ import annotations

from pathlib import Path

from matrixbuild.workflow.linting import Linted, lint_paths
from tests.repositories import repository

SCRATCH = "VERSION 0.8\nbegin:\n  FROM scratch\n"
ON_IT = "VERSION 0.8\nmain:\n  FROM ../lib+begin\n  RUN x\n"
CLEAN = "VERSION 0.8\nmain:\n  FROM alpine\n"


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        (root / name).mkdir(parents=True)
        (root / name / "Earthfile").write_text(text)


def told(linted: tuple[Linted, ...]) -> list[tuple[str, list[str]]]:
    return [(each.file, [finding.rule.name for finding in each.findings]) for each in linted]


def test_a_directory_stands_for_all_below_it(tmp_path: Path) -> None:
    write(tmp_path, app=ON_IT, lib=SCRATCH)
    (tmp_path / "lib" / "build.earth").write_text(CLEAN)
    found = lint_paths([tmp_path, tmp_path / "app" / "Earthfile"])
    assert told(found) == [
        (str(tmp_path / "app" / "Earthfile"), ["no-shell"]),
        (str(tmp_path / "lib" / "Earthfile"), []),
        (str(tmp_path / "lib" / "build.earth"), []),
    ]


def test_the_files_around_are_those_of_the_repository(tmp_path: Path) -> None:
    write(tmp_path, app=ON_IT, lib=SCRATCH)
    assert told(lint_paths([tmp_path / "app" / "Earthfile"])) == [(str(tmp_path / "app" / "Earthfile"), [])]
    repository(tmp_path).commit()
    assert told(lint_paths([tmp_path / "app" / "Earthfile"])) == [(str(tmp_path / "app" / "Earthfile"), ["no-shell"])]


def test_an_earthfile_behind_a_link_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, app=CLEAN)
    (tmp_path / "Earthfile").symlink_to("app/Earthfile")
    assert [each.file for each in lint_paths([tmp_path / "Earthfile", tmp_path / "app" / "Earthfile"])] == [str(tmp_path / "Earthfile")]


def test_a_file_too_large_for_a_script_names_nothing(tmp_path: Path) -> None:
    text = "VERSION 0.6\nFROM alpine\nARG TAG\nmain:\n  COPY data .\n  RUN x\n  SAVE IMAGE main:$TAG\n"
    write(tmp_path, app=text)
    (tmp_path / "app" / "data").write_text("TAG\n")
    assert told(lint_paths([tmp_path / "app"]))[0][1] == []
    (tmp_path / "app" / "data").write_text("TAG\n" * (1 << 18) + "x")
    assert told(lint_paths([tmp_path / "app"]))[0][1] == ["wide-arg"]


def test_one_that_cannot_be_read_keeps_none_from_being_read(tmp_path: Path) -> None:
    write(tmp_path, a="VERSION 0.8\nmain:\n", b="main:\n  RUN x\n", c=ON_IT.replace("../lib+begin", "scratch"))
    found = lint_paths([tmp_path])
    assert [(each.problem.summary if each.problem else "", each.warnings) for each in found] == [
        ("", 0),
        ("the Earthfile has no VERSION", 0),
        ("", 1),
    ]
