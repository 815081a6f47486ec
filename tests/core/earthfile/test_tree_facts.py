"""What IF and FOR ask of the image: the questions, and what the answers make of them."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.recipe import Asked, Question
from tests.core.earthfile.evaluating import env


@pytest.mark.parametrize(
    ("block", "kind", "words", "answer", "expected"),
    [
        ('IF [ -f "$X/y" ]', Asked.TEST, ("-f", "x/y"), ("true",), "[yes]"),
        ("IF [ -f y ]", Asked.TEST, ("-f", "y"), (), None),
        ("IF ! [ -e a -o -z a ]", Asked.TEST, ("-e", "a"), (), "[yes]"),
        ("IF ! nope a", Asked.PROGRAM, ("nope", "/bin"), (), "[yes]"),
        ("IF [ ~/d = /h/d ]", Asked.HOME, (), ("/h",), "[yes]"),
        ("IF [ $PWD = /w ]", Asked.DIRECTORY, (), ("/w",), "[yes]"),
        ("FOR i IN $X*", Asked.GLOB, ("x*",), ("x1", "x 2"), "[x1][x][2]"),
        ("FOR i IN '*'*", Asked.GLOB, ("\\**",), (), "[**]"),
        ("FOR i IN a ~", Asked.HOME, (), ("/h",), "[a][/h]"),
    ],
)
def test_a_question_and_what_its_answer_makes(block: str, kind: Asked, words: tuple[str, ...], answer: tuple[str, ...], expected: str | None) -> None:
    asked: list[Question] = []

    def answers(question: Question) -> tuple[str, ...]:
        asked.append(question)
        return answer

    body = 'ENV R="$R[$i]"' if block.startswith("FOR") else "ENV R=[yes]"
    text = f"VERSION 0.8\nmain:\n  FROM busybox\n  WORKDIR /w\n  USER app\n  ARG X=x\n  {block}\n    {body}\n  END\n"
    assert env(text, answers=answers).get("R") == expected
    question = asked[0]
    assert (question.kind, question.words, question.directory, question.user, question.place.line) == (kind, words, "/w", "app", 7)


def test_every_question_has_its_own_answer() -> None:
    text = "VERSION 0.8\nmain:\n  FROM busybox\n  FOR i IN a b c\n    IF [ -e $i ]\n      ENV R=$R$i\n    END\n  END\n"
    assert env(text, answers=lambda question: ("true",) if question.words[1] != "b" else ()) == {"R": "ac"}
