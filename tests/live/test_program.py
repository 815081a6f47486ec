"""Which real program the tests find, without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.program import Program, find
from tests.live.world import executed

EARTHLY = '[ "$1" = --version ] && echo "earthly version v0.8.16 6e641c linux/amd64" || echo "   earthly - Supercharged CI"'
EARTH = '[ "$1" = --version ] && echo "earth version v0.8.18 b03859 linux/amd64" || echo "   see https://docs.earthbuild.dev"'


def script(folder: Path, name: str, body: str) -> str:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_none(tmp_path: Path) -> None:
    assert find({"PATH": str(tmp_path)}) is None


def test_the_one_that_is_named(tmp_path: Path) -> None:
    """Whatever the file is called."""
    path = script(tmp_path, "anything", EARTHLY)
    around = {"EARTHLY": path, "EARTHLY_BUILDKIT_HOST": "tcp://127.0.0.1:8372", "EARTHLY_TLS": "true", "PATH": ""}
    assert find(around) == Program(path=path, kind="earthly", version="v0.8.16", buildkit="tcp://127.0.0.1:8372", tls=True)


@pytest.mark.parametrize(("name", "body", "kind", "version"), [("earth", EARTH, "earthbuild", "v0.8.18"), ("earthly", EARTHLY, "earthly", "v0.8.16")])
def test_one_on_path(tmp_path: Path, name: str, body: str, kind: str, version: str) -> None:
    path = script(tmp_path / "bin", name, body)
    assert find({"PATH": str(tmp_path / "bin")}) == Program(path=path, kind=kind, version=version)


def test_what_was_executed_is_told_from_what_was_cached() -> None:
    output = """\
        ./c+main | A=3
        ./c+main | *cached* --> COPY x /x
        ./c+main | --> RUN echo 1
        ./c+main | 1
        ./c+main | --> SAVE ARTIFACT /x +main/x
             3/3 | --> RUN echo docker
        ./c+main | *cached* --> IF [ "$B" = 2 ]
        ./c+main | --> expandargs echo hello
"""
    assert executed(output) == ("RUN echo 1", "RUN echo docker", "expandargs echo hello")
