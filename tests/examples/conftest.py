"""Sources for the manifests in manifests/: a stand-in for CanvOS, and CanvOS itself out of `CANVOS_REPO=GITDIR`."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.examples.plans import STAND_IN, checkout, project_over
from tests.projects import SmallProject


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> SmallProject:
    return project_over(STAND_IN, tmp_path_factory.mktemp("stand-in"))


@pytest.fixture(scope="session")
def over_canvos(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], SmallProject]:
    """The manifests over CanvOS at a tag; without a repository the tests are skipped, and say why."""
    if not (named := os.environ.get("CANVOS_REPO")):
        pytest.skip("CANVOS_REPO is not set to a git directory of CanvOS")

    @cache
    def project(tag: str) -> SmallProject:
        root = tmp_path_factory.mktemp(tag)
        return project_over(checkout(Path(named), tag, root / "canvos"), root)

    return project
