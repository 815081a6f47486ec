"""The checkout the tests run in -> its files, a copy of it, and a copy in which `make` and `matrixbuild` are ready to use."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path

ROOT = Path(__file__).parents[1]


@cache
def project_files() -> tuple[Path, ...]:
    """What git has or would take, relative to ROOT, sorted; without what is deleted but not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True
    ).stdout.split(b"\0")
    found = {Path(os.fsdecode(name)) for name in listed if name}
    return tuple(sorted(path for path in found if (ROOT / path).is_symlink() or (ROOT / path).is_file()))


def copy_of_checkout(destination: Path) -> Path:
    """The project's files below `destination`, as they are now, committed or not."""
    for folder in {path.parent for path in project_files()}:
        (destination / folder).mkdir(parents=True, exist_ok=True)
    for path in project_files():
        shutil.copy2(ROOT / path, destination / path, follow_symlinks=False)
    return destination


def ready_copy(destination: Path) -> Path:
    """A copy with one commit, as a clone has, and with the tests' own Python in the place where make installs one."""
    destination.mkdir(parents=True)
    subprocess.run(["cp", "-a", f"{_committed()}/.", destination], check=True)
    commands = destination / ".venv" / "bin"
    commands.mkdir(parents=True)
    _script(commands / "python", f'PYTHONPATH="{destination}" exec "{sys.executable}" "$@"')
    # As pip would write it: messages name the program by argv[0].
    start = "import sys; sys.argv[0] = sys.argv.pop(1); from matrixbuild.cli.main import main; sys.exit(main())"
    _script(commands / "matrixbuild", f'exec "{commands}/python" -c "{start}" "$0" "$@"')
    for stamp in (".installed", ".installed-dev"):
        (destination / ".venv" / stamp).touch()
    # Last, so that what a test touches next is newer than the stamps.
    _git(destination, "update-index", "-q", "--refresh")
    return destination


@cache
def _committed() -> Path:
    """Made once: thousands of files to copy and to commit, and the package's modules compiled as they are here."""
    folder = Path(tempfile.mkdtemp(prefix="mb-checkout-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    copy = copy_of_checkout(folder / "copy")
    for path in project_files():
        compiled = Path(cache_from_source(str(path)))
        if path.parts[0] == "matrixbuild" and (ROOT / compiled).is_file():
            (copy / compiled).parent.mkdir(exist_ok=True)
            shutil.copy2(ROOT / compiled, copy / compiled)
    _git(copy, "init", "--quiet")
    _git(copy, "add", "--all")
    _git(copy, "commit", "--quiet", "--message", "a copy for the tests")
    return copy


def _git(copy: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=copy, env=environment(copy), check=True, capture_output=True)


def environment(copy: Path) -> dict[str, str]:
    """What a person's shell has in such a copy: its commands on PATH, a home without anything, no configuration of this machine's git."""
    # Nothing of this test run may reach the child, neither its coverage nor what `make test` was told.
    ours = ("COV_", "COVERAGE_", "PYTEST_", "MAKE", "MFLAGS")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours) and name not in ("PYTHON", "TESTS")}
    home = copy.parent / "home"
    home.mkdir(exist_ok=True)
    return inherited | {
        "PATH": f"{copy / '.venv/bin'}:{os.environ['PATH']}",
        "HOME": str(home),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        **{f"GIT_{who}_{what}": "tests@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }


def _script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
