"""Rules of the house that no linter knows: small modules, one meaning a word, nothing of one machine."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.checkout import ROOT, project_files

MODULES = [path for path in project_files() if path.parts[0] == "matrixbuild" and path.suffix == ".py"]
PROSE = [path for path in project_files() if path.suffix == ".md" or path.parts[0] in ("schemas", "manifests")]
MOST_LINES = 400
FORBIDDEN_WORDS = re.compile(r"\b(jobs?|destroy\w*)\b", re.IGNORECASE)
SOMEBODYS_HOME = re.compile(rb"/(?:home|Users)/[A-Za-z]")


def text(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_there_is_something_to_check() -> None:
    assert Path("matrixbuild/cli/main.py") in MODULES
    assert Path("README.md") in PROSE


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_is_small_and_says_what_it_is(path: Path) -> None:
    assert len(text(path).splitlines()) <= MOST_LINES, "past 400 lines a module wants a second noun"
    docstring = ast.get_docstring(ast.parse(text(path)))
    assert docstring, "a module opens with one sentence"
    assert docstring.splitlines()[0].endswith((".", ":")), "the first line is a sentence"


def test_words_have_one_meaning() -> None:
    """design: a build is a build; `apply` takes nothing down."""
    found = [
        f"{path}:{number}: {word.group()}"
        for path in (*MODULES, *PROSE)
        for number, line in enumerate(text(path).splitlines(), start=1)
        for word in FORBIDDEN_WORDS.finditer(line)
    ]
    assert not found


def test_nothing_of_this_machine_is_in_a_file() -> None:
    # A checkout in /src or the home /root: such a word stands in images as well.
    here = [os.fsencode(directory) for directory in (ROOT, Path.home()) if len(directory.parts) > 2]
    for path in project_files():
        data = os.fsencode((ROOT / path).readlink()) if (ROOT / path).is_symlink() else (ROOT / path).read_bytes()
        assert not [name for name in here if name in data], path
        assert path.parts[0] == "tests" or not SOMEBODYS_HOME.search(data), path


def test_every_dependency_is_pinned() -> None:
    pyproject = tomllib.loads(text(Path("pyproject.toml")))
    project = pyproject["project"]
    asked = [*pyproject["build-system"]["requires"], *project["dependencies"], *chain(*project["optional-dependencies"].values())]
    pinned = {}
    for line in text(Path("constraints.txt")).splitlines():
        if not line.startswith("#"):
            requirement = Requirement(line)
            assert [one.operator for one in requirement.specifier] == ["=="], line
            pinned[canonicalize_name(requirement.name)] = next(iter(requirement.specifier)).version
    for one in map(Requirement, asked):
        name = canonicalize_name(one.name)
        assert name in pinned, f"{one} is not in constraints.txt"
        assert one.specifier.contains(pinned[name]), f"constraints.txt pins {name} {pinned[name]}, and pyproject.toml wants {one}"


def test_every_dependency_is_used() -> None:
    """What a person must install, the program imports."""
    modules = {"concurrent-log-handler": "concurrent_log_handler", "dockerfile-parse": "dockerfile_parse", "node-semver": "nodesemver"}
    code = "\n".join(text(path) for path in MODULES)
    for one in map(Requirement, tomllib.loads(text(Path("pyproject.toml")))["project"]["dependencies"]):
        module = modules.get(one.name, one.name)
        assert re.search(rf"^\s*(?:from|import) {re.escape(module)}\b", code, re.MULTILINE), f"nothing imports {module}"
