"""Provider images of CanvOS for N Kubernetes versions, on a cold cache each: CanvOS's own +build-provider-images, N separate calls, and `matrixbuild
apply` with schedule.share off and on. Counts the commands that the builder really executed, and takes the wall time. Budget (design.md 14): with
sharing at most 94 + 27 (N - 1) commands, and the packages upgraded and the initramfs made once.

Run from the repository: `WORLD_START=.../start.sh CANVOS=DIR python -m benchmarks.sharing [N ...]` (default: 4 and 12; five minutes). WORLD_START
is a script that, called with `fresh` and a directory in WORLD, starts a registry with everything that a CanvOS checkout pulls, and a builder with an
empty cache that pulls there and writes `buildkitd.log` into that directory; it prints EARTHLY_BUILDKIT_HOST and REG_ADDR as `NAME=value`. The
program is found as tests/live/program.py has it. Where one of these is missing it says so and measures nothing.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.live.program import Program, find

ROOT = Path(__file__).parents[1]
AT_ONCE = 4
ONCE = ("apt-get upgrade", "dracut -f")
ARGS = {"ARCH": "amd64", "OS_DISTRIBUTION": "ubuntu", "OS_VERSION": "22.04", "K8S_DISTRIBUTION": "k3s", "CUSTOM_TAG": "bench"}
MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {{name: sharing}}
spec:
  profile: canvos
  source: {{path: {canvos}}}
  registry: {registry}
  vars: {{customTag: bench}}
  axes:
    os: [{{distribution: ubuntu, versions: ["22.04"]}}]
    kubernetes: [{{distribution: k3s, versions: {versions}}}]
  targets: {{iso: false}}
  engine: {{kind: earthly, program: "{program}", builders: ["{builder}"]}}
  network: {{insecure: ["{host}"]}}
  schedule: {{share: {share}, limits: {{cpu: {cpu}}}}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A world that can be had with an empty cache: the script, a directory, a checkout with so many versions in it, and the program."""

    start: Path
    directory: Path
    canvos: Path
    program: Program
    versions: tuple[str, ...]

    def fresh(self) -> dict[str, str]:
        environment = {**os.environ, "WORLD": str(self.directory / "world"), "CANVOS": str(self.canvos)}
        done = subprocess.run(["sh", str(self.start), "fresh"], env=environment, check=False, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{self.start} fresh failed:\n{done.stderr[-2000:]}")
        return dict(re.findall(r"^(\w+)=(.*)$", done.stdout, re.MULTILINE))

    def executed(self) -> list[str]:
        lines = (self.directory / "world/buildkitd.log").read_text(errors="replace").splitlines()
        return [line for line in lines if "> creating" in line]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    commands: int
    once: tuple[int, ...]
    seconds: float


Way = Callable[[Bench, dict[str, str]], None]


def call(bench: Bench, world: dict[str, str], target: str, **args: str) -> None:
    words = ["--push", "--no-output", f"{bench.canvos}+{target}", *(f"--{name}={value}" for name, value in {**ARGS, **args}.items())]
    found = Program(path=bench.program.path, kind=bench.program.kind, version=bench.program.version, buildkit=world["EARTHLY_BUILDKIT_HOST"])
    scratch = Path(tempfile.mkdtemp(dir=bench.directory))
    done = found.call(*words, f"--IMAGE_REGISTRY={registry(world)}", scratch=scratch)
    if done.rc:
        raise SystemExit(f"{target} failed:\n{done.output[-2000:]}")


def registry(world: dict[str, str]) -> str:
    return f"{world['REG_ADDR']}/sharing-{os.getpid()}"


def own(bench: Bench, world: dict[str, str]) -> None:
    call(bench, world, "build-provider-images")


def separate(bench: Bench, world: dict[str, str]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda version: call(bench, world, "provider-image", K8S_VERSION=version), bench.versions))


def apply(bench: Bench, world: dict[str, str], *, share: bool) -> None:
    root = Path(tempfile.mkdtemp(dir=bench.directory))
    text = MANIFEST.format(
        canvos=bench.canvos,
        # What the other way has pushed is nothing to adopt.
        registry=f"{registry(world)}/{'on' if share else 'off'}{len(bench.versions)}",
        host=world["REG_ADDR"],
        versions=json.dumps(list(bench.versions)),
        program=bench.program.path,
        builder=world["EARTHLY_BUILDKIT_HOST"],
        share=str(share).lower(),
        cpu=4 * AT_ONCE,
    )
    (root / "sharing.yaml").write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(root / "cache")}
    command = [sys.executable, "-m", "matrixbuild", "apply", "sharing.yaml"]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"apply failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


WAYS: dict[str, Way] = {
    "+build-provider-images": own,
    "separate calls": separate,
    "apply, share: false": lambda bench, world: apply(bench, world, share=False),
    "apply": lambda bench, world: apply(bench, world, share=True),
}


def measured(bench: Bench, way: Way) -> Measured:
    world = bench.fresh()
    before = len(bench.executed())
    began = time.monotonic()
    way(bench, world)
    seconds = time.monotonic() - began
    ran = bench.executed()[before:]
    return Measured(commands=len(ran), once=tuple(sum(what in line for line in ran) for what in ONCE), seconds=seconds)


def checkout(canvos: Path, into: Path, count: int) -> tuple[Path, tuple[str, ...]]:
    """A copy of the checkout that lists so many versions of k3s, the newest of it: CanvOS's own way builds what the list has."""
    shutil.copytree(canvos, into, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    listed = json.loads((into / "k8s_version.json").read_text())
    versions = tuple(listed["k3s"][-count:])
    # A line for each, as CanvOS writes it: the world's jq may be a small one that reads lines.
    (into / "k8s_version.json").write_text(json.dumps({**listed, "k3s": list(versions)}, indent=2) + "\n")
    return into, versions


def main(counts: Sequence[int]) -> int:
    start, canvos, program = os.environ.get("WORLD_START"), os.environ.get("CANVOS"), find()
    if not start or not canvos or program is None:
        print("no stub world here (WORLD_START, CANVOS and a real Earthly): nothing is measured")
        return 0
    missed = 0
    for count in counts:
        with tempfile.TemporaryDirectory() as directory:
            copy, versions = checkout(Path(canvos), Path(directory) / "canvos", count)
            bench = Bench(start=Path(start), directory=Path(directory), canvos=copy, program=program, versions=versions)
            try:
                found = {name: measured(bench, way) for name, way in WAYS.items()}
            finally:
                environment = {**os.environ, "WORLD": str(bench.directory / "world")}
                subprocess.run(["sh", str(bench.start), "stop"], env=environment, check=False, capture_output=True)
        missed |= told(count, found, f"{program.kind} {program.version}")
    return missed


def told(count: int, found: dict[str, Measured], program: str) -> int:
    budget = 94 + 27 * (count - 1)
    print(f"{count} Kubernetes versions, ubuntu 22.04, k3s, cold cache each, {program}")
    for name, one in found.items():
        once = ", ".join(f"{what} {number} x" for what, number in zip(ONCE, one.once, strict=True))
        print(f"  {name:<24}{one.commands:>6} commands  {one.seconds:6.1f} s  {once}")
    ours = found["apply"]
    print(f"  budget                  {budget:>6} commands, each of those once")
    return int(ours.commands > budget or ours.once != (1, 1))


if __name__ == "__main__":
    sys.exit(main([int(word) for word in sys.argv[1:]] or [4, 12]))
