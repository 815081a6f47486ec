"""`matrixbuild apply` with a program that has Earthly's command line: the doubles everywhere, the real one where there is one."""

from __future__ import annotations

import hashlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from matrixbuild.adapters.registry import HttpRegistry
from tests.contract.programs import Subject
from tests.double.daemon import running_daemon
from tests.double.installed import install
from tests.processes import until
from tests.projects import Ended, SmallProject, in_child, small_project

EARTHFILE = """\
VERSION 0.8
FROM {BASE}
ARG --global WHO=nobody

image:
    ARG OS
    RUN echo "for $OS"
    COPY $OS.conf /etc/os.conf
    LABEL os=$OS
    LABEL who=$WHO
    SAVE ARTIFACT /etc/os.conf
    SAVE IMAGE --push ignored.example.com/never:pushed

guarded:
    ARG OS
    FROM +image
    RUN printf asked
    RUN false

slow:
    ARG OS
    FROM +image
    RUN sleep 2
    SAVE ARTIFACT /etc/os.conf

empty:
    FROM scratch
    LABEL only=this
"""

MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {{name: small}}
spec:
  source: {{path: src}}
  registry: {registry}/{salt}
  engine: {{kind: earthly, program: {program}, builders: ["{builder}"]}}
  axes:
    os: [jammy, noble]
  schedule: {{retry: {{attempts: 2, wait: {{initial: 1ms}}}}}}
  publish: {{tags: mutable, mode: each}}
  targets:
    image:
      earthly: +image
      args: {{OS: "{{{{ os }}}}", WHO: "a, \\"b\\" $(c) $D"}}
      image: {{repository: "{{{{ registry }}}}/edge", tag: "{{{{ os }}}}"}}
      artifacts: [{{path: "/*.conf", as: "conf/{{{{ os }}}}"}}]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A project whose builds a program makes."""

    project: SmallProject
    subject: Subject
    salt: str

    def apply(self, *words: str, code: int = 0, **environ: str) -> Ended:
        cache = self.project.root.parent / "cache"
        ended = in_child("apply", "small.yaml", *words, cwd=self.project.root, env={"HOME": str(self.subject.home), "XDG_CACHE_HOME": str(cache), **environ})
        assert ended.code == code, ended.out + ended.err
        return ended

    def built(self, *words: str) -> Mapping[str, str]:
        found: Mapping[str, str] = json.loads(self.apply("--format", "json", *words).out)["builds"]
        return found

    def edit(self, old: str, new: str) -> None:
        text = self.project.manifest.read_text()
        assert old in text
        self.project.manifest.write_text(text.replace(old, new))

    def digest(self, tag: str) -> str | None:
        return HttpRegistry(self.subject.registry).digest(f"{self.salt}/edge", tag)


Make = Callable[[Subject], Bench]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def bench(subject: Subject) -> Bench:
        salt = f"engine-{uuid.uuid4().hex[:12]}"
        manifest = MANIFEST.format(registry=subject.registry, salt=salt, program=subject.path, builder=subject.address)
        earthfile = EARTHFILE.replace("{BASE}", f"{subject.registry}/base:2")
        files = {"src/Earthfile": earthfile, "src/jammy.conf": "22.04\n", "src/noble.conf": "24.04\n"}
        return Bench(project=small_project(tmp_path / "project", manifest=manifest, files=files), subject=subject, salt=salt)

    return bench


def test_what_is_built_is_there_as_declared_and_not_built_again(subject: Subject, make: Make) -> None:
    bench = make(subject)
    assert bench.built() == {"image[os=jammy]": "built", "image[os=noble]": "built"}
    lock = json.loads(bench.project.lock.read_text())["builds"]
    for tag, content in (("jammy", b"22.04\n"), ("noble", b"24.04\n")):
        build = lock[f"image[os={tag}]"]
        assert build["image"]["digest"] == bench.digest(tag)
        assert build["artifacts"] == {f"conf/{tag}": {"sha256": hashlib.sha256(content).hexdigest(), "size": 6}}
        labels = subject.settings(f"{subject.registry}/{bench.salt}/edge:{tag}")["Labels"]
        assert (labels["dev.matrixbuild.key"], labels["os"], labels["who"]) == (build["key"], tag, 'a, "b" $(c) $D')
        (file,) = bench.project.root.glob(f"out/*/conf/{tag}")
        assert file.read_bytes() == content
    assert bench.built() == {}
    bench.project.lock.unlink()
    assert bench.built() == {}


def test_an_artifact_that_is_touched_is_made_again_and_its_image_is_not(subject: Subject, make: Make) -> None:
    bench = make(subject)
    bench.built()
    before = bench.digest("jammy")
    (file,) = bench.project.root.glob("out/*/conf/jammy")
    file.write_text("touched\n")
    assert bench.built() == {"image[os=jammy]": "built"}
    assert file.read_text() == "22.04\n"
    assert bench.digest("jammy") == before


def test_a_step_that_fails_is_told_with_its_line_and_keeps_nothing_else_back(subject: Subject, make: Make) -> None:
    bench = make(subject)
    bench.edit("earthly: +image\n", "earthly: +image\n      when: {os: jammy}\n")
    text = bench.project.manifest.read_text()
    failing = text[text.index("    image:\n") :].replace("image:\n", "guarded:\n", 1).replace("+image", "+guarded").replace("jammy", "noble")
    bench.project.manifest.write_text(text + failing)
    ended = bench.apply(code=4)
    line = EARTHFILE.splitlines().index("    RUN false") + 1
    assert f"Earthfile:{line}" in ended.err
    assert "RUN false ended with exit code 1" in ended.err
    assert (bench.digest("jammy") is None, bench.digest("noble") is None) == (False, True)


def test_an_image_without_layers_never_arrives(subject: Subject, make: Make) -> None:
    bench = make(subject)
    bench.edit("earthly: +image", "earthly: +empty")
    text = bench.project.manifest.read_text()
    bench.project.manifest.write_text("".join(line for line in text.splitlines(keepends=True) if "artifacts:" not in line and "args:" not in line))
    ended = bench.apply(code=4)
    assert "an image without layers never arrives: copy at least one file into it" in ended.err


@pytest.mark.parametrize("how", ["kill", "stop"])
@pytest.mark.parametrize("flavor", ["earthly", "earthbuild"])
def test_a_builder_that_is_restarted_costs_no_build(tmp_path: Path, contract_registry: str, make: Make, how: str, flavor: str) -> None:
    double = install(tmp_path / "bin", flavor=flavor)
    home = tmp_path / "home"
    home.mkdir()
    with running_daemon(tmp_path / "daemon") as daemon:
        subject = Subject(path=str(double.path), flavor=flavor, version="", address=daemon.address, registry=contract_registry, home=home)
        bench = make(subject)
        bench.edit("earthly: +image", "earthly: +slow")
        def restart() -> None:
            until(lambda: any("sleep" in each for each in daemon.executed()))
            getattr(daemon, how)()
            time.sleep(1.5)
            daemon.start()

        thread = threading.Thread(target=restart)
        thread.start()
        ended = bench.apply()
        thread.join()
    assert "again" in ended.err
    assert bench.digest("jammy")
    assert bench.digest("noble")
