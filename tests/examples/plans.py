"""The manifests for CanvOS and the plans that are expected of them: made over a stand-in for CanvOS, and over checkouts at their tags.

`python -m tests.examples.plans [GITDIR]` records the plans anew, those over checkouts where a git directory of CanvOS is given.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.checkout import ROOT
from tests.projects import Ended, SmallProject

HERE = Path(__file__).parent
STAND_IN = HERE / "canvos"
TAGS: Mapping[str, str] = {"seed": "v4.4.12", "release": "v4.9.38", "nightly": "v4.9.38", "two-node": "v4.9.38", "private-fork": "v4.9.38"}
"""Manifest -> the tag of CanvOS that it is about."""

FORMS: Mapping[str, tuple[str, ...]] = {"txt": (), "json": ("--format", "json")}


def project_over(source: Path, directory: Path) -> SmallProject:
    """A copy of the manifests with `source` beside them, so that neither shows where it came from."""
    shutil.copytree(ROOT / "manifests", directory / "manifests", ignore=shutil.ignore_patterns("*.lock.json"))
    (directory / "source").symlink_to(source.resolve())
    return SmallProject(root=directory)


def plan(project: SmallProject, manifest: str, form: str, *words: str) -> Ended:
    return project.run("plan", f"manifests/{manifest}.yaml", "--source", "source", *FORMS[form], *words)


def checkout(repository: Path, tag: str, directory: Path) -> Path:
    """The files of CanvOS at a tag, but for those of 20 MB that none of these builds reads and that a partial clone may lack."""
    command = ["git", "-C", str(repository), "archive", tag, "--", ".", ":(exclude)rhel-stig/static"]
    packed = subprocess.run(command, check=True, capture_output=True).stdout
    directory.mkdir()
    subprocess.run(["tar", "--extract", "--directory", str(directory)], input=packed, check=True)
    return directory


def expected(world: str, manifest: str, form: str) -> Path:
    """Where the expected plan is: `world` is `stand-in` or `checkout`."""
    return HERE / world / f"{manifest}.{form}"


def _record(repository: Path | None) -> Iterator[Path]:
    for manifest, tag in TAGS.items():
        with tempfile.TemporaryDirectory() as scratch:
            sources = {"stand-in": STAND_IN} | ({"checkout": checkout(repository, tag, Path(scratch) / tag)} if repository else {})
            for world, source in sources.items():
                project = project_over(source, Path(scratch) / world)
                for form in FORMS:
                    ended = plan(project, manifest, form)
                    assert ended.code == 0, ended.err
                    path = expected(world, manifest, form)
                    path.parent.mkdir(exist_ok=True)
                    path.write_text(ended.out, encoding="utf-8")
                    yield path


if __name__ == "__main__":
    for written in _record(Path(sys.argv[1]) if len(sys.argv) > 1 else None):
        sys.stdout.write(f"{written.relative_to(ROOT)}\n")
