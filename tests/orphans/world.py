"""A release of sixty small builds, and applies of it in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.checkout import ROOT
from tests.projects import SmallProject, small_project

EARTHFILE = """\
VERSION 0.8

notes:
    ARG N
    FROM scratch
    COPY notes.txt /notes.txt
    LABEL n=$N
"""
MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: small}
spec:
  source: {path: src}
  registry: {REGISTRY}
  engine: embedded
  axes: {n: [NUMBERS]}
  targets:
    notes:
      earthly: +notes
      args: {N: "{{ n }}"}
      image: {repository: "{{ registry }}/notes", tag: "{{ n }}"}
  schedule: {limits: {cpu: 4}}
  publish: MODE
"""

LIVELY = """
sleep 30 & one=$!
sh -c 'timeout 30 sleep 30 & wait' & two=$!
case $1 in
notes-n-*3-*) trap '' TERM; sleep 2; sleep 2;;
notes-n-*[05]-*) (trap '' TERM HUP INT; exec sleep 1) & sleep 0.2;;
*) sleep 0.0$(($$ % 9));;
esac
kill $one; pkill -P $two; wait
"""
"""Children and grandchildren, some in a group of their own, some deaf, coming and going all the time."""


def release(root: Path, *, builds: int = 60, mode: str = "atomic") -> SmallProject:
    numbers = ", ".join(f'"{number}"' for number in range(builds))
    files = {"src/Earthfile": EARTHFILE, "src/notes.txt": "1\n"}
    return small_project(root, manifest=MANIFEST.replace("NUMBERS", numbers).replace("MODE", mode), files=files)


def start(
    project: SmallProject, *words: str, script: str, mark: str, grace: float, token: str = "nothing-secret", bug: str = ""
) -> subprocess.Popen[bytes]:
    """`matrixbuild apply small.yaml WORDS...`, each build running `script` first. Only what is started there carries the mark, `child-...`."""
    env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.orphans.worker", "apply", "small.yaml", *words],
        cwd=project.root,
        env={**env, "PYTHONPATH": str(ROOT), "SCRIPT": script, "MARK": mark.removeprefix("child-"), "GRACE": str(grace), "TOKEN": token, "BUG": bug},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
