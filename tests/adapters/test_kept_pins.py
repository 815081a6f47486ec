"""Kept pins come back as they were, to the manifest that they are of, and a file that is none of ours is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from matrixbuild.adapters.kept_pins import forget_kept, read_kept, write_kept
from matrixbuild.adapters.tokens import draw_token
from matrixbuild.core.lock import Pins
from matrixbuild.core.pins import Kept
from matrixbuild.core.problems import RefusedError, UnusableError

KEPT = Kept(pins=Pins(source=(("path", "x"),), engine="embedded/1", generations=(("iso", "2"),)), over=(("iso", "1"),))


def test_there_and_back(tmp_path: Path) -> None:
    assert read_kept(tmp_path, manifest="m.yaml") is None
    write_kept(tmp_path, KEPT, manifest="m.yaml")
    assert read_kept(tmp_path, manifest="m.yaml") == KEPT
    assert read_kept(tmp_path, manifest="other.yaml") is None
    forget_kept(tmp_path)
    forget_kept(tmp_path)
    assert read_kept(tmp_path, manifest="m.yaml") is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"keptVersion": 2}, "Expected 1 in 'keptVersion'"),
        ({"pins": {"engine": "embedded/1"}}, "Missing required field in 'pins.source'"),
        ({"over": {"iso": 1}}, "Unexpected type int (expected str) in 'over.iso'"),
    ],
)
def test_what_is_none_of_ours(tmp_path: Path, change: dict[str, object], told: str) -> None:
    write_kept(tmp_path, KEPT, manifest="m.yaml")
    path = tmp_path / "pins.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(RefusedError) as caught:
        read_kept(tmp_path, manifest="m.yaml")
    assert str(caught.value) == f"the kept pins {path} are broken: {told}"


def test_what_cannot_be_read_or_written(tmp_path: Path) -> None:
    (tmp_path / "pins.json").mkdir()
    with pytest.raises(UnusableError) as caught:
        read_kept(tmp_path, manifest="m.yaml")
    assert str(caught.value) == f"cannot read the kept pins {tmp_path / 'pins.json'}: Is a directory"
    with pytest.raises(UnusableError) as caught:
        write_kept(tmp_path, KEPT, manifest="m.yaml")
    assert str(caught.value) == f"cannot write the kept pins {tmp_path / 'pins.json'}: Is a directory"


def test_no_token_is_drawn_twice() -> None:
    drawn = {draw_token() for _ in range(1000)}
    assert len(drawn) == 1000
    assert {len(token) for token in drawn} == {20}
