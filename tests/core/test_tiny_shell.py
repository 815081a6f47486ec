"""A program that ends well, whatever it is told to do."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import pytest

from matrixbuild.core.tiny_shell import tiny_shell

MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def test_it_ends_with_zero(tmp_path: Path) -> None:
    if platform.system() != "Linux" or platform.machine() not in MACHINES:
        pytest.skip("it is a program for Linux on amd64 and arm64")
    program = tmp_path / "sh"
    program.write_bytes(tiny_shell(MACHINES[platform.machine()]))
    program.chmod(0o755)
    assert subprocess.run([program, "-c", "exit 1"], check=False).returncode == 0


def test_it_is_for_the_machine_that_is_asked_for() -> None:
    # e_machine of ELF: 62 is x86-64, 183 is AArch64.
    assert {name: tiny_shell(name)[18] for name in MACHINES.values()} == {"amd64": 62, "arm64": 183}
    assert all(len(tiny_shell(name)) < 200 for name in MACHINES.values())
    with pytest.raises(KeyError):
        tiny_shell("ppc64le")
