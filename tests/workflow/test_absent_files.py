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
    main: {{earthly: +main, image: {{repository: "{{{{ registry }}}}/main", tag: "{{{{ os }}}}"}}}}
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


def test_pointers_of_a_directory_are_told_where_a_build_copies_them(made: Repository) -> None:
    """A clone without Git LFS: nothing else tells that its images hold pointers."""
    path = manifest(made, "COPY kept/big.iso file /dir/")
    path.write_text(path.read_text().replace(f"source: {{git: {made.root}, ref: main}}", "source: {path: source}"))
    pointer = POINTER.replace("4d7a", "4d7a" * 16)
    made.write({"kept/big.iso": pointer, "kept/other.iso": pointer, "file": "version https://git-lfs.github.com/spec is where it is told\n" * 3})
    summary = "kept/big.iso is kept by Git LFS, and this directory holds only a pointer to it, which builds copy"
    assert told(prepare(path, resolve=False).warnings) == [f"{summary} (`git lfs pull` in that directory fetches the file)"]


def test_a_pointer_that_the_manifest_lays_a_file_over_is_not_told(made: Repository) -> None:
    path = manifest(made, "COPY kept/big.iso /")
    made.write({"kept/big.iso": POINTER.replace("4d7a", "4d7a" * 16)})
    path.with_name("real.iso").write_text("real")
    path.write_text(
        path.read_text().replace(
            f"source: {{git: {made.root}, ref: main}}", "source: {path: source, files: [{from: real.iso, to: kept/big.iso}]}"
        )
    )
    assert prepare(path, resolve=False).warnings == ()
