"""What builds may take of this machine."""

from __future__ import annotations

import os
from pathlib import Path

from matrixbuild.adapters.machine import capacity


def test_this_machine_has_cores_memory_and_disk(tmp_path: Path) -> None:
    found = capacity(tmp_path)
    assert found["cpu"] == 1000 * len(os.sched_getaffinity(0))
    assert found["memory"] > 2**26
    assert found["disk"] > 0
