"""A selector selects the builds of its cells and what they need, and leaves alone everything else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from matrixbuild.core.build import Build, builds
from matrixbuild.core.expand import Expansion
from matrixbuild.core.problems import InvalidError, MatrixbuildError, UsageError
from matrixbuild.core.selection import cells_of, of_cells, selected
from tests.builders import read_by
from tests.manifest_texts import expanded
from tests.projects import small_project

TARGETS = """  targets:
    root: {earthly: +root, axes: [], image: {repository: "{{ registry }}/root", tag: "1"}}
    base: {earthly: +base, axes: [os], needs: [root], args: {OS: "{{ os }}"}, image: {repository: "{{ registry }}/base", tag: "{{ os }}"}}
    provider:
      earthly: +provider
      needs: [base]
      args: {OS: "{{ os }}", FIPS: "{{ fips }}"}
      image: {repository: "{{ registry }}/provider", tag: "{{ os }}-{{ fips }}"}
    fips: {earthly: +fips, axes: [os], when: {fips: true}, args: {X: "{{ os }}"}, image: {repository: "{{ registry }}/fips", tag: "{{ os }}"}}"""


@pytest.fixture(scope="module")
def edge() -> tuple[tuple[Build, ...], Expansion]:
    found = expanded(targets=TARGETS)
    assert found.problems == ()
    return builds(found.demands, read_by(found.demands)), found


def test_builds_and_all_that_they_need(edge: tuple[tuple[Build, ...], Expansion]) -> None:
    provider = "provider[fips=false,os=leap-15.6]"
    assert selected(*edge, "os=leap-15.6,fips=false") == frozenset({provider, "base[os=leap-15.6]", "root"})
    # What stands for several cells is for each of them.
    assert of_cells(*edge, "os=leap-15.6,fips=false") == {provider, "base[os=leap-15.6]", "root"}
    assert of_cells(*edge, "os=leap-15.6,fips=true") == {"provider[fips=true,os=leap-15.6]", "base[os=leap-15.6]", "root", "fips[os=leap-15.6]"}


def test_what_is_needed_is_selected_whatever_its_own_cells(edge: tuple[tuple[Build, ...], Expansion]) -> None:
    made, found = edge
    alone = [build for build in made if build.target != "root"]
    root = next(build for build in made if build.target == "root")
    only = Expansion(
        manifest=found.manifest,
        cells=found.cells,
        dropped=(),
        product=6,
        included=0,
        matrix=found.matrix,
        cells_of={address: cells for address, cells in found.cells_of.items() if address[0] == "provider"},
    )
    assert selected([*alone, root], only, "os=leap-15.6,fips=true") == frozenset({"provider[fips=true,os=leap-15.6]", "base[os=leap-15.6]", "root"})
    assert of_cells([*alone, root], only, "os=leap-15.6,fips=true") == {"provider[fips=true,os=leap-15.6]"}


def test_without_a_selector_nothing_is_selected_from(edge: tuple[tuple[Build, ...], Expansion]) -> None:
    assert selected(*edge, "") is None


def test_cells_in_their_order(edge: tuple[tuple[Build, ...], Expansion]) -> None:
    assert list(map(str, cells_of(edge[1], "os=ubuntu-*,fips!=true"))) == ["fips=false,os=ubuntu-22.04", "fips=false,os=ubuntu-24.04"]


@pytest.mark.parametrize(
    ("selector", "kind", "told", "hint"),
    [
        (
            "os=leap-15.6,os=ubuntu-22.04",
            InvalidError,
            "--rebuild os=leap-15.6,os=ubuntu-22.04: no cell is selected",
            "`matrixbuild list m.yaml` shows the cells",
        ),
        ("oss=x", InvalidError, "--rebuild:1:1: there is no axis 'oss'", "did you mean 'os'?"),
        (
            "os",
            UsageError,
            "--rebuild:1:1: 'os' in the selector is no condition",
            "write, for example, os=ubuntu-24.04,kubernetes.version=1.34.x,fips!=true",
        ),
    ],
)
def test_what_selects_nothing(edge: tuple[tuple[Build, ...], Expansion], selector: str, kind: type[MatrixbuildError], told: str, hint: str) -> None:
    with pytest.raises(kind) as caught:
        of_cells(*edge, selector, option="--rebuild")
    assert [(str(problem), problem.hint) for problem in caught.value.problems] == [(told, hint)]


def test_a_selected_apply_builds_its_own_and_touches_nothing_else(tmp_path: Path) -> None:
    project = small_project(tmp_path)
    project.apply()
    before, digests = json.loads(project.lock.read_text())["builds"], project.digests()
    (tmp_path / "src/common").write_text("changed\n")
    # The others would be rebuilt, and those of an OS that is gone retired.
    manifest = project.manifest.read_text().replace("[jammy, noble]", "[jammy, trixie]")
    project.manifest.write_text(manifest)
    (tmp_path / "src/trixie.conf").write_text("13\n")
    plan = project.plan("-l", "os=jammy,fips=false")
    assert {build["name"] for build in plan["builds"] if build["action"] != "reuse"} == {"image[fips=false,os=jammy]"}
    assert project.apply("-l", "os=jammy,fips=false") == {"image[fips=false,os=jammy]": "built"}
    after, now = json.loads(project.lock.read_text())["builds"], project.digests()
    assert [name for name in before if after.get(name) != before[name]] == ["image[fips=false,os=jammy]"]
    assert sorted(after) == sorted(before)
    assert [ref for ref in digests if digests[ref] != now.get(ref)] == ["oci-layout:registry/jammy:1"]
