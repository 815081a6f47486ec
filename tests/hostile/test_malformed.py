"""Spoilt manifests: no traceback, no signal, exit 0 or 3, in bounded time and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from matrixbuild.adapters.schema_check import schema_text
from matrixbuild.adapters.yaml_files import parse_document
from matrixbuild.core.problems import Severity
from matrixbuild.workflow.validating import validate
from tests.checkout import ROOT
from tests.hostile.malformed import EVERY_KEY, FILES, FROM_GIT, HUGE, WITH_PROFILE, malformed

BATCH = 50
CASES = 1000 if os.environ.get("MATRIXBUILD_SOAK") else 150
MOST_SECONDS = 30
"""For one manifest, of CPU: the slowest takes a tenth of it."""


@pytest.mark.parametrize(("first", "count"), [(-len(HUGE), len(HUGE)), *((first, BATCH) for first in range(0, CASES, BATCH))])
def test_malformed_manifests(first: int, count: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.hostile.worker", str(tmp_path), str(first), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert (done.returncode, done.stderr) == (0, ""), f"at {done.stdout.splitlines()[-1:]}"
    cases = [json.loads(line) for line in done.stdout.splitlines()]
    assert [case["seed"] for case in cases] == list(range(first, first + count))
    assert not [case for case in cases if case["bug"] or case["code"] not in (0, 3) or case["told"] != (case["code"] == 3)]
    assert max(case["seconds"] for case in cases) < MOST_SECONDS
    refused, slowest = sum(case["code"] == 3 for case in cases), max(case["seconds"] for case in cases)
    print(f"{count} manifests, {refused} refused, slowest {slowest:.2f} s, peak {max(case['peak'] for case in cases) >> 20} MiB")


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert [malformed(seed) for seed in range(20)] == [malformed(seed) for seed in range(20)]
    assert len({malformed(seed) for seed in range(200)}) > 190


@pytest.mark.parametrize("text", [EVERY_KEY, WITH_PROFILE, FROM_GIT])
def test_what_is_spoilt_was_right(text: str, tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "m.yaml").write_text(text)
    assert [problem for problem in validate([tmp_path / "m.yaml"]).problems if problem.severity is Severity.ERROR] == []


def test_what_is_spoilt_has_every_key() -> None:
    """So that no key of the language escapes."""
    keys = {str(key) for text in (EVERY_KEY, WITH_PROFILE, FROM_GIT) for key in _keys(parse_document(text.encode(), file="m.yaml").root.data)}
    assert _properties(json.loads(schema_text("manifest"))) - keys == set()


def _keys(data: Any) -> set[str]:
    if isinstance(data, list):
        return set().union(*map(_keys, data))
    return {*data, *set().union(*map(_keys, data.values()))} if isinstance(data, dict) else set()


def _properties(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(_properties, schema))
    if not isinstance(schema, dict):
        return set()
    return {*schema.get("properties", {}), *set().union(*(_properties(value) for key, value in schema.items() if key != "examples"))}
