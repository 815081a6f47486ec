"""Small projects on disk, and the command run on them as a person would."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matrixbuild.cli.main import main

EARTHFILE = """\
VERSION 0.8

image:
    ARG OS
    ARG FIPS=false
    FROM scratch
    COPY common /etc/common
    COPY $OS.conf /etc/os.conf
    LABEL fips=$FIPS

notes:
    ARG OS
    FROM scratch
    COPY $OS.conf /notes.txt
    SAVE ARTIFACT /notes.txt
"""

MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: small}
spec:
  source: {path: src}
  registry: {REGISTRY}
  engine: embedded
  axes:
    os: [jammy, noble]
    fips: [false, true]
  targets:
    image:
      earthly: +image
      args: {OS: "{{ os }}", FIPS: "{{ fips }}"}
      image: {repository: "{{ registry }}/{{ os }}", tag: "1{{ '-fips' if fips else '' }}"}
    notes:
      earthly: +notes
      args: {OS: "{{ os }}"}
      artifacts: [{path: /notes.txt, as: "notes-{{ os }}.txt"}]
  publish: {tags: mutable}
"""

FILES = {
    "src/Earthfile": EARTHFILE,
    "src/common": "the same everywhere\n",
    "src/jammy.conf": "22.04\n",
    "src/noble.conf": "24.04\n",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallProject:
    """A project of one manifest (`small.yaml`) in a directory of its own, which is its root."""

    root: Path

    @property
    def manifest(self) -> Path:
        return self.root / "small.yaml"

    @property
    def lock(self) -> Path:
        return self.root / "small.lock.json"

    def run(self, *words: str) -> Ended:
        """Run the command in this process, in the project's root."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(self.root), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(words)
            except SystemExit as leaving:
                code = leaving.code if isinstance(leaving.code, int) else 0
        return Ended(code=code, out=out.getvalue(), err=err.getvalue())

    def plan(self, *words: str) -> dict[str, Any]:
        ended = self.run("plan", "small.yaml", "--format", "json", *words)
        assert ended.code == 0, ended.err
        found: dict[str, Any] = ended.json()
        return found

    def apply(self, *words: str) -> dict[str, str]:
        """Apply, which must succeed; build name -> how it ended, for those that ran."""
        ended = self.run("apply", "small.yaml", "--format", "json", *words)
        assert ended.code == 0, ended.err
        found: dict[str, str] = ended.json()["builds"]
        return found

    def digests(self) -> dict[str, str]:
        """The digest of each image in the lock, by image name."""
        builds = json.loads(self.lock.read_text())["builds"]
        return {ref: build["image"]["digest"] for build in builds.values() if "image" in build for refs in build["cells"].values() for ref in refs}


def small_project(root: Path, *, registry: str = "oci-layout:registry", manifest: str = MANIFEST, files: Mapping[str, str] = FILES) -> SmallProject:
    """Write a small project: 4 cells, 4 images, 2 artifacts. `{REGISTRY}` in the manifest is replaced."""
    for name, text in {**files, "small.yaml": manifest.replace("{REGISTRY}", registry)}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return SmallProject(root=root)


def in_child(*words: str, cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 120) -> Ended:
    """Run the command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "matrixbuild", *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), **(env or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr)


def layout_manifests(layout: Path) -> Iterator[tuple[str, str]]:
    """(ref.name, digest) of each entry of a layout's index."""
    for entry in json.loads((layout / "index.json").read_text())["manifests"]:
        yield entry.get("annotations", {}).get("org.opencontainers.image.ref.name", ""), entry["digest"]
