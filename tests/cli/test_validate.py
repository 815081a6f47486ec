from __future__ import annotations

import json
from pathlib import Path

import pytest

from matrixbuild.cli import validate
from tests.cli.verbs import run_verb
from tests.manifest_texts import manifest_text

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


def test_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "m.yaml").write_text(manifest_text())
    (project / "bad.yaml").write_text("[" * 100_000)
    assert run_verb(validate, "m.yaml", "bad.yaml", "--format", "json") == 3
    out, err = capsys.readouterr()
    assert err == ""
    assert json.loads(out) == {
        "valid": False,
        "manifests": [
            {"manifest": "m.yaml", "valid": True, "problems": []},
            {
                "manifest": "bad.yaml",
                "valid": False,
                "problems": [
                    {
                        "severity": "error",
                        "code": "too-deep",
                        "summary": "this is nested more than 64 deep",
                        "hint": "close the brackets, or write less nesting",
                        "place": {"file": "bad.yaml", "line": 1, "column": 65, "width": 1},
                    }
                ],
            },
        ],
    }


@pytest.mark.parametrize("manifest", sorted((REPOSITORY / "manifests").glob("*.yaml")), ids=lambda path: path.name)
def test_every_manifest_of_this_repository_is_valid(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_verb(validate, str(manifest)) == 0
    assert capsys.readouterr().err == ""
