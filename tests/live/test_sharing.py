"""Narrowing with a real program: what is shared is done once, and every image is that of its author's Earthfile, layer by layer.

Needs what tests/live/program.py names, with a buildkitd; for two builders a second one in EARTHLY_SECOND_BUILDKIT_HOST. For CanvOS:
benchmarks/sharing.py counts, and tests/live/same_images.py compares two locks.
"""

from __future__ import annotations

import json
import os
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from matrixbuild.adapters.engines.earthly.sending import LARGE
from matrixbuild.adapters.journal import read_journal
from matrixbuild.core.names import ImageName
from matrixbuild.core.naming import slug
from tests.live import program, world
from tests.live.same_images import differences
from tests.projects import SmallProject, in_child, small_project

# What is random in a layer is the same wherever the step was done once.
EARTHFILE = """\
VERSION 0.6
ARG ROOT={BASE}
FROM $ROOT
RUN mkdir -p /tmp
ARG OS
ARG RELEASE
ARG CHANNEL
IF [ "$CHANNEL" != "" ]
    ARG TAG=$RELEASE-$CHANNEL
ELSE
    ARG TAG=$RELEASE
END
ARG NAME=edge:$TAG

common:
    RUN head -c 16 /dev/urandom > /random
    RUN mkdir -p /a/b && chmod 750 /a/b && chown 7:8 /a && ln -s b /a/link && echo "$OS" > /a/b/os

image:
    FROM +common
    ENV WHERE=/opt
    RUN echo "$OS $RELEASE" > /release && chmod 640 /release
    DO +FINISH --WHAT=$RELEASE
    COPY +fetched/now /now
    COPY file /file
    LABEL release=$RELEASE
    SAVE IMAGE --push $NAME

fetched:
    RUN --no-cache echo now > /now
    SAVE ARTIFACT /now

FINISH:
    COMMAND
    ARG WHAT
    RUN echo "$WHAT" > /finished
"""

MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {{name: small}}
spec:
  source: {{path: src}}
  registry: {registry}/{salt}
  vars: {{channel: stable}}
  engine: {{kind: earthly, program: {program}, builders: ["{builder}"]}}
  axes:
    os: [jammy, noble]
    release: ["1", "2", "3"]
    flavor: [plain]
  publish: {{tags: mutable}}
  schedule: {{share: true}}
  args: {{CHANNEL: "{{{{ vars.channel }}}}"}}
  targets:
    image:
      earthly: +image
      args: {{OS: "{{{{ os }}}}", RELEASE: "{{{{ release }}}}", NAME: "{{{{ image.ref }}}}"}}
      image: {{repository: "{{{{ registry }}}}/{{{{ os }}}}", tag: "{{{{ release }}}}-{{{{ vars.channel }}}}"}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    project: SmallProject
    home: Path
    salt: str

    def apply(self, *words: str) -> dict[str, ImageName]:
        """Each build's image, by its digest."""
        environ = {"HOME": str(self.home), "XDG_CACHE_HOME": str(self.home / "cache")}
        ended = in_child("apply", "small.yaml", *words, cwd=self.project.root, env=environ)
        assert ended.code == 0, ended.out + ended.err
        return {name: _image(entry) for name, entry in self.locked.items()}

    @property
    def locked(self) -> dict[str, dict[str, dict[str, list[str]]]]:
        found: dict[str, dict[str, dict[str, list[str]]]] = json.loads(self.project.lock.read_text())["builds"]
        return found

    def executed(self, run: int) -> dict[str, set[str]]:
        """By build, the Earthly targets of which commands ran in a run."""
        with read_journal(self.project.root / ".matrixbuild" / "small") as journal:
            assert journal is not None
            return {attempt.build: {making.target for making in attempt.usage.made} for attempt in journal.attempts(run)}

    def edit(self, old: str, new: str) -> None:
        text = self.project.manifest.read_text()
        assert old in text
        self.project.manifest.write_text(text.replace(old, new))


def _image(entry: dict[str, dict[str, list[str]]]) -> ImageName:
    (ref,) = next(iter(entry["cells"].values()))
    return ImageName.parse(ref).with_digest(str(entry["image"]["digest"]))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    found, salt = program.required(buildkit=True), f"sharing-{uuid.uuid4().hex[:12]}"
    with world.registry(tmp_path / "registry") as registry:
        world.World(program=found, registry=registry, scratch=tmp_path / "world", salt=salt)
        manifest = MANIFEST.format(registry=registry, salt=salt, program=found.path, builder=found.buildkit)
        files = {"src/Earthfile": EARTHFILE.replace("{BASE}", f"{registry}/{salt}/base:1"), "src/file": "a file\n"}
        home = tmp_path / "home"
        home.mkdir()
        yield Bench(project=small_project(tmp_path / "project", manifest=manifest, files=files), home=home, salt=salt)


def test_images_are_those_of_the_authors_earthfile(bench: Bench) -> None:
    shared = bench.apply()
    assert all(entry["narrowed"] for entry in bench.locked.values())
    bench.edit("share: true", "share: false")
    plain = bench.apply("--rebuild", "flavor=plain")
    assert not any("narrowed" in entry for entry in bench.locked.values())
    assert shared.keys() == plain.keys()
    for name, image in shared.items():
        told = [each for each in differences(image, plain[name]) if ": random: " not in each]
        assert told == [], name
    # Of one operating system the random file is the same for all releases; as its author wrote it, it is another each time.
    jammy = [name for name in shared if "os=jammy" in name]
    assert not any(": random: " in each for name in jammy for each in differences(shared[jammy[0]], shared[name]))
    assert any(": random: " in each for name in jammy[1:] for each in differences(plain[jammy[0]], plain[name]))


def test_a_retry_executes_only_what_is_not_cacheable(bench: Bench) -> None:
    bench.apply()
    first = bench.executed(1)
    # +base has no command that runs but its own mkdir; whoever came first made what is common.
    assert all({"+image", "+fetched"} <= targets for targets in first.values())
    assert {target for targets in first.values() for target in targets} == {"+base", "+common", "+image", "+fetched"}
    # Another repository, and nobody remembers: everything is built again.
    bench.edit(f"/{bench.salt}\n", f"/{bench.salt}-again\n")
    bench.project.lock.unlink()
    bench.apply()
    assert list(bench.executed(2).values()) == [{"+fetched"}] * 6


def test_another_tag_builds_nothing(bench: Bench) -> None:
    before = bench.apply()
    bench.edit("channel: stable", "channel: edge")
    after = bench.apply()
    assert {name: image.digest for name, image in after.items()} == {name: image.digest for name, image in before.items()}
    assert {ref.rpartition("-")[2] for entry in bench.locked.values() for refs in entry["cells"].values() for ref in refs} == {"edge"}
    assert bench.executed(2) == {}


def test_what_begins_alike_is_built_by_one_of_two_builders(bench: Bench) -> None:
    second = os.environ.get("EARTHLY_SECOND_BUILDKIT_HOST")
    if not second:
        pytest.skip("no second buildkitd here: name it with EARTHLY_SECOND_BUILDKIT_HOST=tcp://host:port")
    bench.edit('"]}', f'", "{second}"]}}')
    images = bench.apply()
    hosts: defaultdict[str, set[str]] = defaultdict(set)
    for command in (bench.project.root / ".matrixbuild" / "small" / "runs" / "1").glob("*/1/command"):
        words = json.loads(command.read_text().splitlines()[0])
        hosts["jammy" if "jammy" in command.parts[-3] else "noble"].add(words[words.index("--buildkit-host") + 1])
    assert sorted(map(len, hosts.values())) == [1, 1]
    assert len(set.union(*hosts.values())) == 2
    jammy = [name for name in images if "os=jammy" in name]
    assert not any(": random: " in each for name in jammy for each in differences(images[jammy[0]], images[name]))


def test_a_large_file_is_sent_by_one_build_first(bench: Bench) -> None:
    with (bench.project.root / "src" / "large").open("wb") as file:
        file.truncate(LARGE)
    earthfile = bench.project.root / "src" / "Earthfile"
    earthfile.write_text(earthfile.read_text().replace("common:\n", "common:\n    COPY large /large\n"))
    bench.apply()
    with read_journal(bench.project.root / ".matrixbuild" / "small") as journal:
        assert journal is not None
        first, second, *_ = sorted(journal.attempts(1), key=lambda attempt: attempt.started or 0.0)
    (directory,) = (path for path in (bench.project.root / ".matrixbuild" / "small" / "runs" / "1").iterdir() if path.name.startswith(slug(first.build)))
    sent = _copied(directory / "1" / "stream.ndjson", "COPY large /large")
    assert second.started is not None
    assert second.started >= sent - 0.1


def _copied(stream: Path, command: str) -> float:
    """When a command of an attempt ended for the first time: seconds since 1970."""
    names: set[str] = set()
    for line in stream.read_text().splitlines():
        commands = json.loads(line).get("deltaManifest", {}).get("fields", {}).get("commands", {})
        for name, found in commands.items():
            names |= {name} if found.get("name") == command else set()
            if name in names and found.get("status") == "RUN_STATUS_SUCCESS":
                return int(found["endedAtUnixNanos"]) / 1e9
    raise AssertionError(f"{command} never ended")
