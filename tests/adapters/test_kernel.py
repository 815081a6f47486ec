from __future__ import annotations

from pathlib import Path

import pytest

from matrixbuild.adapters.kernel import SYS_RESOURCE, has_capability, runs_fips


def proc(root: Path, bounding: str = "", fips: str = "") -> Path:
    (root / "self").mkdir()
    (root / "self/status").write_text(f"Name:\tpython\nCapPrm:\t0000000000000000\n{bounding}Seccomp:\t2\n")
    (root / "sys/crypto").mkdir(parents=True)
    if fips:
        (root / "sys/crypto/fips_enabled").write_text(fips)
    return root


@pytest.mark.parametrize(
    ("bounding", "has"),
    [("CapBnd:\t000001ffffffffff\n", True), ("CapBnd:\t00000000a80425fb\n", False), ("CapBnd:\t0000000001000000\n", True), ("", None)],
)
def test_what_processes_may_have_is_read(tmp_path: Path, bounding: str, has: bool | None) -> None:
    assert has_capability(SYS_RESOURCE, proc=proc(tmp_path, bounding)) is has


@pytest.mark.parametrize(("content", "runs"), [("1\n", True), ("0\n", False), ("", None)])
def test_the_mode_is_read(tmp_path: Path, content: str, runs: bool | None) -> None:
    assert runs_fips(proc=proc(tmp_path, fips=content)) is runs


def test_a_kernel_of_another_kind_says_nothing(tmp_path: Path) -> None:
    assert has_capability(SYS_RESOURCE, proc=tmp_path) is None
    assert runs_fips(proc=tmp_path) is None
