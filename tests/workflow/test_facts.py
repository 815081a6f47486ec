"""What a source says of itself: values, the version it stands for, its catalog, the lines that prove a rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrixbuild.adapters.overlay import Overlay, local_layer
from matrixbuild.adapters.source import Snapshot
from matrixbuild.adapters.sources import Source
from matrixbuild.core.declared import Text
from matrixbuild.core.facts import Facts
from matrixbuild.core.problems import Place, Problem
from matrixbuild.core.surroundings import ProfileUse
from matrixbuild.workflow.facts import check_alike, facts_of
from matrixbuild.workflow.sources import Trees
from tests.manifest_texts import declared, manifest_text, told
from tests.profile_texts import profile

PLACE = Place(file="m.yaml", line=4, column=12)
EDGE = profile(
    values="""  version: pe
  values:
    kind: {value: edge}
    pe: {file: Earthfile, pattern: '^ARG PE=(?P<value>\\S+)$'}
  standsFor: {v9: v1.1}""",
    catalog="""  catalog: {file: k.json, axis: k, fipsAxis: fips, earthfile: {target: a, fipsTarget: b, distributionArg: D, versionArg: V, fipsArg: F}}""",
    rules="""  rules:
    - {name: R1, lines: "^ARG P", when: {fips: true}, deny: {args.P: ["x"]}, reason: why}""",
)
FILES = {"Earthfile": "VERSION 0.8\nARG PE=v1.2\nARG OTHER\nARG P=1\n", "k.json": '{"k3s": ["1.33.1"]}'}


def source(root: Path, **changed: str | None) -> Snapshot:
    root.mkdir(exist_ok=True)
    for name, content in {**FILES, **changed}.items():
        if content is not None:
            (root / name).write_text(content)
    return Snapshot(root)


def use(stands_for: str = "") -> ProfileUse:
    return ProfileUse(name=Text(value="edge", place=PLACE), stands_for=Text(value=stands_for, place=PLACE) if stands_for else None)


def facts(found: Source | None, using: ProfileUse | None = None) -> tuple[Facts, list[str]]:
    problems: list[Problem] = []
    return facts_of(EDGE, using or use(), found, problems, ref="v1", commit="abc"), told(tuple(problems))


def test_a_source_says_what_it_is(tmp_path: Path) -> None:
    found, problems = facts(source(tmp_path))
    assert (problems, found.known, found.ref, found.commit) == ([], True, "v1", "abc")
    assert (found.values, found.line, found.lines) == ({"kind": "edge", "pe": "v1.2"}, "v1.2", {"R1": (2, 4)})
    assert found.catalog is not None
    assert (found.catalog.file, found.catalog.plain) == ("k.json", {"k3s": ("1.33.1",)})


def test_what_is_laid_over_it_counts(tmp_path: Path) -> None:
    over = tmp_path / "over"
    over.mkdir()
    (over / "k.json").write_text('{"k3s": ["1.99.0"]}')
    layer = local_layer(over, named="over", to="", place=PLACE)
    overlay = Overlay(source(tmp_path / "base"), [layer])
    found, problems = facts(overlay)
    assert (problems, found.catalog and found.catalog.plain, overlay.touched) == ([], {"k3s": ("1.99.0",)}, {id(layer)})


def test_what_the_manifest_says_of_the_version_wins(tmp_path: Path) -> None:
    tree = source(tmp_path)
    assert [facts(tree, use(tag))[0].line for tag in ("v4", "v9")] == ["v4", "v1.1"]
    assert facts(tree, use("v4"))[0].values["pe"] == "v1.2"


def test_a_value_that_is_not_there(tmp_path: Path) -> None:
    found, problems = facts(source(tmp_path, Earthfile="VERSION 0.8\n"))
    hint = "is it the root of a edge checkout?"
    assert problems == [f"m.yaml:4:12: Earthfile of the source does not say pe, which the profile 'edge' reads [] ({hint})"]
    assert (found.values, found.line) == ({"kind": "edge"}, "")
    (tmp_path / "none").mkdir()
    assert facts(Snapshot(tmp_path / "none"))[1] == [f"m.yaml:4:12: the source has no Earthfile, which the profile 'edge' reads [] ({hint})"]


def test_a_group_that_found_nothing_is_no_value(tmp_path: Path) -> None:
    maybe = profile(values="  version: pe\n  values:\n    pe: {file: Earthfile, pattern: '^ARG PE(=(?P<value>\\S+))?'}")
    problems: list[Problem] = []
    assert facts_of(maybe, use(), source(tmp_path, Earthfile="ARG PE\n"), problems).values == {}
    assert [problem.summary for problem in problems] == ["Earthfile of the source does not say pe, which the profile 'edge' reads"]


def test_without_a_source_little_is_known() -> None:
    found, problems = facts(None, use("v9"))
    assert (problems, found.known, found.line, found.values, found.catalog) == ([], False, "v1.1", {}, None)
    assert facts(None)[0].line == ""


def test_without_a_profile_a_source_says_nothing(tmp_path: Path) -> None:
    assert facts_of(None, None, source(tmp_path), [], ref="r", commit="c") == Facts(known=True, ref="r", commit="c")
    assert facts_of(None, None, None, []) == Facts(known=False)


def alike(root: Path, laid: dict[str, str]) -> list[str]:
    """What is told of files that are laid over the source for some cells alone."""
    (root / "over").mkdir()
    for name, text in laid.items():
        (root / "over" / name).write_text(text)
    declares = declared(manifest_text(source="  source: {path: src, files: [{from: over/, when: {fips: true}}]}")).source
    base = source(root / "src")
    trees = Trees(base, [local_layer(root / "over", named="over", to="", place=PLACE)], pin=())
    problems: list[Problem] = []
    check_alike(facts(base)[0], use(), declares, trees, problems)
    return told(tuple(problems))


@pytest.mark.parametrize("laid", [{"other": "x"}, {"k.json": '{"k3s":["1.33.1"]}'}, {"Earthfile": "VERSION 0.7\nARG PE=v1.2\n"}])
def test_files_for_some_cells_that_change_no_version_are_no_matter(tmp_path: Path, laid: dict[str, str]) -> None:
    assert alike(tmp_path, laid) == []


@pytest.mark.parametrize(
    ("laid", "what"),
    [
        ({"k.json": '{"k3s": ["1.33.2"]}'}, "k.json"),
        ({"k.json": "no JSON"}, "k.json"),
        ({"Earthfile": "VERSION 0.8\nARG PE=v1.3\n", "other": "x"}, "Earthfile"),
        ({"Earthfile": "VERSION 0.8\n", "k.json": "{}"}, "Earthfile and k.json"),
    ],
)
def test_other_versions_for_some_cells_are_refused(tmp_path: Path, laid: dict[str, str], what: str) -> None:
    assert [problem.partition(" [")[0] for problem in alike(tmp_path, laid)] == [
        f"m.yaml:5:32: {what} would be another for some cells, and the profile 'edge' reads versions from one for all"
    ]
