"""What a commit names and does not hold: an error where a build reads it, else a warning of those that will build."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrixbuild.core.problems import UnusableError
from matrixbuild.workflow.planning import prepare
from tests.manifest_texts import told
from tests.repositories import Repository, repository

MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {{name: edge}}
spec:
  source: {{git: {root}, ref: main}}
  registry: registry.example.com/edge
  engine: {{kind: earthly}}
  axes:
    os: [jammy]
  targets:
    main: {{earthly: +main, image: {{repository: "{{{{ registry }}}}/main", tag: "1"}}}}
"""
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n"
ELSEWHERE = "where builds need it, clone the repository with all of it, and give that directory as source.path or with --source"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name, value in (("COUNT", "1"), ("KEY_0", "protocol.file.allow"), ("VALUE_0", "always")):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    inner = repository(tmp_path / "inner", {"x": ""})
    inner.commit()
    found = repository(tmp_path / "source", {"kept/big.iso": POINTER, "file": ""})
    found.git("submodule", "--quiet", "add", str(inner.root), "module")
    (tmp_path / "m.yaml").write_text(MANIFEST.format(root=found.root))
    return found


def manifest(made: Repository, statement: str) -> Path:
    made.write({"Earthfile": f"VERSION 0.8\nFROM scratch\nmain:\n    {statement}\n    RUN /x\n    SAVE IMAGE --push m\n"})
    made.commit()
    return made.root.parent / "m.yaml"


def test_who_builds_is_warned_of_it(made: Repository) -> None:
    path = manifest(made, "COPY file /")
    assert told(prepare(path, resolve=False, building=True).warnings) == [
        f"module is a submodule: builds find an empty directory in its place ({ELSEWHERE})",
        f"kept/big.iso is kept by Git LFS: builds find a pointer in its place ({ELSEWHERE})",
    ]
    assert prepare(path, resolve=False).warnings == ()


@pytest.mark.parametrize(
    ("statement", "summary", "clone"),
    [
        ("COPY kept/big.iso /", "kept/big.iso is kept by Git LFS, and {} holds only a pointer to it", "a clone with Git LFS"),
        ("COPY kept /", "kept/big.iso is kept by Git LFS, and {} holds only a pointer to it", "a clone with Git LFS"),
        ("COPY module /", "module is a submodule, and what is in it at {} is not known here", "a clone with its submodules"),
    ],
)
def test_a_build_that_reads_it_is_refused(made: Repository, statement: str, summary: str, clone: str) -> None:
    path = manifest(made, statement)
    with pytest.raises(UnusableError) as caught:
        prepare(path, resolve=False)
    hint = f"give {clone} as source.path or with --source; an impact can be asked of named files instead of a range"
    assert told(caught.value.problems) == [f"{summary.format(made.git('rev-parse', '--short=12', 'HEAD'))} ({hint})"]
