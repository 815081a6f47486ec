"""The wheel carries all the program reads, and works far from the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.checkout import ROOT, copy_of_checkout, project_files


def build(kind: str, source: Path, destination: Path) -> Path:
    """Build a `wheel` or `sdist`, without network: hatchling and all it needs are installed with the tests' tools."""
    subprocess.run([sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(destination)], cwd=source, check=True)
    return next(destination.iterdir())


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_checkout(tmp_path_factory.mktemp("source") / "copy")


@pytest.fixture(scope="module")
def wheel(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", copy, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory)
    return directory


def run(unpacked: Path, *arguments: str) -> str:
    """What the unpacked wheel prints, in a directory without a checkout."""
    environment = os.environ | {"PYTHONPATH": str(unpacked)}
    command = [sys.executable, "-m", "matrixbuild", *arguments]
    return subprocess.run(command, cwd=unpacked.parent, env=environment, check=True, capture_output=True, text=True).stdout


def names(archive: Path) -> set[str]:
    with zipfile.ZipFile(archive) as opened:
        return {name for name in opened.namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_the_package_and_the_schemas_and_nothing_else(wheel: Path) -> None:
    package = {str(path) for path in project_files() if path.parts[0] == "matrixbuild"}
    schemas = {f"matrixbuild/{path}" for path in project_files() if path.parts[0] == "schemas"}
    assert "matrixbuild/profiles/__init__.py" in package
    assert "matrixbuild/schemas/manifest.schema.json" in schemas
    assert names(wheel) == package | schemas


def test_a_wheel_made_from_the_source_archive_is_the_same(copy: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(build("sdist", copy, tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    again = build("wheel", next(tmp_path.glob("matrixbuild-*")), tmp_path / "wheel")
    assert names(again) == names(wheel)


def test_the_wheel_finds_its_own_schemas(unpacked: Path) -> None:
    module = subprocess.run(
        [sys.executable, "-c", "import matrixbuild; print(matrixbuild.__file__)"],
        cwd=unpacked.parent,
        env=os.environ | {"PYTHONPATH": str(unpacked)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert Path(module.strip()).is_relative_to(unpacked)
    for name in ("manifest", "lock", "plan"):
        assert run(unpacked, "schema", name) == (ROOT / f"schemas/{name}.schema.json").read_text()
    # Not by way of a checkout: what is asked of the wheel is read from the wheel.
    schema = unpacked / "matrixbuild/schemas/lock.schema.json"
    original = schema.read_bytes()
    schema.write_text('{"title": "another"}\n')
    try:
        assert json.loads(run(unpacked, "schema", "lock")) == {"title": "another"}
    finally:
        schema.write_bytes(original)


def test_the_wheel_reads_a_manifest(unpacked: Path) -> None:
    listed = json.loads(run(unpacked, "list", "--format", "json", str(ROOT / "manifests/quickstart.yaml")))
    assert listed["name"] == "quickstart"
    assert len(listed["cells"]) == 23


def test_the_wheel_installs_a_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        described = {name.rpartition("/")[2]: archive.read(name).decode() for name in archive.namelist() if ".dist-info/" in name}
    assert described["entry_points.txt"] == "[console_scripts]\nmatrixbuild = matrixbuild.cli.main:main\n"
    assert "License-Expression: Apache-2.0\n" in described["METADATA"]
    assert "Requires-Python: >=3.11\n" in described["METADATA"]
    assert "Apache License" in described["LICENSE"]
