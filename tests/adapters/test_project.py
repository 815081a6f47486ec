from __future__ import annotations

from pathlib import Path

from matrixbuild.adapters.project import project_root


def test_the_nearest_git_above_the_manifest(tmp_path: Path) -> None:
    manifest = tmp_path / "outer" / "inner" / "manifests" / "a.yaml"
    manifest.parent.mkdir(parents=True)
    (tmp_path / "outer" / ".git").mkdir()
    assert project_root(manifest) == tmp_path / "outer"
    (tmp_path / "outer" / "inner" / ".git").write_text("gitdir: elsewhere\n")
    assert project_root(manifest) == tmp_path / "outer" / "inner"


def test_else_the_manifests_own_directory(tmp_path: Path) -> None:
    assert not any((parent / ".git").exists() for parent in tmp_path.parents), "the test's own directory is inside a repository"
    assert project_root(tmp_path / "a.yaml") == tmp_path
