"""A small release with needs, images, artifacts and builds with both; and applies of it in processes of their own, each execution counted."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.checkout import ROOT
from tests.projects import SmallProject, small_project

EARTHFILE = """\
VERSION 0.8

root:
    FROM scratch
    COPY base.txt /base.txt

app:
    ARG BASE
    ARG N
    FROM $BASE
    COPY app.txt /app.txt
    LABEL n=$N

notes:
    ARG N
    FROM scratch
    COPY $N.txt /notes.txt
    SAVE ARTIFACT /notes.txt

both:
    ARG N
    FROM scratch
    COPY app.txt /both.txt
    LABEL n=$N
    SAVE ARTIFACT /both.txt
"""

MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: small}
spec:
  source: {path: src}
  registry: {REGISTRY}
  engine: embedded
  axes: {n: ["1", "2", "3"]}
  targets:
    root:
      axes: []
      earthly: +root
      image: {repository: "{{ registry }}/root", tag: "1"}
    app:
      earthly: +app
      needs: [root]
      args: {BASE: "{{ needs['root'].image }}", N: "{{ n }}"}
      image: {repository: "{{ registry }}/app", tag: "{{ n }}"}
    notes:
      earthly: +notes
      args: {N: "{{ n }}"}
      artifacts: [{path: /notes.txt, as: "notes.txt"}]
    both:
      earthly: +both
      args: {N: "{{ n }}"}
      image: {repository: "{{ registry }}/both", tag: "{{ n }}"}
      artifacts: [{path: /both.txt, as: "both.txt"}]
  schedule: {limits: {cpu: 2}}
  publish: {tags: TAGS, mode: MODE}
"""
FILES = {"src/Earthfile": EARTHFILE, "src/base.txt": "1\n", "src/app.txt": "1\n", **{f"src/{n}.txt": f"{n}\n" for n in "123"}}

IMAGES = frozenset({"root", "app[n=1]", "app[n=2]", "app[n=3]"})
NOTES = frozenset({"notes[n=1]", "notes[n=2]", "notes[n=3]"})
BOTH = frozenset({"both[n=1]", "both[n=2]", "both[n=3]"})
ALL = IMAGES | NOTES | BOTH
TAGS = 7


def release(root: Path, *, registry: str = "oci-layout:registry", mode: str = "atomic", tags: str = "immutable") -> SmallProject:
    return small_project(root, registry=registry, manifest=MANIFEST.replace("MODE", mode).replace("TAGS", tags), files=FILES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Executions:
    """What engines wrote down: a line when a build starts in one, and one when it is through with it."""

    path: Path

    def _counted(self, word: str) -> Counter[str]:
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return Counter(line.removeprefix(f"{word} ") for line in lines if line.startswith(f"{word} "))

    @property
    def started(self) -> Counter[str]:
        return self._counted("start")

    @property
    def ended(self) -> Counter[str]:
        return self._counted("end")


def command(project: SmallProject, executions: Executions, *, point: str = "never", seconds: str = "0") -> list[str]:
    return [sys.executable, "-m", "tests.kills.worker", str(project.manifest), str(executions.path), point, seconds]


def start(project: SmallProject, executions: Executions, *, point: str = "never", seconds: str = "0") -> subprocess.Popen[str]:
    """An apply in a process of its own, dying at `point` (see worker); its builds take so many seconds (one number, or two and what lies between)."""
    return subprocess.Popen(
        command(project, executions, point=point, seconds=seconds),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str], codes: Sequence[int] = (0,)) -> int:
    _, err = process.communicate(timeout=120)
    assert process.returncode in codes, err
    assert "Traceback" not in err, err
    return process.returncode
