from __future__ import annotations

from pathlib import Path

import pytest

from matrixbuild.core.problems import ExitCode, InvalidError
from matrixbuild.workflow.reading import read_and_expand, read_name
from tests.manifest_texts import manifest_text, told


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
