"""Every case of tests/conformance, or of the folder that CONFORMANCE_CASES names, made by the embedded engine and judged by judge.py.

A case is what real Earthly 0.8.16 made of an Earthfile: images, local files, or the class of its error.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from matrixbuild.adapters.registry import HttpRegistry
from tests import services
from tests.adapters.engines import conformance
from tests.adapters.engines.conformance import World, judge

GIVEN = os.environ.get("CONFORMANCE_CASES")
FOLDERS = [Path(GIVEN)] if GIVEN else [conformance.FOLDER / name for name in ("cases", "more")]
CASES = sorted(path.parent for folder in FOLDERS for path in folder.glob("*/case.json"))
# What a registry adds to a layout does not depend on the Earthfile: the first folder is enough of it.
OVER_HTTP = [case for case in CASES if case.parent == FOLDERS[0]]


def test_there_are_cases() -> None:
    assert len(CASES) >= (1 if GIVEN else 67)


@pytest.fixture(scope="module")
def layout_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    services.require("busybox")
    return conformance.world(tmp_path_factory.mktemp("layout"), "reg.test:5000")


@pytest.fixture(scope="module")
def registry_world(tmp_path_factory: pytest.TempPathFactory, docker_registry: services.RunningRegistry) -> World:
    services.require("busybox")
    return conformance.world(tmp_path_factory.mktemp("http"), docker_registry.host, HttpRegistry(docker_registry.host))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_in_a_layout(case: Path, layout_world: World, tmp_path: Path) -> None:
    judged(case, layout_world, tmp_path)


# In a layout they have shown already what they reach of the engine.
@pytest.mark.untraced
@pytest.mark.registry
@pytest.mark.parametrize("case", OVER_HTTP, ids=lambda case: case.name)
def test_in_a_registry(case: Path, registry_world: World, tmp_path: Path) -> None:
    judged(case, registry_world, tmp_path)


def judged(case: Path, world: World, scratch: Path) -> None:
    if "chown" in json.loads((case / "case.json").read_text()).get("setup", "") and os.geteuid() != 0:
        pytest.skip("the case's setup gives files away, which only root may")
    expected = json.loads((case / "expected.json").read_text())["earthly"]
    got = conformance.result(case, world, scratch)
    assert judge.compare(expected, got) == [], f"{expected.get('error')} against {got.get('error')}"
