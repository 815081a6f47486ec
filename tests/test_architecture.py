"""Imports point one way, the core reaches for nothing, and what needs nothing loads nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT, copy_of_checkout

LINTER = Path(sys.executable).with_name("lint-imports")
HEAVY = {
    "concurrent_log_handler", "dask", "distributed", "docker", "dockerfile_parse", "jinja2", "jsonschema",
    "networkx", "rich", "ruamel", "tenacity", "urllib3", "yaml",
}
RUN_AND_LIST_MODULES = """
import json, runpy, sys
sys.argv[0] = "matrixbuild"
try:
    runpy.run_module("matrixbuild", run_name="__main__")
except SystemExit as end:
    status = end.code
print(json.dumps([status, sorted(sys.modules)]), file=sys.stderr)
"""


def lint(directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LINTER, "--no-cache"], cwd=directory, capture_output=True, text=True, check=False)


def modules_of(*arguments: str) -> tuple[int, set[str]]:
    """Exit code of `matrixbuild ARGUMENTS...` and the top-level modules loaded at its end."""
    status, names = loaded(*arguments)
    return status, {name.partition(".")[0] for name in names}


def loaded(*arguments: str) -> tuple[int, set[str]]:
    """The same with all modules, by their full names."""
    command = [sys.executable, "-c", RUN_AND_LIST_MODULES, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    status, names = json.loads(done.stderr.splitlines()[-1])
    return int(status or 0), set(names)


def test_the_contracts_hold() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line", "told"),
    [
        ("core/cells.py", "import matrixbuild.adapters.state", "matrixbuild.core.cells -> matrixbuild.adapters.state"),
        ("adapters/state.py", "import matrixbuild.workflow.reading", "matrixbuild.adapters.state -> matrixbuild.workflow.reading"),
        ("workflow/reading.py", "import matrixbuild.cli.main", "matrixbuild.workflow.reading -> matrixbuild.cli.main"),
        ("core/cells.py", "import os", "matrixbuild.core.cells -> os"),
        ("core/earthfile/walk.py", "from pathlib import Path", "matrixbuild.core.earthfile.walk -> pathlib"),
        ("core/cells.py", "import time", "matrixbuild.core.cells -> time"),
    ],
)
def test_the_contracts_find_what_breaks_them(tmp_path: Path, module: str, line: str, told: str) -> None:
    copy = copy_of_checkout(tmp_path / "copy")
    with (copy / "matrixbuild" / module).open("a") as file:
        file.write(f"\n{line}\n")
    done = lint(copy)
    assert done.returncode == 1
    assert told in done.stdout


def test_a_package_beside_the_layers_is_found(tmp_path: Path) -> None:
    copy = copy_of_checkout(tmp_path / "copy")
    (copy / "matrixbuild" / "helpers.py").write_text('"""Nowhere in the layers."""\n')
    done = lint(copy)
    assert done.returncode == 1
    assert "helpers" in done.stdout


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("plan", "--help"), ("apply", "--help"), ("version",)])
def test_what_needs_nothing_loads_nothing(arguments: tuple[str, ...]) -> None:
    status, modules = modules_of(*arguments)
    assert status == 0
    assert not modules & HEAVY


def test_a_verb_loads_what_it_needs() -> None:
    """The other side: the list of modules is one that could have failed the test above."""
    status, modules = modules_of("validate", "manifests/quickstart.yaml")
    assert status == 0
    assert {"ruamel", "jinja2"} <= modules


def test_only_a_manifest_that_is_wrong_loads_the_validator(tmp_path: Path) -> None:
    wrong = tmp_path / "m.yaml"
    wrong.write_text("kind: BuildMatrix\n")
    assert "jsonschema" not in modules_of("validate", "manifests/quickstart.yaml")[1]
    status, modules = modules_of("validate", str(wrong))
    assert status == 3
    assert "jsonschema" in modules


def test_a_plan_needs_no_registry_client_and_nothing_that_draws() -> None:
    status, modules = modules_of("plan", "manifests/quickstart.yaml")
    assert status == 0
    assert not modules & {"dask", "distributed", "docker", "rich", "tenacity", "urllib3"}


def test_a_plan_loads_nothing_of_what_its_manifest_does_without() -> None:
    """A directory needs no git, targets of its own no profile, and nobody but a run talks to registries or fails."""
    status, modules = loaded("plan", "manifests/quickstart.yaml")
    assert status == 0
    parts = {"adapters.git", "adapters.git_mirror", "adapters.git_tree", "core.catalogs", "core.failure", "core.profile", "core.registry"}
    assert not modules & {"subprocess", *(f"matrixbuild.{part}" for part in parts)}
    assert {"matrixbuild.adapters.source", "matrixbuild.core.facts", "matrixbuild.core.plan"} <= modules
