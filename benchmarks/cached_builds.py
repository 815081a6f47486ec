"""Builds that are all in the cache of a real Earthly's builder, four at once: `matrixbuild apply` against a bash loop with `xargs -P 4` over the same
calls, in the same run. Budget (design.md 14): 0.15 s a build beside the program's own time.

Run from the repository with EARTHLY and EARTHLY_BUILDKIT_HOST as tests/live/program.py has them: `python -m benchmarks.cached_builds [COUNT]`; 100
builds take about a minute. Without a real Earthly it says so and measures nothing. Every round is pushed to names of its own, and the layers are
there from the round before: so a round is calls, manifests and (of ours) everything that makes an apply one.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.live.program import Program, find
from tests.services import running_registry

ROOT = Path(__file__).parents[1]
AT_ONCE = 4
ROUNDS = 3
BUDGET = 0.15
EARTHFILE = """\
VERSION 0.8

app:
    ARG NUMBER
    FROM scratch
    COPY data /data
    LABEL number=$NUMBER
    SAVE IMAGE --push app
"""


def manifest(program: Program, registry: str, count: int) -> str:
    return f"""\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {{name: cached}}
spec:
  source: {{path: src}}
  registry: {registry}
  engine: {{kind: earthly, program: "{program.path}", builders: ["{program.buildkit}"]}}
  axes: {{number: [{", ".join(f'"{number}"' for number in range(count))}]}}
  targets:
    app:
      earthly: +app
      args: {{NUMBER: "{{{{ number }}}}"}}
      image: {{repository: "{{{{ registry }}}}/app", tag: "{{{{ number }}}}"}}
      resources: {{cpu: 1}}
  schedule: {{limits: {{cpu: {AT_ONCE}}}}}
"""


class Project:
    """A manifest of so many builds in a directory of its own, and what an apply of it leaves there."""

    def __init__(self, root: Path, program: Program, count: int) -> None:
        self.root, self._program, self._count = root, program, count
        (root / "src").mkdir(parents=True)
        (root / "src/Earthfile").write_text(EARTHFILE)
        (root / "src/data").write_text("data\n")

    def apply(self, registry: str) -> float:
        """Seconds of an apply that knows nothing of what was built before."""
        (self.root / "cached.yaml").write_text(manifest(self._program, registry, self._count))
        subprocess.run(["rm", "-rf", ".matrixbuild", "cached.lock.json"], cwd=self.root, check=True)
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(self.root / "cache")}
        command = [sys.executable, "-m", "matrixbuild", "apply", "cached.yaml"]
        began = time.monotonic()
        subprocess.run(command, cwd=self.root, env=environment, check=True, capture_output=True)
        return time.monotonic() - began

    def calls(self) -> list[list[str]]:
        """What the last apply called the program with."""
        files = sorted(self.root.glob(".matrixbuild/cached/runs/*/*/*/command"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    def wrapper(self) -> str:
        return next(iter(self.root.glob(".matrixbuild/cached/runs/*/*/*/Earthfile"))).read_text()


def loop(project: Project, calls: list[list[str]], registry: str) -> float:
    """Seconds of the same calls out of xargs, each with a directory and files of its own, as the program wants them."""
    work = project.root / "loop"
    subprocess.run(["rm", "-rf", str(work)], check=True)
    config = work / "config.yml"
    lines = []
    for number, call in enumerate(calls):
        own = work / str(number)
        own.mkdir(parents=True)
        (own / "Earthfile").write_text(project.wrapper())
        lines.append(f"cd {own} && exec {shlex.join(moved(call, own, config, registry))} > {own}/log 2>&1")
    config.write_text("global:\n  tls_enabled: false\n  buildkit_restart_timeout_s: 0\n  container_frontend: none\n")
    environment = {**os.environ, "TERM": "dumb", "NO_COLOR": "1"}
    # Each line is one argument: a shell of its own, which becomes the program.
    began = time.monotonic()
    subprocess.run(
        ["xargs", "-0", "-P", str(AT_ONCE), "-n", "1", "bash", "-c", 'eval "$0"'], input="\0".join(lines), text=True, env=environment, check=True
    )
    return time.monotonic() - began


def moved(call: list[str], own: Path, config: Path, registry: str) -> list[str]:
    """The call with files of its own, and its image under another name."""
    files = {"--config": config, "--logstream-debug-file": own / "stream.json", "--logstream-debug-manifest-file": own / "manifest.json"}
    found = list(call)
    for flag, file in files.items():
        found[found.index(flag) + 1] = str(file)
    return [f"--MB_TAG={registry}/app:{word.rpartition(':')[2]}" if word.startswith("--MB_TAG=") else word for word in found]


@contextlib.contextmanager
def registry_of(root: Path) -> Iterator[str]:
    """The one that the builder may push to."""
    if given := os.environ.get("EARTHLY_REGISTRY"):
        yield given
    else:
        with running_registry(root) as running:
            yield running.host


def main() -> int:
    program = find()
    if program is None or not program.buildkit:
        print("no real Earthly with a builder here (EARTHLY, EARTHLY_BUILDKIT_HOST): nothing is measured")
        return 0
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as directory, registry_of(Path(directory) / "registry") as host:
        project = Project(Path(directory) / "project", program, count)
        prefix = f"{host}/cached-{os.getpid()}"
        project.apply(f"{prefix}/warm")
        ours, bare = [], []
        for number in range(ROUNDS):
            ours.append(project.apply(f"{prefix}/ours{number}"))
            bare.append(loop(project, project.calls(), f"{prefix}/bare{number}"))
    return told(count, statistics.median(ours), statistics.median(bare), f"{program.kind} {program.version}")


def told(count: int, ours: float, bare: float, program: str) -> int:
    beside = (ours - bare) / count
    print(f"{count} cached builds, {AT_ONCE} at once, {program}, medians of {ROUNDS}")
    print(f"  xargs -P {AT_ONCE}        {bare:6.2f} s   {bare / count:6.3f} s a build")
    print(f"  matrixbuild apply  {ours:6.2f} s   {ours / count:6.3f} s a build   {ours / bare:.2f} x")
    print(f"  beside the program's own time {beside:6.3f} s a build (budget {BUDGET} s)")
    return int(beside > BUDGET)


if __name__ == "__main__":
    sys.exit(main())
