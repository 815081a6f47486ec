"""Files that a target keeps are never replaced."""

from __future__ import annotations

from pathlib import Path

from tests.projects import MANIFEST, small_project

KEEPING = MANIFEST.replace("      artifacts: [{path: /notes.txt", "      keepFiles: true\n      artifacts: [{path: /notes.txt")


def test_a_build_that_would_replace_them_is_refused_before_anything_runs(tmp_path: Path) -> None:
    project = small_project(tmp_path, manifest=KEEPING)
    project.apply()
    (notes,) = project.root.glob("out/notes*jammy*/notes-jammy.txt")
    (project.root / "src/jammy.conf").write_text("another\n")
    lock = project.lock.read_bytes()
    ended = project.run("apply", "small.yaml")
    assert ended.code == 5
    where = notes.relative_to(project.root)
    assert f"notes[os=jammy] is to be built, and would replace {where}, which its target keeps (keepFiles)" in ended.err
    assert f"keep {where} somewhere else first, or leave this build out with -l" in ended.err
    assert (notes.read_text(), project.lock.read_bytes()) == ("22.04\n", lock)


def test_what_is_built_already_is_left_alone_and_what_was_put_away_is_built(tmp_path: Path) -> None:
    project = small_project(tmp_path, manifest=KEEPING)
    project.apply()
    assert project.apply() == {}
    (notes,) = project.root.glob("out/notes*jammy*/notes-jammy.txt")
    notes.unlink()
    assert project.run("apply", "small.yaml").code == 0
    assert notes.read_text() == "22.04\n"
