"""Which build args are nothing in a Dockerfile but the image of a FROM."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.dockerfile_bases import base_arg, base_args, stage_names
from matrixbuild.core.earthfile.dockerfile_text import instructions


def of(text: str) -> frozenset[str]:
    return base_args(instructions(text, file="Dockerfile"))


@pytest.mark.parametrize(("word", "name"), [("$BASE", "BASE"), ("${BASE}", "BASE"), ("x$BASE", ""), ("${BASE:-x}", ""), ("$BASE:1", ""), ("alpine", "")])
def test_a_word_that_is_an_arg_and_nothing_else(word: str, name: str) -> None:
    assert base_arg(word) == name


@pytest.mark.parametrize(
    "text",
    [
        "ARG BASE\nFROM $BASE\n",
        "ARG BASE=alpine\nFROM ${BASE} AS one\nRUN true\nFROM $BASE\n",
        "# BASE is a base\nARG OTHER\nARG BASE\nFROM busybox:$OTHER\nFROM $BASE\n",
    ],
)
def test_nothing_but_a_base(text: str) -> None:
    assert of(text) == {"BASE"}


@pytest.mark.parametrize(
    "text",
    [
        "FROM $BASE\n",
        "ARG BASE\nFROM r.io/$BASE\n",
        "ARG BASE\nFROM --platform=$BASE $BASE\n",
        "ARG BASE\nFROM $BASE AS BASE\n",
        "ARG BASE\nARG OTHER=$BASE\nFROM $BASE\n",
        "ARG BASE\nARG BASE\nFROM $BASE\n",
        "ARG BASE\nFROM $BASE\nARG BASE\n",
        "ARG BASE\nFROM $BASE\nRUN echo BASE\n",
        "ARG BASE\nFROM $BASE\nCOPY <<EOF /x\n$BASE\nEOF\n",
        "ARG BASE\nFROM $BASE\nONBUILD COPY $BASE /\n",
    ],
)
def test_more_than_a_base(text: str) -> None:
    assert not of(text)


def test_stages() -> None:
    assert stage_names(instructions("FROM a AS One\nFROM b\nFROM c as two\n", file="Dockerfile")) == {"one", "two"}
