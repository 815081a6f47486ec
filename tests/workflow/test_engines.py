"""Each order goes to the engine of its kind; what an engine needs is looked for before anything starts, and let go of when it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from matrixbuild.adapters.engines.embedded.engine import EmbeddedEngine
from matrixbuild.core.build import Build
from matrixbuild.core.problems import UnusableError
from matrixbuild.workflow.engines import Engines, engine_of
from matrixbuild.workflow.planning import Prepared, prepare
from tests.adapters.engines.earthly.listeners import buildkit, listening, nobody
from tests.adapters.engines.earthly.scripts import EARTHLY, script
from tests.projects import SmallProject, in_child, small_project

MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: small}
spec:
  source: {path: src}
  registry: oci-layout:registry
  engine: {kind: earthly, program: bin/earthly, builders: ["BUILDER"]}
  axes:
    os: [jammy, noble]
  secrets: [{name: TOKEN, env: TOKEN_OF_OURS}]
  targets:
    notes:
      earthly: +notes
      args: {OS: "{{ os }}"}
      artifacts: [{path: "/notes.txt", as: "notes-{{ os }}.txt"}]
"""

IMAGE = """\
    image:
      earthly: +notes
      args: {OS: "{{ os }}"}
      image: {repository: "{{ registry }}/notes", tag: "{{ os }}"}
"""

EARTHFILE = """\
VERSION 0.8
notes:
    ARG OS
    FROM scratch
    COPY $OS.txt /notes.txt
    RUN --secret TOKEN make $OS
    SAVE ARTIFACT /notes.txt
    SAVE IMAGE notes
"""

WRITES = """for word; do case $word in --OS=*) os=${word#--OS=} ;; esac; done; mkdir -p out/0; echo "notes of $os" > out/0/notes.txt"""


@pytest.fixture
def builder() -> Iterator[str]:
    with listening(buildkit()) as address:
        yield address.text


def project(root: Path, builder: str, *, manifest: str = MANIFEST) -> SmallProject:
    script(root / "bin/earthly", EARTHLY, otherwise=WRITES)
    files = {"src/Earthfile": EARTHFILE, "src/jammy.txt": "22.04\n", "src/noble.txt": "24.04\n"}
    return small_project(root, manifest=manifest.replace("BUILDER", builder), files=files)


def prepared(found: SmallProject) -> Prepared:
    return prepare(found.manifest, resolve=False)


def builds(found: Prepared, target: str) -> tuple[Build, ...]:
    return tuple(build for build in found.builds if build.target == target)


def around(root: Path) -> dict[str, str]:
    return {"TOKEN_OF_OURS": "a secret", "HOME": str(root), "XDG_CACHE_HOME": str(root / "cache")}


def refused(found: Prepared, target: str) -> str:
    engines = engine_of(found)
    assert isinstance(engines, Engines)
    with pytest.raises(UnusableError) as caught:
        engines.ready(builds(found, target))
    work = found.project.state("small") / "work"
    assert not work.exists() or not list(work.iterdir())
    return str(caught.value)


def test_what_matrixbuild_builds_itself_needs_no_other_engine(tmp_path: Path) -> None:
    manifest = MANIFEST.replace('{kind: earthly, program: bin/earthly, builders: ["BUILDER"]}', "embedded").replace("  secrets: ", "  # ")
    found = project(tmp_path, "", manifest=manifest)
    (tmp_path / "src/Earthfile").write_text(EARTHFILE.replace("    RUN --secret TOKEN make $OS\n", ""))
    assert isinstance(engine_of(prepared(found)), EmbeddedEngine)


def test_nothing_is_looked_for_before_it_is_needed(tmp_path: Path) -> None:
    """A plan with nothing to build ends well on a machine that can build nothing."""
    engines = engine_of(prepared(project(tmp_path, nobody().text)))
    assert isinstance(engines, Engines)
    engines.ready(())
    engines.stop("sha256:0", now=True)
    engines.close()


def test_a_secret_that_is_missing_is_told_with_its_builds(tmp_path: Path, builder: str) -> None:
    told = refused(prepared(project(tmp_path, builder)), "notes")
    assert "the secret 'TOKEN', which notes[os=jammy], notes[os=noble] need, cannot be had" in told


def test_a_builder_that_does_not_answer_is_told_before_anything_starts(tmp_path: Path) -> None:
    address = nobody().text
    found = project(tmp_path / "project", address)
    ended = in_child("apply", "small.yaml", cwd=found.root, env=around(tmp_path))
    assert ended.code == 8
    assert f"the builder {address} " in ended.err
    assert not list(found.root.glob(".matrixbuild/small/runs/*/*"))
    assert not list((found.root / ".matrixbuild/small/work").iterdir())


def test_a_program_that_is_none_is_told(tmp_path: Path, builder: str) -> None:
    found = project(tmp_path, builder)
    script(tmp_path / "bin/earthly", "echo hello")
    assert "is neither Earthly nor EarthBuild" in refused(prepared(found), "notes")


def test_an_image_layout_is_no_registry_to_push_to(tmp_path: Path, builder: str) -> None:
    told = refused(prepared(project(tmp_path, builder, manifest=MANIFEST + IMAGE)), "image")
    assert told.endswith("Earthly pushes to registries, and the manifest's is an image layout")


def test_an_apply_builds_with_the_program_and_leaves_nothing_of_its_own(tmp_path: Path, builder: str) -> None:
    found = project(tmp_path / "project", builder)
    ended = in_child("apply", "small.yaml", "-l", "os=noble", "--format", "json", cwd=found.root, env=around(tmp_path))
    assert json.loads(ended.out)["builds"].get("notes[os=noble]") == "built", ended.err
    (file,) = found.root.glob("out/*/notes-noble.txt")
    assert file.read_text() == "notes of noble\n"
    assert not list((found.root / ".matrixbuild/small/work").iterdir())
