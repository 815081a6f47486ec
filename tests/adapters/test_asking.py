from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from matrixbuild.adapters.asking import ask
from matrixbuild.adapters.children import Children
from matrixbuild.core.problems import UnusableError
from matrixbuild.core.program import Answer

AROUND = {"PATH": os.environ["PATH"]}


@pytest.fixture
def children() -> Iterator[Children]:
    with Children(grace=0.3, mercy=0.3) as made:
        yield made


def asked(children: Children, script: str, *, seconds: float = 30) -> Answer:
    return ask(children, ("sh", "-c", script), environ=AROUND, seconds=seconds)


def test_what_it_prints_is_the_answer_and_what_it_complains_of_is_not(children: Children) -> None:
    assert asked(children, "echo one; echo two >&2; printf 'th\\377ree'; exit 3") == Answer(status=3, text="one\nth\ufffdree")
    assert asked(children, "kill -9 $$") == Answer(status=-9, text="")


def test_nothing_of_here_counts(children: Children) -> None:
    assert asked(children, "pwd; env | grep -c ^HOME= || true; cat") == Answer(status=0, text="/\n0\n")


def test_who_takes_too_long_has_no_status(children: Children) -> None:
    assert asked(children, "echo begun; sleep 60 & sleep 60", seconds=0.3) == Answer(status=None, text="begun\n")


def test_who_never_stops_talking_has_none_either(children: Children) -> None:
    found = asked(children, "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done")
    assert found.status is None
    assert len(found.text) < 1 << 20


def test_what_cannot_be_started_is_told(children: Children) -> None:
    with pytest.raises(UnusableError) as caught:
        ask(children, ("/no/such/program",), environ=AROUND, seconds=1)
    assert str(caught.value) == "cannot start /no/such/program: No such file or directory"
