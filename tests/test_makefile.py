"""What a person meets who has git and make, and a Python that may lack something."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT, environment, ready_copy

TOOLS = ("awk", "sh", "rm", "test", "touch")


def make(directory: Path, *arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    env = environment(directory) | ({"PATH": str(path)} if path else {})
    program = shutil.which("make") or "make"
    return subprocess.run([program, *arguments], cwd=directory, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout where make has done nothing yet."""
    directory = tmp_path / "bare"
    directory.mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, directory)
    return directory


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A PATH with a shell's tools, and whatever Python a test puts there."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for tool in TOOLS:
        (directory / tool).symlink_to(shutil.which(tool) or tool)
    return directory


def python(path: Path, name: str, *, before: str) -> None:
    """A Python called `name` in which `before` has happened."""
    code = path.parent / f"{name}-site"
    code.mkdir()
    (code / "sitecustomize.py").write_text(before)
    script = path / name
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{code}" exec "{sys.executable}" "$@"\n')
    script.chmod(0o755)


WITHOUT_ENSUREPIP = "import sys; sys.modules['ensurepip'] = None"
TOO_OLD = "import sys; sys.version_info = (3, 10, 13, 'final', 0)"
COMPLETE = ""


def first_line(done: subprocess.CompletedProcess[str]) -> str:
    return done.stderr.splitlines()[0]


@pytest.mark.parametrize("target", ["quickstart", "test"])
def test_no_python_at_all(bare: Path, path: Path, target: str) -> None:
    done = make(bare, target, path=path)
    assert done.returncode == 2
    assert first_line(done) == "matrixbuild needs Python 3.11 or later on PATH (Debian: apt-get install python3 python3-venv)"
    assert done.stdout == ""


def test_only_an_old_python(bare: Path, path: Path) -> None:
    python(path, "python3", before=TOO_OLD)
    done = make(bare, "quickstart", path=path)
    assert first_line(done) == "matrixbuild needs Python 3.11 or later on PATH (Debian: apt-get install python3 python3-venv)"


def test_an_old_python_asked_for(bare: Path, path: Path) -> None:
    python(path, "python-old", before=TOO_OLD)
    assert first_line(make(bare, "quickstart", "PYTHON=python-old", path=path)) == "python-old is not Python 3.11 or later"


def test_a_python_without_the_venv_module(bare: Path, path: Path) -> None:
    python(path, "python3", before=WITHOUT_ENSUREPIP)
    done = make(bare, "quickstart", path=path)
    assert done.returncode == 2
    hint = "install its venv module (Debian: apt-get install python3-venv)"
    assert first_line(done) == f"python3 cannot make a virtual environment: {hint}"
    assert not (bare / ".venv").exists()


def test_a_python_with_the_venv_module_goes_before_a_newer_one_without(bare: Path, path: Path) -> None:
    python(path, "python3.13", before=WITHOUT_ENSUREPIP)
    python(path, "python3", before=COMPLETE)
    done = make(bare, "--dry-run", "quickstart", path=path)
    assert done.returncode == 0
    assert "python3 -m venv" in done.stdout


def test_what_is_installed_is_not_installed_again(tmp_path: Path) -> None:
    copy = ready_copy(tmp_path / "copy")
    for target in ("quickstart", "test", "lint", "docs"):
        done = make(copy, "--dry-run", target)
        assert done.returncode == 0
        assert "pip install" not in done.stdout


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt"])
def test_what_changed_is_installed_again(tmp_path: Path, changed: str) -> None:
    copy = ready_copy(tmp_path / "copy")
    (copy / changed).touch()
    assert "pip install" in make(copy, "--dry-run", "quickstart").stdout
    assert ".[dev]" in make(copy, "--dry-run", "test").stdout


def test_help_names_every_target(bare: Path) -> None:
    listed = [line.split()[1] for line in make(bare).stdout.splitlines()]
    assert listed == ["help", "quickstart", "test", "lint", "bench", "soak", "docs", "clean"]
