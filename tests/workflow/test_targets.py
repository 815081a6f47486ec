"""How a snapshot answers what an evaluation asks for."""

from __future__ import annotations

from pathlib import Path

from matrixbuild.adapters.source import Snapshot
from matrixbuild.core.earthfile.calls import Call, Known
from matrixbuild.core.earthfile.evaluate import Examined, examine
from matrixbuild.core.earthfile.recipe import Wanted
from matrixbuild.workflow.targets import Evaluator

_EARTHFILE = "VERSION 0.8\nFROM scratch\ntop:\n    FROM DOCKERFILE sub\n    COPY file /\n"


def _evaluator(root: Path, **instead: str) -> Evaluator:
    (root / "sub").mkdir()
    for path, text in (("Earthfile", _EARTHFILE), ("file", ""), ("sub/Dockerfile", "FROM one\n")):
        (root / path).write_text(text)
    return Evaluator(Snapshot(root), texts=instead)


def test_an_evaluation_that_asks_for_a_text_midway_does_not_begin_again(tmp_path: Path) -> None:
    begun: list[Call] = []

    def ask(call: Call, known: Known) -> Examined | Wanted:
        begun.append(call)
        return examine(call, known)

    call = Call(directory="", target="top")
    found = _evaluator(tmp_path).of(ask, call)
    assert [base.ref for base in found.evaluation.base_images] == ["one"]
    assert begun == [call]


def test_texts_stand_in_for_those_of_the_snapshot(tmp_path: Path) -> None:
    found = _evaluator(tmp_path, **{"sub/Dockerfile": "FROM two\n"}).of(examine, Call(directory="", target="top"))
    assert [base.ref for base in found.evaluation.base_images] == ["two"]
