from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from matrixbuild.cli import list as list_verb
from matrixbuild.core.problems import InvalidError
from tests.cli.verbs import run_verb
from tests.core.test_lock import _properties
from tests.manifest_texts import manifest_text, told
from tests.projects import FILES, MANIFEST, small_project

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "list.schema.json").read_text())

RULES = """  rules:
    - {name: fips-is-ubuntu, when: {fips: true}, require: {os.distribution: ubuntu}, reason: leap has no FIPS}
    - {name: not-here, exclude: {fips: true, os: [leap-15.6, ubuntu-22.04]}, reason: no hardware}"""
INCLUDE = '  include:\n    - {os: {distribution: rhel, version: "9"}, fips: false}'

NOT_HERE = "note: builds and image names are left out, for the source is not here; `matrixbuild plan` says where it should be\n"


@pytest.fixture
def manifest(tmp_path: Path) -> str:
    path = tmp_path / "m.yaml"
    path.write_text(manifest_text(rules=RULES, include=INCLUDE))
    return str(path)


def test_cells_in_columns(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_verb(list_verb, manifest) == 0
    assert capsys.readouterr() == (
        (
            "os            fips   targets\n"
            "ubuntu-22.04  false  provider\n"
            "ubuntu-24.04  false  provider\n"
            "leap-15.6     false  provider\n"
            "ubuntu-24.04  true   provider\n"
            "rhel-9        false  provider\n"
        ),
        NOT_HERE,
    )


def test_all_shows_each_step(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_verb(list_verb, manifest, "--all") == 0
    assert capsys.readouterr().out == (
        "axes: 3 os x 2 fips = 6 cells\n"
        "\n"
        "rule fips-is-ubuntu: 1 cell dropped: leap has no FIPS\n"
        "  when fips true: require os.distribution ubuntu\n"
        "  - leap-15.6  true  also not-here\n"
        "\n"
        "rule not-here: 1 cell dropped: no hardware\n"
        "  exclude fips true, os leap-15.6 or ubuntu-22.04\n"
        "  - ubuntu-22.04  true\n"
        "\n"
        "include: 1 cell added\n"
        "  + rhel-9  false\n"
        "\n"
        "cells: 5 cells\n"
        "  os            fips   targets\n"
        "  ubuntu-22.04  false  provider\n"
        "  ubuntu-24.04  false  provider\n"
        "  leap-15.6     false  provider\n"
        "  ubuntu-24.04  true   provider\n"
        "  rhel-9        false  provider\n"
    )


def test_json(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_verb(list_verb, manifest, "--all", "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["name"] == "edge"
    assert found["cells"][0] == {
        "cell": "fips=false,os=ubuntu-22.04",
        "axes": {"os": {"distribution": "ubuntu", "version": "22.04"}, "fips": False},
        "targets": ["provider"],
    }
    assert [cell["cell"] for cell in found["dropped"]] == ["fips=true,os=ubuntu-22.04", "fips=true,os=leap-15.6"]
    assert found["dropped"][1]["rules"] == [
        {"name": "fips-is-ubuntu", "effect": "require", "reason": "leap has no FIPS"},
        {"name": "not-here", "effect": "exclude", "reason": "no hardware"},
    ]


@pytest.mark.parametrize("words", [(), ("--all",), ("--all", "-l", "fips=true")])
def test_json_is_as_its_schema_says(manifest: str, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    run_verb(list_verb, manifest, "--format", "json", *words)
    Draft202012Validator(SCHEMA).validate(json.loads(capsys.readouterr().out))


def test_every_property_of_the_schema_is_described() -> None:
    assert [path for path in _properties(SCHEMA) if not path[1]] == []


def test_a_selector_filters_the_cells(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_verb(list_verb, manifest, "-l", "os.distribution=ubuntu|rhel,fips!=true") == 0
    assert (
        capsys.readouterr().out
        == "os            fips   targets\nubuntu-22.04  false  provider\nubuntu-24.04  false  provider\nrhel-9        false  provider\n"
    )
    run_verb(list_verb, manifest, "-l", "fips=true", "--format", "json")
    assert [cell["cell"] for cell in json.loads(capsys.readouterr().out)["cells"]] == ["fips=true,os=ubuntu-24.04"]


def test_the_selection_is_the_last_step(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    run_verb(list_verb, manifest, "--all", "-l", "fips=true")
    assert capsys.readouterr().out.endswith(
        "include: 1 cell added\n"
        "  + rhel-9  false\n"
        "\n"
        "selection: -l fips=true selects 1 of 5 cells\n"
        "  os            fips  targets\n"
        "  ubuntu-24.04  true  provider\n"
    )


def test_a_selector_that_selects_nothing(manifest: str) -> None:
    with pytest.raises(InvalidError) as caught:
        run_verb(list_verb, manifest, "-l", "os=rhel-9,fips=true")
    (problem,) = caught.value.problems
    assert (problem.summary, problem.hint) == ("-l os=rhel-9,fips=true: no cell is selected", f"`matrixbuild list {manifest}` shows the cells")


def test_json_without_all_has_no_dropped_ones(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    run_verb(list_verb, manifest, "--format", "json")
    assert set(json.loads(capsys.readouterr().out)) == {"name", "cells"}


def test_a_doubtful_manifest_is_not_listed(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(manifest_text(rules="  rules:\n    - {name: a, deny: {fips: true}, reason: not yet}"))
    with pytest.raises(InvalidError) as caught:
        run_verb(list_verb, str(path))
    assert told(caught.value.problems) == [f"{path}:18:14: the rule 'a' refuses 3 cells: not yet [a] (fips=true,os=ubuntu-22.04, and 2 more)"]


def test_each_cell_has_its_builds_and_image_names_where_the_source_is_there(tmp_path: Path) -> None:
    ended = small_project(tmp_path).run("list", "small.yaml", "-l", "os=jammy")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "os     fips\n"
        "jammy  false\n"
        "    image[fips=false,os=jammy]  oci-layout:registry/jammy:1\n"
        "    notes[os=jammy]\n"
        "jammy  true\n"
        "    image[fips=true,os=jammy]  oci-layout:registry/jammy:1-fips\n"
        "    notes[os=jammy]\n"
    )


def test_with_all_they_stand_under_the_last_step(tmp_path: Path) -> None:
    ended = small_project(tmp_path).run("list", "small.yaml", "--all", "-l", "os=noble,fips=true")
    assert ended.out.endswith(
        "selection: -l os=noble,fips=true selects 1 of 4 cells\n"
        "  os     fips\n"
        "  noble  true\n"
        "      image[fips=true,os=noble]  oci-layout:registry/noble:1-fips\n"
        "      notes[os=noble]\n"
    )


def test_builds_in_json(tmp_path: Path) -> None:
    ended = small_project(tmp_path).run("list", "small.yaml", "--format", "json")
    Draft202012Validator(SCHEMA).validate(ended.json())
    assert ended.json()["cells"][0]["builds"] == [
        {"target": "image", "build": "image[fips=false,os=jammy]", "images": ["oci-layout:registry/jammy:1"]},
        {"target": "notes", "build": "notes[os=jammy]", "images": []},
    ]


def test_targets_that_come_to_one_build_each_say_their_own_name(tmp_path: Path) -> None:
    # The same bytes for two targets, in other cells each: no cell is given a build, or a name, that only the other target has.
    twice = MANIFEST.replace("      earthly: +image\n", "      earthly: +image\n      when: {os: jammy}\n").replace(
        "    notes:\n",
        '    twin: {earthly: +image, args: {OS: jammy, FIPS: "{{ fips }}"}, image: {repository: "{{ registry }}/twin", tag: "{{ os }}-{{ fips }}"}}\n    notes:\n',
    )
    ended = small_project(tmp_path, manifest=twice).run("list", "small.yaml", "-l", "fips=true")
    assert ended.code == 0
    assert ended.out == (
        "os     fips\n"
        "jammy  true\n"
        "    image[fips=true]  oci-layout:registry/jammy:1-fips\n"
        "    notes[os=jammy]\n"
        "    image[fips=true]  oci-layout:registry/twin:jammy-true\n"
        "noble  true\n"
        "    notes[os=noble]\n"
        "    image[fips=true]  oci-layout:registry/twin:noble-true\n"
    )


def test_a_manifest_whose_plan_is_refused_is_listed_with_what_is_wrong(tmp_path: Path) -> None:
    broken = FILES["src/Earthfile"].replace("ARG FIPS=false", "ARG FIBS=false")
    ended = small_project(tmp_path, files={**FILES, "src/Earthfile": broken}).run("list", "small.yaml", "--format", "json")
    assert ended.code == 3
    assert [cell["targets"] for cell in ended.json()["cells"]] == [["image", "notes"]] * 4
    assert "builds" not in ended.json()["cells"][0]
    assert "+image has no ARG FIPS" in ended.err or "FIPS" in ended.err
