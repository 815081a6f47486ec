"""No manifest replaces the artifacts of another one's build without a word, though all of a project share out/."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from matrixbuild.adapters.output_owners import MARKER
from tests.projects import MANIFEST, SmallProject, small_project

OTHER = MANIFEST.replace("{name: small}", "{name: other}").replace("{path: src}", "{path: others}").replace("{REGISTRY}", "oci-layout:of-others")

REFUSED = (
    "other.yaml:16:5: error: notes[os=jammy] is to be built, and would replace what small.yaml wrote below {where}\n"
    "  16 |     notes:\n"
    "     |     ^^^^^\n"
    "     = hint: call the target otherwise in one of the two manifests, or remove {where} if nobody needs it any more\n"
)


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    """Two manifests, the first of which is applied; of the other's two artifacts one comes of another file."""
    found = small_project(tmp_path)
    shutil.copytree(found.root / "src", found.root / "others")
    (found.root / "others/jammy.conf").write_text("another\n")
    (found.root / "other.yaml").write_text(OTHER)
    found.apply()
    return found


def notes(project: SmallProject) -> Path:
    (found,) = project.root.glob("out/notes*jammy*/notes-jammy.txt")
    return found


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_it_is_refused_before_anything_is_built(project: SmallProject, words: tuple[str, ...]) -> None:
    where = notes(project).parent.relative_to(project.root)
    ended = project.run("apply", "other.yaml", *words)
    assert (ended.code, ended.out, ended.err) == (5, "", REFUSED.format(where=where))
    assert notes(project).read_text() == "22.04\n"
    assert not (project.root / "other.lock.json").exists()
    assert project.apply() == {}


def test_what_was_removed_is_nobodys_and_then_it_is_the_others(project: SmallProject) -> None:
    shutil.rmtree(notes(project).parent)
    assert project.run("apply", "other.yaml").code == 0
    assert notes(project).read_text() == "another\n"
    ended = project.run("apply", "small.yaml")
    where = notes(project).parent.relative_to(project.root)
    told = REFUSED.format(where=where).replace("other.yaml:16", "small.yaml:16").replace("what small.yaml wrote", "what other.yaml wrote")
    assert (ended.code, ended.err) == (5, told)


def test_the_very_same_build_is_no_other(project: SmallProject) -> None:
    (project.root / "others/jammy.conf").write_text("22.04\n")
    assert project.run("apply", "other.yaml").code == 0
    assert project.apply() == {}


def test_its_own_are_replaced(project: SmallProject) -> None:
    (project.root / "src/jammy.conf").write_text("newer\n")
    assert project.apply()["notes[os=jammy]"] == "built"
    assert notes(project).read_text() == "newer\n"


def test_what_nobody_marked_is_taken_over(project: SmallProject) -> None:
    (notes(project).parent / MARKER).unlink()
    assert project.run("apply", "other.yaml").code == 0
    assert notes(project).read_text() == "another\n"


def test_what_is_not_selected_is_none_of_it(project: SmallProject) -> None:
    assert project.run("apply", "other.yaml", "-l", "os=noble").code == 0
