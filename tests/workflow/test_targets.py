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


def test_what_was_asked_for_once_is_known_to_the_next_evaluation(tmp_path: Path) -> None:
    begun: list[Call] = []

    def ask(call: Call, known: Known) -> Examined | Wanted:
        begun.append(call)
        return examine(call, known)

    call, evaluator = Call(directory="", target="top"), _evaluator(tmp_path)
    evaluator.until(ask, call)
    begun.clear()
    assert [base.ref for base in evaluator.until(ask, call).evaluation.base_images] == ["one"]
    assert begun == [call]


def test_texts_stand_in_for_those_of_the_snapshot(tmp_path: Path) -> None:
    found = _evaluator(tmp_path, **{"sub/Dockerfile": "FROM two\n"}).until(examine, Call(directory="", target="top"))
    assert [base.ref for base in found.evaluation.base_images] == ["two"]
