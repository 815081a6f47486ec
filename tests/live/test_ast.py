"""Our parser and the real program's `debug ast` agree on every Earthfile at hand.

`EARTHFILES=DIR[:DIR]` adds directories: every file below them that is called Earthfile or build.earth, or ends with .earth.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import ast, program

CASES = Path(__file__).parents[1] / "conformance"
# EarthBuild has a parser of its own, which takes more than Earthly's and reads some of it otherwise. We follow Earthly.
OTHERWISE_IN_EARTHBUILD = (
    "arg-no-name",
    "expand-in-cmd",
    "function-without-keyword",
    "if-else-twice",
    "label-double-eq",
    "label-empty-value",
    "label-space-form",
    "let-empty",
    "set-empty-unquoted",
    "syntax-command-after-target",
    "syntax-env-spaces-eq",
    "syntax-target-underscore",
    "version-not-first",
    "version-twice",
)


def earthfiles() -> Iterator[Path]:
    directories = [CASES, *(Path(each) for each in os.environ.get("EARTHFILES", "").split(":") if each)]
    for directory in directories:
        assert directory.is_dir(), f"EARTHFILES: {directory} is no directory"
        yield from sorted(path for path in directory.rglob("*") if path.is_file() and is_earthfile(path.name))


def is_earthfile(name: str) -> bool:
    return name in ("Earthfile", "build.earth") or name.endswith(".earth")


@pytest.fixture(scope="module")
def real() -> program.Program:
    return program.required()


def test_there_are_earthfiles_to_agree_on() -> None:
    assert sum(1 for _ in earthfiles()) > 400


def test_the_parser_agrees(real: program.Program, tmp_path: Path) -> None:
    found = {path: disagreements(path, real, tmp_path) for path in earthfiles()}
    otherwise = (
        {path for path in found if path.parent.name in OTHERWISE_IN_EARTHBUILD and CASES in path.parents} if real.kind == "earthbuild" else set()
    )
    assert {str(path): told for path, told in found.items() if told and path not in otherwise} == {}
    assert [path for path in otherwise if not found[path]] == []


def disagreements(path: Path, real: program.Program, scratch: Path) -> list[str]:
    mine, theirs = ast.ours(path), ast.theirs(real, path, scratch)
    if real.kind == "earthly":
        return ast.differences(mine, theirs)
    return ast.differences(ast.forgiving(mine), ast.forgiving(theirs))
