"""An apply on a machine without Earthly, in a real Docker engine, with an image that holds the double: what it is given, and what is left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import uuid
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from matrixbuild.adapters.engines.contained.host import Host, open_host
from matrixbuild.core.client_container import STATE_LABEL
from matrixbuild.core.shared_builder import BUILDER_LABEL
from tests.adapters.engines.earthly.listeners import buildkit, listening
from tests.certificates import authority
from tests.contained_images import import_double
from tests.processes import marked, until
from tests.projects import Ended, SmallProject, in_child, small_project
from tests.services import require

MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: small}
spec:
  source: {path: src}
  registry: registry.test/edge
  engine: {kind: earthly, image: IMAGE}
  axes:
    os: [jammy, noble]
  secrets: [{name: TOKEN, env: TOKEN_OF_OURS}]
  targets:
    notes:
      earthly: +notes
      args: {OS: "{{ os }}"}
      ambient: [SITE]
      artifacts: [{path: /told, as: told}]
"""
EARTHFILE = """\
VERSION 0.8
notes:
    ARG OS
    ARG SITE
    FROM scratch
    COPY $OS.conf /told
    RUN --secret TOKEN make $OS
    SAVE ARTIFACT /told
"""
FILES = {"src/Earthfile": EARTHFILE, "src/jammy.conf": "22.04\n", "src/noble.conf": "24.04\n"}
SECRET = "hunter2-hunter2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    project: SmallProject
    host: Host
    mark: str
    home: Path

    @property
    def environ(self) -> Mapping[str, str]:
        plain = {"DOCKER_HOST": self.host.address, "HOME": str(self.home), "XDG_CACHE_HOME": str(self.home / "cache"), "MARK": self.mark}
        return {**plain, "TOKEN_OF_OURS": SECRET, "SITE": "north-by-northwest", "DOCKER_CONFIG": str(self.home / "docker")}

    def apply(self, *words: str, **environ: str) -> Ended:
        return in_child("apply", "small.yaml", *words, cwd=self.project.root, env={**self.environ, **environ})

    def start(self) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "matrixbuild", "apply", "small.yaml"]
        env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **self.environ}
        return subprocess.Popen(words, cwd=self.project.root, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def write(self, old: str, new: str) -> None:
        text = self.project.manifest.read_text()
        assert old in text
        self.project.manifest.write_text(text.replace(old, new))

    def told(self, os_: str = "jammy") -> list[str]:
        (found,) = self.project.root.glob(f"out/notes-os-{os_}-*/told")
        return found.read_text().splitlines()

    def clients(self) -> list[str]:
        return [found["Id"] for found in self.host.api.containers(filters={"label": [STATE_LABEL]})]

    def building(self) -> bool:
        """Whether both builds of a slow project have begun: until a container's first process has set its trap, no signal but SIGKILL ends it."""
        return sum("begun" in path.read_text() for path in self.project.root.glob(".matrixbuild/small/runs/*/*/*/stderr")) == 2

    def logs(self) -> str:
        return "".join(path.read_text() for path in self.project.root.glob(".matrixbuild/small/runs/*/*/*/*") if path.is_file())


@pytest.fixture
def bench(tmp_path: Path, docker_engine: str) -> Iterator[Bench]:
    require("docker")
    with open_host({"DOCKER_HOST": docker_engine, "PATH": os.environ["PATH"]}) as host:
        image = import_double(host.api)
        (tmp_path / "home/docker").mkdir(parents=True)
        (tmp_path / "p").mkdir()
        project = small_project(tmp_path / "p", manifest=MANIFEST.replace("IMAGE", f'"{image}"'), files=FILES)
        made = Bench(project=project, host=host, mark=f"mark-{uuid.uuid4().hex}", home=tmp_path / "home")
        yield made
        assert not marked(made.mark)
        assert made.clients() == []
        work = tmp_path / "p/.matrixbuild/small/work"
        assert [path.name for path in work.glob("*")] in ([], ["layers"])
        for found in host.api.containers(all=True, filters={"label": [BUILDER_LABEL]}):
            host.api.remove_container(found["Id"], force=True)
        for volume in host.api.volumes(filters={"label": [BUILDER_LABEL]})["Volumes"] or ():
            with contextlib.suppress(Exception):
                host.api.remove_volume(volume["Name"])


def applied(bench: Bench, *words: str, **environ: str) -> dict[str, str]:
    ended = bench.apply("--format", "json", *words, **environ)
    assert ended.code == 0, ended.err
    found: dict[str, str] = json.loads(ended.out)["builds"]
    return found


def test_what_is_built_sees_what_it_needs(bench: Bench) -> None:
    auth = {"auth": b64encode(b"me:password-of-mine").decode()}
    (bench.home / "docker/config.json").write_text(json.dumps({"auths": {"other.test": auth}, "psFormat": "of the user's"}))
    assert applied(bench, HTTP_PROXY="http://proxy.test:1", NO_PROXY="registry.test") == {"notes[os=jammy]": "built", "notes[os=noble]": "built"}
    user, *environ = bench.told()
    assert user == str(os.getuid())
    assert {f"TOKEN={SECRET}", "SITE=north-by-northwest", "HTTP_PROXY=http://proxy.test:1", "NO_PROXY=registry.test", "TERM=dumb"} <= set(environ)
    *environ, login, checked_out = environ
    assert (json.loads(login), checked_out) == ({"auths": {"other.test": auth}}, "22.04")
    assert not [word for word in environ if word.startswith(("DOCKER_HOST=", "TOKEN_OF_OURS=", "MARK="))]
    said = bench.logs()
    assert SECRET not in said
    assert "north-by-northwest" not in said
    assert "password-of-mine" not in said


def test_the_builder_stays_and_is_used_again(bench: Bench) -> None:
    applied(bench)
    (found,) = bench.host.api.containers(filters={"label": [BUILDER_LABEL]})
    applied(bench, "--rebuild", "os=jammy")
    assert [one["Id"] for one in bench.host.api.containers(filters={"label": [BUILDER_LABEL]})] == [found["Id"]]
    assert found["Names"] == [f"/matrixbuild-earthly-0.8-{os.getuid()}"]


def test_proxies_and_cas_reach_builder_and_program(bench: Bench, tmp_path: Path) -> None:
    (bench.project.root / "corp.pem").write_text(authority(tmp_path).certificate.read_text())
    bench.write("  targets:", "  network: {ca: [corp.pem]}\n  targets:")
    applied(bench, https_proxy="http://proxy.test:1")
    assert [word for word in bench.told() if word.startswith("matrixbuild-") and word.endswith(".pem")]
    (found,) = bench.host.api.containers(filters={"label": [BUILDER_LABEL]})
    assert "https_proxy=http://proxy.test:1" in bench.host.api.inspect_container(found["Id"])["Config"]["Env"]
    bench.write("{ca: [corp.pem]}", "{ca: [corp.pem], proxy: none}")
    applied(bench, "--rebuild", "os=jammy", https_proxy="http://proxy.test:1")
    assert not [word for word in bench.told() if "proxy.test" in word]


def slow(bench: Bench, *, much: bool = True) -> None:
    file = bench.project.root / "src/slow"
    file.write_text("") if much else file.unlink()


def test_the_builder_is_not_changed_under_another_apply(bench: Bench, tmp_path: Path) -> None:
    slow(bench)
    first = bench.start()
    until(bench.building)
    other = small_project(tmp_path / "other", manifest=bench.project.manifest.read_text(), files=FILES)
    # What has all that is wanted is shared.
    assert in_child("apply", "small.yaml", cwd=other.root, env=bench.environ).code == 0
    other.manifest.write_text(other.manifest.read_text().replace("engine: {", "engine: {cache: 2Gi, "))
    refused = in_child("apply", "small.yaml", "--rebuild", "os=jammy", cwd=other.root, env=bench.environ)
    name = f"matrixbuild-earthly-0.8-{os.getuid()}"
    assert refused.code == 8
    assert f"the builder {name} has another engine.cache than this apply wants, and another apply builds on it" in refused.err
    first.send_signal(signal.SIGTERM)
    assert first.wait() == 143
    assert in_child("apply", "small.yaml", "--rebuild", "os=jammy", cwd=other.root, env=bench.environ).code == 0


def test_what_is_stopped_leaves_no_container(bench: Bench) -> None:
    slow(bench)
    running = bench.start()
    until(bench.building)
    running.send_signal(signal.SIGTERM)
    assert running.wait() == 143
    assert bench.clients() == []
    assert "told to end" in bench.logs()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_stopped_in_its_first_moment_leaves_none_either(bench: Bench, number: signal.Signals) -> None:
    """Of any state: Docker may be making it, and its first process may hear nothing yet."""
    slow(bench)
    mine = {"label": [f"{STATE_LABEL}={bench.project.root / '.matrixbuild/small'}"]}
    running = bench.start()
    until(lambda: bool(list(bench.project.root.glob(".matrixbuild/small/runs/*/*/*/command"))))
    running.send_signal(number)
    assert running.wait() == 128 + number
    assert bench.host.api.containers(all=True, filters=mine) == []


def test_what_is_killed_leaves_no_container(bench: Bench) -> None:
    slow(bench)
    running = bench.start()
    until(bench.building)
    running.kill()
    running.wait()
    until(lambda: bench.clients() == [])
    slow(bench, much=False)
    applied(bench)


def test_what_everything_that_was_killed_left_the_next_apply_removes(bench: Bench) -> None:
    slow(bench)
    running = bench.start()
    until(bench.building)
    # First whoever would end the others.
    for pid in sorted(marked(bench.mark)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    running.wait()
    left = set(bench.clients())
    assert len(left) == 2
    slow(bench, much=False)
    applied(bench)
    assert not left & {found["Id"] for found in bench.host.api.containers(all=True)}


def test_a_builder_that_died_under_a_build_is_started_again(bench: Bench) -> None:
    applied(bench)
    (found,) = bench.host.api.containers(filters={"label": [BUILDER_LABEL]})
    bench.host.api.kill(found["Id"])
    applied(bench, "--rebuild", "os=jammy")
    (again,) = bench.host.api.containers(filters={"label": [BUILDER_LABEL]})
    assert again["Id"] == found["Id"]


def test_without_program_and_docker_there_are_two_ways_to_go(bench: Bench, tmp_path: Path) -> None:
    bench.write(f", image: {bench.project.manifest.read_text().split('image: ')[1].split('}')[0]}", "")
    ended = bench.apply(DOCKER_HOST=f"unix://{tmp_path}/none.sock", PATH="/usr/bin:/bin", MATRIXBUILD_EARTHLY="")
    assert ended.code == 8
    assert (
        "the builds of this manifest need Earthly, neither earth nor earthly is on PATH, and "
        f"no Docker engine answers on unix://{tmp_path}/none.sock" in ended.err
    )


def test_builders_that_are_named_are_used(bench: Bench) -> None:
    with listening(buildkit()) as address:
        bench.write("image: ", f'builders: ["{address.text}"], image: ')
        applied(bench)
    assert bench.host.api.containers(all=True, filters={"label": [BUILDER_LABEL]}) == []
    bench.write(address.text, "docker-container://mine")
    ended = bench.apply("--rebuild", "os=jammy")
    assert ended.code == 8
    assert "the builder docker-container://mine can be reached by a program of this machine only, and Earthly runs in a container here" in ended.err
