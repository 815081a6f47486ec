"""What builds begin with, and where that is done."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from matrixbuild.workflow.beginnings import Beginnings
from matrixbuild.workflow.options import Options
from matrixbuild.workflow.planning import Prepared, plan_manifest
from tests.projects import SmallProject, small_project
from tests.workflow.test_narrowing import EARTHFILE, MANIFEST

TWO = MANIFEST.replace("engine: earthly", 'engine: {kind: earthly, builders: ["tcp://one.example:8372", "tcp://other.example:8372"]}')


def prepared(root: Path, manifest: str, selector: str = "") -> Prepared:
    project: SmallProject = small_project(root, manifest=manifest, files={"src/Earthfile": EARTHFILE, "extra.txt": "more\n"})
    return plan_manifest(project.manifest, options=Options(selector=selector)).prepared


def by_os(found: Prepared) -> dict[str, set[int | None]]:
    beginnings, told = Beginnings(found), defaultdict(set)
    for build in found.builds:
        told["jammy" if "os=jammy" in build.name else "noble"].add(beginnings.builder(build))
    return dict(told)


def test_builds_that_begin_alike_go_to_one_builder_and_others_to_another(tmp_path: Path) -> None:
    found = by_os(prepared(tmp_path, TWO))
    assert sorted(map(len, found.values())) == [1, 1]
    assert set.union(*found.values()) == {0, 1}


def test_a_part_of_the_builds_goes_where_it_would_go_among_all(tmp_path: Path) -> None:
    whole = by_os(prepared(tmp_path / "whole", TWO))
    assert by_os(prepared(tmp_path / "part", TWO, "os=noble,release=2")) == whole


@pytest.mark.parametrize(
    "manifest", [MANIFEST, TWO.replace("  engine:", "  schedule: {share: false}\n  engine:")], ids=["one builder", "nothing shared"]
)
def test_where_there_is_nothing_to_choose_any_builder_will_do(tmp_path: Path, manifest: str) -> None:
    assert by_os(prepared(tmp_path, manifest)) == {"jammy": {None}, "noble": {None}}


def test_what_is_built_as_its_author_wrote_it_begins_as_nothing_else(tmp_path: Path) -> None:
    found = prepared(tmp_path, TWO)
    plain = Beginnings(replace(found, narrowed=replace(found.narrowed, texts={})))
    assert {(plain.prefix(build), plain.builder(build)) for build in found.builds} == {("", None)}
