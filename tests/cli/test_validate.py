from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from matrixbuild.adapters.schema_check import schema_text
from matrixbuild.cli import validate
from matrixbuild.core.problems import InvalidError
from tests.cli.verbs import run_verb
from tests.manifest_texts import manifest_text, told

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory to stand in, so that messages name files as a person does."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_valid_manifest(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "m.yaml").write_text(manifest_text())
    assert run_verb(validate, "m.yaml") == 0
    assert capsys.readouterr() == ("m.yaml: valid: 6 cells, 1 target\n", "")


def test_all_that_is_wrong_at_once(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "m.yaml").write_text(manifest_text(axes="  axes:\n    kubernetes: [1.30]", engine="  engin: embedded"))
    assert run_verb(validate, "m.yaml") == 3
    assert capsys.readouterr() == (
        "",
        (
            "m.yaml:8:18: error: spec.axes.kubernetes[0]: 1.30 without quotes is a number, and this has to be a string, true or false or a mapping\n"
            "  8 |     kubernetes: [1.30]\n"
            "    |                  ^^^^\n"
            '    = hint: quote it: "1.30"\n'
            "m.yaml:14:3: error: unknown key 'engin' in spec\n"
            "  14 |   engin: embedded\n"
            "     |   ^^^^^\n"
            "     = hint: did you mean 'engine'?\n"
        ),
    )


def test_what_its_source_alone_tells_was_not_checked_where_that_is_not_here(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "m.yaml").write_text(manifest_text(source="  source: {git: https://git.example.com/edge.git, ref: v1}"))
    assert run_verb(validate, "m.yaml") == 0
    assert capsys.readouterr() == ("m.yaml: valid as far as it is known without its source: 6 cells, 1 target\n", "")
    assert run_verb(validate, "m.yaml", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["manifests"] == [{"manifest": "m.yaml", "valid": True, "complete": False, "cells": 6, "targets": 1}]


def test_warnings_leave_it_valid(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "m.yaml").write_text(manifest_text(rules="  rules:\n    - {name: no-leap, exclude: {os.distribution: leap}, reason: not yet}"))
    assert run_verb(validate, "m.yaml") == 0
    assert capsys.readouterr() == (
        "m.yaml: valid: 4 cells, 1 target\n",
        (
            "m.yaml:10:10: warning: no cell is left with os leap-15.6\n"
            '  10 |       - {distribution: leap, version: "15.6"}\n'
            "     |          ^^^^^^^^^^^^\n"
            "     = hint: dropped by 'no-leap' (not yet)\n"
        ),
    )


def test_several_manifests_and_one_that_is_missing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "m.yaml").write_text(manifest_text())
    assert run_verb(validate, "m.yaml", "nope.yaml") == 3
    assert capsys.readouterr() == (
        "m.yaml: valid: 6 cells, 1 target\n",
        "error: there is no file nope.yaml\n  hint: name a manifest, for example manifests/release.yaml\n",
    )


def test_a_name_that_no_file_can_have(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_verb(validate, "x" * 300) == 3
    assert capsys.readouterr().err == f"error: {'x' * 300} cannot be read: File name too long\n  hint: name a manifest file\n"


def test_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "m.yaml").write_text(manifest_text())
    (project / "bad.yaml").write_text("[" * 100_000)
    assert run_verb(validate, "m.yaml", "bad.yaml", "--format", "json") == 3
    out, err = capsys.readouterr()
    assert err == ""
    found = json.loads(out)
    assert not list(Draft202012Validator(json.loads(schema_text("problems"))).iter_errors(found))
    assert found == {
        "valid": False,
        "manifests": [
            {"manifest": "m.yaml", "valid": True, "complete": True, "cells": 6, "targets": 1},
            {"manifest": "bad.yaml", "valid": False, "complete": False, "cells": None, "targets": None},
        ],
        "problems": [
            {
                "severity": "error",
                "code": "too-deep",
                "summary": "this is nested more than 64 deep",
                "hint": "close the brackets, or write less nesting",
                "place": {"file": "bad.yaml", "line": 1, "column": 65, "width": 1},
            }
        ],
    }


def test_github_annotations(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "m.yaml").write_text(manifest_text(engine="  engin: embedded"))
    assert run_verb(validate, "m.yaml", "--format", "github") == 3
    assert capsys.readouterr() == (
        (
            "::error file=m.yaml,line=17,endLine=17,col=3,endColumn=8,title=matrixbuild%3A unknown-key"
            "::unknown key 'engin' in spec%0Ahint: did you mean 'engine'?\n"
        ),
        "",
    )


def test_sarif_of_what_is_right(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "m.yaml").write_text(manifest_text())
    assert run_verb(validate, "m.yaml", "--format", "sarif") == 0
    out, err = capsys.readouterr()
    assert (json.loads(out)["runs"][0]["results"], err) == ([], "")


class TestTogether:
    def test_two_manifests_with_one_name(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (project / "a.yaml").write_text(manifest_text())
        (project / "b.yaml").write_text(manifest_text(registry="  registry: other.example.com/edge"))
        assert run_verb(validate, "a.yaml", "b.yaml") == 3
        assert capsys.readouterr() == (
            "a.yaml: valid: 6 cells, 1 target\nb.yaml: valid: 6 cells, 1 target\n",
            (
                "b.yaml:3:18: error: a.yaml and b.yaml are both called 'edge', and would share .matrixbuild/edge\n"
                "  3 | metadata: {name: edge}\n"
                "    |                  ^^^^\n"
                "    = hint: the other name is at a.yaml:3:18: give one of them another\n"
            ),
        )

    def test_in_two_projects_they_may(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        for name in ("a", "b"):
            (project / name / ".git").mkdir(parents=True)
            (project / name / "m.yaml").write_text(manifest_text(registry=f"  registry: {name}.example.com/edge"))
        assert run_verb(validate, "a", "b") == 0
        assert capsys.readouterr() == ("a/m.yaml: valid: 6 cells, 1 target\nb/m.yaml: valid: 6 cells, 1 target\n", "")

    def test_two_that_publish_one_image(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (project / "a.yaml").write_text(manifest_text())
        (project / "b.yaml").write_text(manifest_text().replace("name: edge", "name: other"))
        assert run_verb(validate, ".") == 3
        assert capsys.readouterr().err == (
            "b.yaml:16:59: error: a.yaml and b.yaml would both publish registry.example.com/edge/provider:leap-15.6-false, and 5 more like it\n"
            '  16 |       image: {repository: "{{ registry }}/provider", tag: "{{ os }}-{{ fips }}"}\n'
            "     |                                                           ^^^^^^^^^^^^^^^^^^^^^\n"
            "     = hint: the other tag is at a.yaml:16:59: give one of them another tag or registry\n"
        )

    def test_one_that_extends_the_other_and_publishes_the_same(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (project / "a.yaml").write_text(manifest_text(axes="  axes: {os: [{distribution: ubuntu, version: '22.04'}], fips: [false]}"))
        (project / "b.yaml").write_text("extends: a.yaml\nmetadata: {name: other}\n")
        assert run_verb(validate, "a.yaml", "b.yaml") == 3
        assert capsys.readouterr().err == (
            "a.yaml:12:59: error: a.yaml and b.yaml would both publish registry.example.com/edge/provider:ubuntu-22.04-false\n"
            '  12 |       image: {repository: "{{ registry }}/provider", tag: "{{ os }}-{{ fips }}"}\n'
            "     |                                                           ^^^^^^^^^^^^^^^^^^^^^\n"
            "     = hint: they have the tag in common: give one of them another registry, or a var of its own that the tag shows\n"
        )

    def test_a_layout_is_a_directory_however_it_is_written(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (project / "sub").mkdir()
        (project / "a.yaml").write_text(manifest_text(registry="  registry: oci-layout:out"))
        (project / "sub/b.yaml").write_text(manifest_text(registry="  registry: oci-layout:../out").replace("name: edge", "name: other"))
        (project / "sub/c.yaml").write_text(manifest_text(registry="  registry: oci-layout:out").replace("name: edge", "name: third"))
        assert run_verb(validate, "a.yaml", "sub") == 3
        err = capsys.readouterr().err
        assert err.startswith("sub/b.yaml:16:59: error: a.yaml and sub/b.yaml would both publish oci-layout:../out/provider:leap-15.6-false, and 5")
        assert err.count("error:") == 1

    def test_what_publishes_nothing_claims_nothing(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (project / "a.yaml").write_text(manifest_text())
        (project / "b.yaml").write_text("extends: a.yaml\nmetadata: {name: other}\nspec: {publish: none}\n")
        assert run_verb(validate, "a.yaml", "b.yaml") == 0
        assert capsys.readouterr().err == ""

    def test_one_file_named_twice_is_one(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (project / "a.yaml").write_text(manifest_text())
        assert run_verb(validate, "a.yaml", ".", "../" + project.name + "/a.yaml") == 0
        assert capsys.readouterr() == ("a.yaml: valid: 6 cells, 1 target\n", "")

    def test_what_two_inherit_is_told_once(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (project / "common.yaml").write_text("spec:\n  engin: embedded\n")
        for name in ("a", "b"):
            (project / f"{name}.yaml").write_text(f"extends: common.yaml\n{manifest_text().replace('name: edge', f'name: {name}')}")
        assert run_verb(validate, "a.yaml", "b.yaml") == 3
        assert capsys.readouterr().err.count("error:") == 1


class TestDirectories:
    def test_manifests_in_it_are_checked_and_other_files_are_not(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (project / "b.yml").write_text(manifest_text())
        (project / "a.yaml").write_text("kind: BuildMatrix\nspec: [")
        (project / "part.yaml").write_text("spec: {registri: x}\n")
        (project / "other.yaml").write_text("kind: Deployment\nmetadata: {labels: {made-of: 'kind: BuildMatrix'}}\n")
        (project / "m.txt").write_text("kind: BuildMatrix\n")
        (project / "wide.yaml").write_bytes("kind: BuildMatrix\n".encode("utf-16"))
        (project / "d.yaml").mkdir()
        assert run_verb(validate, ".") == 3
        out, err = capsys.readouterr()
        assert out == "b.yml: valid: 6 cells, 1 target\n"
        assert [line for line in err.splitlines() if "error:" in line] == [
            "a.yaml:2:8: error: this is not YAML: while parsing a flow node, expected the node content, but found '<stream end>'",
            "wide.yaml:1:1: error: the file starts with a byte order mark",
        ]

    def test_a_directory_without_any(self, project: Path) -> None:
        (project / "part.yaml").write_text("spec: {}\n")
        with pytest.raises(InvalidError) as caught:
            run_verb(validate, ".")
        assert told(caught.value.problems) == [
            "there is no manifest in . (a manifest says `kind: BuildMatrix`, in a file that ends in .yaml or .yml)"
        ]


@pytest.mark.parametrize("manifest", sorted((REPOSITORY / "manifests").glob("*.yaml")), ids=lambda path: path.name)
def test_every_manifest_of_this_repository_is_valid(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_verb(validate, str(manifest)) == 0
    assert capsys.readouterr().err == ""


def test_options_of_reading_count_for_each_manifest(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "m.yaml").write_text(manifest_text(vars="  vars: {tag: one}"))
    assert run_verb(validate, "m.yaml", "--set", "tag=two") == 0
    capsys.readouterr()
    assert run_verb(validate, "m.yaml", "--set", "tga=two") == 3
    assert "the manifest has no var 'tga' to set" in capsys.readouterr().err
