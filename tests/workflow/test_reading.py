from __future__ import annotations

from pathlib import Path

import pytest

from matrixbuild.core.problems import ExitCode, InvalidError
from matrixbuild.workflow.reading import read_and_expand, read_name
from tests.manifest_texts import PARTS, manifest_text, told
from tests.projects import small_project


def write(directory: Path, **parts: str) -> Path:
    path = directory / "m.yaml"
    path.write_text(manifest_text(**parts))
    return path


def test_a_manifest_as_declared_and_what_it_comes_to(tmp_path: Path) -> None:
    path = write(tmp_path)
    expansion = read_and_expand(path)
    assert (read_name(path), expansion.manifest.name) == ("edge", "edge")
    assert (expansion.manifest.file, len(expansion.cells), len(expansion.demands)) == (str(path), 6, 6)


def test_problems_of_expansion_come_together_and_warnings_after_them(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        registry="  registry: edge",
        rules="  rules:\n    - {name: a, exclude: {os.distribution: leap}, reason: r}",
    )
    with pytest.raises(InvalidError) as caught:
        read_and_expand(path)
    assert caught.value.exit_code is ExitCode.INVALID
    assert told(caught.value.problems) == [
        f"{path}:6:13: spec.registry: 'edge' does not say on which host it is [edge] (write host[:port]/path, or oci-layout:DIR)",
        f"{path}:10:10: no cell is left with os leap-15.6 [distribution] (dropped by 'a' (r))",
    ]


def test_a_name_is_told_whatever_else_is_wrong_with_values(tmp_path: Path) -> None:
    assert read_name(write(tmp_path, registry="  registry: edge")) == "edge"


def test_schema_problems_come_before_anything_is_made_of_it(tmp_path: Path) -> None:
    path = write(tmp_path, engine="  engine: 1")
    with pytest.raises(InvalidError) as caught:
        read_and_expand(path)
    assert [problem.code for problem in caught.value.problems] == ["unquoted"]


def test_no_file_is_an_invalid_manifest(tmp_path: Path) -> None:
    with pytest.raises(InvalidError) as caught:
        read_and_expand(tmp_path / "nope.yaml")
    assert caught.value.exit_code == 3


def test_the_lock_of_a_manifest_that_differs_only_in_its_suffix_is_left_alone(tmp_path: Path) -> None:
    project = small_project(tmp_path)
    project.apply()
    before = project.lock.read_bytes()
    other = tmp_path / "small.yml"
    other.write_text(project.manifest.read_text().replace("{name: small}", "{name: other}").replace("[jammy, noble]", "[jammy]"))
    for words in (("plan", "small.yml"), ("apply", "small.yml"), ("lock", "update", "small.yml")):
        ended = project.run(*words)
        told = (
            "error: small.lock.json is the lock of small.yaml ('small'), and small.yml ('other') would write over it\n"
            "  hint: give one of the two manifests another file name\n"
        )
        assert (ended.code, ended.err) == (5, told)
    assert project.lock.read_bytes() == before
    # The other file alone is the manifest under new names.
    project.manifest.unlink()
    assert project.run("apply", "small.yml").code == 0


def extending(directory: Path, spec: str) -> Path:
    """A manifest that says only this beside the one that it extends, which has a second target."""
    iso = '\n    iso: {earthly: +iso, axes: [os], artifacts: [{path: /a.iso, as: "{{ os }}.iso"}]}'
    (directory / "base.yaml").write_text(manifest_text(targets=PARTS["targets"] + iso))
    (directory / "own.yaml").write_text(f"extends: base.yaml\nmetadata: {{name: own}}\nspec: {spec}\n")
    return directory / "own.yaml"


def test_a_target_that_another_manifest_writes_out_can_be_turned_off(tmp_path: Path) -> None:
    assert {demand.target for demand in read_and_expand(extending(tmp_path, "{vars: {a: b}}")).demands} == {"iso", "provider"}
    assert {demand.target for demand in read_and_expand(extending(tmp_path, "{targets: {iso: false}}")).demands} == {"provider"}


def test_a_name_that_it_does_not_have_cannot(tmp_path: Path) -> None:
    with pytest.raises(InvalidError) as caught:
        read_and_expand(extending(tmp_path, "{targets: {isso: false}}"))
    assert [problem.summary for problem in caught.value.problems] == ["no profile has a target 'isso' to turn on or off"]
