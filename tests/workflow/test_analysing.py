"""What many demands read, and what is told of those that are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrixbuild.adapters.source import snapshot
from matrixbuild.adapters.sources import Source
from matrixbuild.core.demand import Demand
from matrixbuild.core.problems import InvalidError, UnusableError
from matrixbuild.workflow.analysing import analyse
from matrixbuild.workflow.examining import Examiner, Examiners
from matrixbuild.workflow.targets import Read
from tests.builders import arg, cell, demand
from tests.projects import FILES, MANIFEST, small_project

DEMANDS = [demand("image", cell(number=str(number)), args=[arg("N", str(number))]) for number in range(300)]


class Counted(Examiner):
    """Counts the demands that are looked at."""

    looked = 0

    def read(self, demand: Demand) -> Read:
        self.looked += 1
        return super().read(demand)


class One(Examiners):
    """Always the same examiner."""

    def __init__(self, source: Source, examiner: Examiner) -> None:
        super().__init__(lambda _: source, "embedded")
        self._examiner = examiner

    def of(self, _variant: tuple[int, ...]) -> Examiner:
        return self._examiner


def examiners(root: Path) -> Examiners:
    source = snapshot(root, named="src")
    return Examiners(lambda _: source, "embedded")


def test_what_all_cells_are_refused_for_is_told_once_and_not_looked_at_in_each(tmp_path: Path) -> None:
    (tmp_path / "Earthfile").write_text("VERSION 0.8\nimage:\n  FROM alpine\n  ARG N\n  RUN echo $N\n")
    source = snapshot(tmp_path, named="src")
    counted = Counted(source, "embedded")
    with pytest.raises(UnusableError) as caught:
        analyse(DEMANDS, One(source, counted), {})
    assert len(caught.value.problems) == 1
    assert 100 <= counted.looked <= 102


def test_what_each_cell_is_refused_for_by_itself_is_told_for_all(tmp_path: Path) -> None:
    (tmp_path / "Earthfile").write_text("VERSION 0.8\nimage:\n  FROM scratch\n  ARG N\n  COPY f$N /\n")
    with pytest.raises(InvalidError) as caught:
        analyse(DEMANDS, examiners(tmp_path), {})
    assert [problem.summary for problem in caught.value.problems] == [f"nothing to copy at /f{number}" for number in range(300)]


def test_a_reader_that_knows_already_is_asked_again(tmp_path: Path) -> None:
    (tmp_path / "Earthfile").write_text("VERSION 0.8\nimage:\n  FROM alpine\n  ARG N\n  LABEL n=$N\n")
    known = examiners(tmp_path)
    first = analyse(DEMANDS, known, {})
    assert first.unpinned == ("alpine",)
    pinned = analyse(DEMANDS, known, {"alpine": "sha256:1"})
    assert {reading.bases for reading in pinned.readings.values()} == {("alpine@sha256:1",)}


def test_who_only_asks_whether_something_is_refused_is_told_after_the_first(tmp_path: Path) -> None:
    (tmp_path / "Earthfile").write_text("VERSION 0.8\nimage:\n  FROM alpine\n  ARG N\n  RUN echo $N\n")
    source = snapshot(tmp_path, named="src")
    counted = Counted(source, "embedded")
    with pytest.raises(UnusableError):
        analyse(DEMANDS, One(source, counted), {}, hasty=True)
    assert counted.looked == 1


def test_an_arg_for_every_target_may_be_for_none_of_these_where_it_is_inherited(tmp_path: Path) -> None:
    inherited = MANIFEST.replace("  targets:\n", "  args: {ELSEWHERE: x}\n  targets:\n")
    project = small_project(tmp_path, manifest="extends: base.yaml\nmetadata: {name: small}\n", files={**FILES, "base.yaml": ""})
    (tmp_path / "base.yaml").write_text(inherited.replace("{REGISTRY}", "oci-layout:registry"))
    assert len(project.plan()["builds"]) == 6
    project.manifest.write_text("extends: base.yaml\nmetadata: {name: small}\nspec: {args: {NOWHERE: x}}\n")
    ended = project.run("plan", "small.yaml")
    assert ended.code == 3
    assert "small.yaml:3:15: error: no Earthly target of this manifest declares ARG NOWHERE" in ended.err
    assert "ELSEWHERE" not in ended.err
