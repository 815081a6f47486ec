"""What builds share, by what really runs: a program with Earthly's command line and a daemon that tells what it executed."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from matrixbuild.adapters.journal import read_journal
from tests.double.daemon import Daemon, running_daemon
from tests.double.installed import install
from tests.projects import Ended, SmallProject, in_child, small_project

EARTHFILE = """\
VERSION 0.6
FROM {BASE}
ARG OS
ARG RELEASE
ARG NAME=edge-$RELEASE

common:
    RUN printf upgrade
    RUN printf initramfs

image:
    FROM +common
    RUN printf "for $RELEASE"
    SAVE IMAGE --push $NAME
"""

MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {{name: small}}
spec:
  source: {{path: src}}
  registry: {registry}/{salt}
  engine: {{kind: earthly, program: {program}, builders: ["{builder}"]}}
  args: {{OS: "{{{{ os }}}}"}}
  axes:
    os: [jammy]
    release: ["1", "2", "3"]
  schedule: {{retry: {{attempts: 1}}}}
  publish: {{tags: mutable, mode: each}}
  targets:
    image:
      earthly: +image
      args: {{RELEASE: "{{{{ release }}}}", NAME: "{{{{ image.ref }}}}"}}
      image: {{repository: "{{{{ registry }}}}/edge", tag: "{{{{ os }}}}-{{{{ release }}}}"}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A project with three builds, and the daemon that does them."""

    project: SmallProject
    daemon: Daemon
    home: Path

    def run(self, verb: str, *words: str, code: int = 0) -> Ended:
        environ = {"HOME": str(self.home), "XDG_CACHE_HOME": str(self.home / "cache")}
        ended = in_child(verb, "small.yaml", *words, cwd=self.project.root, env=environ)
        assert ended.code == code, ended.out + ended.err
        return ended

    def applied(self, *words: str) -> Counter[str]:
        """What ran."""
        before = len(self.daemon.executed())
        self.run("apply", *words)
        return Counter(word for each in self.daemon.executed()[before:] for word in ("upgrade", "initramfs", "for ") if word in each)

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.project.root / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    @property
    def locked(self) -> dict[str, dict[str, object]]:
        found: dict[str, dict[str, object]] = json.loads(self.project.lock.read_text())["builds"]
        return found


@pytest.fixture
def bench(tmp_path: Path, contract_registry: str) -> Iterator[Bench]:
    double = install(tmp_path / "bin", flavor="earthly")
    home = tmp_path / "home"
    (home / ".earthly").mkdir(parents=True)
    with running_daemon(tmp_path / "daemon") as daemon:
        salt = f"sharing-{uuid.uuid4().hex[:12]}"
        manifest = MANIFEST.format(registry=contract_registry, salt=salt, program=double.path, builder=daemon.address)
        files = {"src/Earthfile": EARTHFILE.replace("{BASE}", f"{contract_registry}/base:2")}
        yield Bench(project=small_project(tmp_path / "project", manifest=manifest, files=files), daemon=daemon, home=home)


def test_what_does_not_differ_runs_once_for_all_builds(bench: Bench) -> None:
    assert bench.applied() == {"upgrade": 1, "initramfs": 1, "for ": 3}
    assert [build["narrowed"] for build in bench.locked.values()] == [True] * 3
    # A new generation is the same for all of them.
    assert bench.applied("--rebuild", "os=jammy") == {"upgrade": 1, "initramfs": 1, "for ": 3}


def test_without_sharing_everything_runs_for_each_build(bench: Bench) -> None:
    bench.edit("small.yaml", "schedule: {", "schedule: {share: false, ")
    assert bench.applied() == {"upgrade": 3, "initramfs": 3, "for ": 3}
    assert all("narrowed" not in build for build in bench.locked.values())


def test_keys_and_a_lock_that_is_there_do_not_change_by_it(bench: Bench) -> None:
    bench.edit("small.yaml", "schedule: {", "schedule: {share: false, ")
    bench.applied()
    before = bench.project.lock.read_bytes()
    bench.edit("small.yaml", "share: false, ", "")
    assert bench.applied() == {}
    assert bench.project.lock.read_bytes() == before


def test_one_build_leaves_for_the_others_what_they_share(bench: Bench) -> None:
    assert bench.applied("-l", "release=1") == {"upgrade": 1, "initramfs": 1, "for ": 1}
    assert bench.applied() == {"for ": 2}


def test_a_run_that_was_stopped_tells_the_lock_how_its_builds_were_made(bench: Bench) -> None:
    bench.applied()
    bench.project.lock.unlink()
    assert bench.applied() == {}
    assert [build["narrowed"] for build in bench.locked.values()] == [True] * 3


def test_an_arg_that_cannot_be_narrowed_is_told_once_and_nothing_is(bench: Bench) -> None:
    bench.edit("src/Earthfile", "    RUN printf upgrade\n", "    RUN printf upgrade; env\n")
    ended = bench.run("plan")
    assert ended.err.count("these builds share no steps: ") == 1
    assert "Earthfile:8" in ended.err
    assert "Shared work" not in ended.out
    ended = bench.run("apply")
    assert ended.err.count("these builds share no steps: ") == 1
    assert sum("upgrade" in each for each in bench.daemon.executed()) == 3
    assert all("narrowed" not in build for build in bench.locked.values())


def test_a_step_that_fails_is_told_with_the_authors_line(bench: Bench) -> None:
    bench.edit("src/Earthfile", '    RUN printf "for $RELEASE"\n', '    RUN printf "for $RELEASE"\n    RUN false\n')
    ended = bench.run("apply", "--rebuild", "os=jammy", code=4)
    assert "Earthfile:14" in ended.err
    assert "RUN false" in ended.err


def test_builds_that_send_little_do_not_wait_for_each_other_and_what_was_made_is_learned(bench: Bench) -> None:
    (bench.project.root / "src" / "small").write_text("small\n")
    bench.edit("src/Earthfile", "    RUN printf upgrade\n", "    COPY small /small\n    RUN printf upgrade\n")
    bench.edit("small.yaml", "schedule: {", "schedule: {limits: {cpu: 3}, ")
    assert bench.applied() == {"upgrade": 1, "initramfs": 1, "for ": 3}
    with read_journal(bench.project.root / ".matrixbuild" / "small") as journal:
        assert journal is not None
        attempts = sorted(journal.attempts(1), key=lambda attempt: attempt.started or 0.0)
    assert all(attempt.started and attempt.ended for attempt in attempts)
    assert (attempts[2].started or 0.0) < (attempts[0].ended or 0.0)
    made = {making.target: making.whole for attempt in attempts for making in attempt.usage.made}
    assert made.keys() == {"+common", "+image"}
    # What one of them made as a whole, the next plan knows, for whoever asks.
    bench.project.lock.unlink()
    told = bench.run("plan", "--what-if", "cpu=3").out
    assert "Shared work: +common once for 3 builds; about 0 s, learned." in told


def test_the_plan_tells_what_is_shared(bench: Bench) -> None:
    assert "Shared work: +common once for 3 builds." in bench.run("plan").out
    shared = json.loads(bench.run("plan", "--format", "json").out)["shared"]
    assert shared == [{"target": "+common", "builds": 3, "times": 1, "unshared": 3, "commands": 2}]
