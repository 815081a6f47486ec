"""`uses: {add, ignore}` corrects what an analysis found, and the correction is told."""

from __future__ import annotations

from matrixbuild.core.earthfile.analysis import Correction, Use
from matrixbuild.core.earthfile.uses import corrected
from matrixbuild.core.problems import Place
from matrixbuild.core.uses import Uses
from tests.core.earthfile.analysing import analysed

HERE = Place(file="manifest.yaml", line=7)
TEXT = "VERSION 0.8\nFROM alpine\nmain:\n  ARG A\n  ARG B\n  ARG C\n  RUN echo $A\n  SAVE IMAGE x:$B\n"


def test_an_added_arg_counts_and_an_ignored_one_does_not() -> None:
    before = analysed(TEXT)
    found = corrected(before, Uses(place=HERE, add=frozenset({"B", "C"}), ignore=frozenset({"A"})))
    assert found.used == (Use(name="B", place=HERE), Use(name="C", place=HERE))
    assert (found.name_only, found.unused) == ((), ("A",))
    assert found.corrections == tuple(Correction(name=name, adds=name != "A", place=HERE) for name in "ABC")
    assert found.commands == before.commands


def test_what_is_so_already_or_not_declared_is_no_correction() -> None:
    uses = Uses(place=HERE, add=frozenset({"A", "NOWHERE"}), ignore=frozenset({"B"}))
    before = analysed(TEXT)
    assert corrected(before, uses) == before


def test_names_alone_are_corrected_alike() -> None:
    uses = Uses(place=HERE, add=frozenset({"B", "NOWHERE"}), ignore=frozenset({"A"}))
    assert uses.applied(frozenset({"A"}), frozenset({"A", "B"})) == {"B"}
