from __future__ import annotations

from matrixbuild.core.failure import BuildFailed, Failure, FailureKind
from matrixbuild.core.problems import Place


def test_classes_are_those_of_the_design() -> None:
    assert " ".join(sorted(FailureKind)) == "auth builder cancelled disk guard network oom push registry step syntax timeout unknown"


def test_a_failure_reads_as_its_place_and_its_sentence() -> None:
    found = Failure(kind=FailureKind.SYNTAX, summary="no such file: motd", place=Place(file="Earthfile", line=7, column=5))
    assert str(BuildFailed(found)) == "Earthfile:7:5: no such file: motd"
    assert BuildFailed(found).failure == found


def test_a_failure_without_a_place_is_its_sentence() -> None:
    assert str(Failure(kind=FailureKind.NETWORK, summary="the connection was reset")) == "the connection was reset"
