"""Saved plans as files: written whole, and hostile ones told in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from matrixbuild.adapters import plan_files
from matrixbuild.adapters.plan_files import read_plan, write_plan
from matrixbuild.core.problems import InvalidError, UnusableError
from tests.plans import large_plan, plan_of, planned_build

AGAIN = "save it again: matrixbuild plan MANIFEST -o FILE"


def refused(path: Path) -> tuple[str, str]:
    with pytest.raises(InvalidError) as caught:
        read_plan(path)
    (problem,) = caught.value.problems
    return str(problem), problem.hint


def test_it_reads_what_it_writes(tmp_path: Path) -> None:
    path = tmp_path / "edge.plan"
    plan = large_plan(30)
    write_plan(path, plan)
    assert read_plan(path) == plan
    assert json.loads(path.read_text()) == plan.to_dict()
    assert path.read_text().startswith('{\n  "kind": "Plan",\n')
    write_plan(path, plan_of([]))
    assert read_plan(path) == plan_of([])
    assert [each.name for each in tmp_path.iterdir()] == ["edge.plan"]


def test_a_name_that_is_not_utf_8_is_kept(tmp_path: Path) -> None:
    plan = plan_of([planned_build("p[os=\udcff]", key="p")])
    write_plan(tmp_path / "plan", plan)
    assert read_plan(tmp_path / "plan") == plan


def test_the_order_of_fields_and_a_byte_order_mark_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "plan"
    path.write_bytes(b"\xef\xbb\xbf \n" + json.dumps(plan_of([]).to_dict(), sort_keys=True).encode())
    assert read_plan(path) == plan_of([])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kind: BuildMatrix\n",
        '{"kind": "BuildMatrix"}',
        '{"kind": "BuildMatrix", "x-note": {"kind": "Plan"}}',
        "{kind: Plan}",
        '["kind": "Plan"]',
    ],
)
def test_what_does_not_say_that_it_is_a_plan_is_for_others_to_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.yaml").write_text(text)
    assert read_plan(tmp_path / "m.yaml") is None


def test_where_there_is_no_file_there_is_no_plan(tmp_path: Path) -> None:
    assert read_plan(tmp_path / "none") is None
    assert read_plan(tmp_path) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'{"kind": "Plan"', "1:16: the saved plan is not JSON: Expecting ',' delimiter"),
        (b'{"kind": "Plan", "name": "\xff"}', "1:1: the saved plan is not UTF-8 text"),
        (b'{"kind": "Plan", "a": ' + b"[" * 100_000, "1:1: the saved plan is nested too deeply for a plan"),
        (b'{"kind": "Plan", "planVersion": ' + b"1" * 5000 + b"}", "1:1: the saved plan is not JSON: "),
        (b'{"kind": "Plan", "kind": "Plan"}', "1:1: the saved plan is not a plan of matrixbuild: Field given twice in 'kind'"),
        (b'{"kind": "Plan"}', "1:1: the saved plan is not a plan of matrixbuild: Missing required field in 'planVersion'"),
        (b'{"kind": "Plan", "planVersion": 1}', "1:1: the saved plan is not a plan of matrixbuild: Missing required field in 'name'"),
    ],
)
def test_a_broken_one_is_told(tmp_path: Path, text: bytes, told: str) -> None:
    path = tmp_path / "plan"
    path.write_bytes(text)
    summary, hint = refused(path)
    assert summary.startswith(f"{path}:{told}")
    assert hint == AGAIN


def test_a_newer_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "plan"
    path.write_text('{"kind": "Plan", "planVersion": 7}')
    assert refused(path) == (f"{path}:1:1: the saved plan's planVersion 7 is of a newer matrixbuild than this one, which knows 1", "update matrixbuild")


def test_an_enormous_one_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plan"
    monkeypatch.setattr(plan_files, "MAX_BYTES", 1024 * 1024)
    path.write_bytes(b'{"kind": "Plan", "a": "' + b"x" * 1024 * 1024)
    assert refused(path) == (f"{path}:1:1: the saved plan is larger than 1 MiB", AGAIN)


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnusableError) as caught:
        write_plan(tmp_path / "none" / "plan", plan_of([]))
    (problem,) = caught.value.problems
    assert problem.summary == f"cannot write {tmp_path}/none/plan: No such file or directory"
