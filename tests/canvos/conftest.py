"""A CanvOS checkout: `CANVOS=DIR`, as CONTRIBUTING.md says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def canvos() -> Path:
    """The root of the checkout; without one the tests are skipped, and say why."""
    if not (named := os.environ.get("CANVOS")):
        pytest.skip("CANVOS is not set to the directory of a CanvOS checkout")
    root = Path(named)
    assert (root / "Earthfile").is_file(), f"CANVOS={named} has no Earthfile"
    return root
