"""The Earthly engine with a real program: what is applied is in the registry and on the disk, verbatim, once, and nothing else is left.

Needs what tests/live/program.py names, with a buildkitd.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from matrixbuild.adapters.registry import HttpRegistry
from tests.live import program, world
from tests.processes import marked, until
from tests.projects import Ended, SmallProject, in_child, small_project

EARTHFILE = """\
VERSION 0.8
FROM {BASE}
ARG --global WHO=nobody

image:
    ARG OS
    RUN echo "$OS for $WHO" > /os
    RUN head -c 16 /dev/urandom > /random
    SAVE ARTIFACT /random
    SAVE IMAGE ignored

verbatim:
    ARG A
    ARG B
    RUN printf '%s' "$A" > /a && printf '%s' "$B" > /b
    LABEL a=$A
    SAVE ARTIFACT /a
    SAVE ARTIFACT /b

tree:
    ARG OS
    RUN mkdir -p "/build/a b+c" && echo "$OS" > /build/one.iso && ln -s one.iso /build/link && ln -s /nowhere /build/dead
    RUN echo deep > "/build/a b+c/deep" && chmod 600 "/build/a b+c/deep" && chmod 555 "/build/a b+c"
    SAVE ARTIFACT /build

guarded:
    ARG OS
    FROM +image
    RUN if [ "$OS" = noble ]; then echo "ERROR: not on $OS"; exit 3; fi

secret:
    RUN --no-cache --secret TOKEN echo "it is $TOKEN"; printf '%s' "$TOKEN" | sha256sum | cut -c 1-64 > /sum
    RUN --secret TOKEN echo "$TOKEN" | base64; echo "$TOKEN" >&2
    SAVE ARTIFACT /sum

ambient:
    ARG SITE
    ARG UNSET_HERE
    RUN printf '%s' "$SITE" > /site
    SAVE ARTIFACT /site

slow:
    ARG OS
    FROM +image
    RUN --no-cache echo begun; sleep 30

empty:
    FROM scratch
    LABEL only=this

rights:
    RUN --privileged echo > /mine
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
  publish: {{tags: mutable, mode: {mode}}}
  {more}
  targets:
{targets}
"""

IMAGE = """\
    image:
      earthly: +image
      args: {OS: "{{ os }}"}
      image: {repository: "{{ registry }}/edge", tag: "{{ os }}"}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A program, its builder and a registry, and where projects that use them are made. `mark` is in the environment of every process."""

    program: program.Program
    registry: str
    salt: str
    mark: str
    home: Path
    project: SmallProject

    def write(self, targets: str, *, more: str = "", mode: str = "each") -> None:
        base = f"{self.registry}/{self.salt}/base:2"
        names = {"registry": self.registry, "salt": self.salt, "program": self.program.path, "builder": self.program.buildkit}
        text = MANIFEST.format(**names, targets=targets, more=more, mode=mode)
        small_project(self.project.root, manifest=text, files={"src/Earthfile": EARTHFILE.replace("{BASE}", base)})

    @property
    def environ(self) -> Mapping[str, str]:
        return {"HOME": str(self.home), "XDG_CACHE_HOME": str(self.home / "a $cache \"of' mine"), "MARK": self.mark}

    def apply(self, *words: str, code: int = 0, **environ: str) -> Ended:
        ended = in_child("apply", "small.yaml", *words, cwd=self.project.root, env={**self.environ, **environ})
        assert ended.code == code, ended.out + ended.err
        return ended

    def built(self, *words: str, code: int = 0, **environ: str) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.apply("--format", "json", *words, code=code, **environ).out)["builds"]
        return found

    def start(self) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "matrixbuild", "apply", "small.yaml"]
        env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **self.environ}
        return subprocess.Popen(words, cwd=self.project.root, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def config(self, repository: str, tag: str) -> dict[str, Any]:
        client = HttpRegistry(self.registry)
        manifest = client.manifest(f"{self.salt}/{repository}", tag)
        assert manifest is not None
        content = json.loads(manifest.data)
        config: dict[str, Any] = json.loads(client.blob(f"{self.salt}/{repository}", content["config"]["digest"]))
        return config

    def artifact(self, name: str) -> Path:
        (found,) = self.project.root.glob(f"out/*/{name}")
        return found

    def logs(self, build: str, name: str) -> str:
        return "".join(path.read_text() for path in sorted(self.project.root.glob(f".matrixbuild/small/runs/*/{build}-*/*/{name}")))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with world.registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def bench(tmp_path: Path, registry: str) -> Iterator[Bench]:
    found, salt, mark = program.required(buildkit=True), f"engine-{uuid.uuid4().hex[:12]}", f"mark-{uuid.uuid4().hex}"
    world.World(program=found, registry=registry, scratch=tmp_path / "world", salt=salt)
    root = tmp_path / "project"
    root.mkdir()
    made = Bench(program=found, registry=registry, salt=salt, mark=mark, home=tmp_path / "home", project=SmallProject(root=root))
    made.home.mkdir()
    yield made
    assert not marked(mark)
    left = [path.name for path in (root / ".matrixbuild/small/work").glob("*")]
    assert left in ([], ["layers"])


def targets(**each: str) -> str:
    return "".join(f"    {name}: {{{body}}}\n" for name, body in each.items())


def test_what_is_built_is_in_the_registry_and_is_not_built_again(bench: Bench) -> None:
    bench.write(IMAGE)
    assert bench.built() == {"image[os=jammy]": "built", "image[os=noble]": "built"}
    lock = json.loads(bench.project.lock.read_text())["builds"]
    for os_, build in (("jammy", lock["image[os=jammy]"]), ("noble", lock["image[os=noble]"])):
        assert build["image"]["digest"] == HttpRegistry(bench.registry).digest(f"{bench.salt}/edge", os_)
        assert bench.config("edge", os_)["config"]["Labels"]["dev.matrixbuild.key"] == build["key"]
    assert bench.built() == {}
    bench.project.lock.unlink()
    # Without a lock the journal and the labels of the content tags say what is there.
    assert bench.built() == {}


def test_key_and_tag_reach_no_step(bench: Bench) -> None:
    """One Earthly target under two keys and two names: what it does at random is done once, and again where that is asked for."""
    again = IMAGE.replace("image:\n      earthly", "again:\n      earthly").replace("/edge", "/other") + "      artifacts: [{path: /random, as: random}]\n"
    bench.write(IMAGE + again)
    assert len(bench.built()) == 4
    edge, other = bench.config("edge", "jammy"), bench.config("other", "jammy")
    assert edge["config"]["Labels"]["dev.matrixbuild.key"] != other["config"]["Labels"]["dev.matrixbuild.key"]
    assert edge["rootfs"]["diff_ids"] == other["rootfs"]["diff_ids"]
    bench.apply("--rebuild", "os=jammy")
    assert bench.config("edge", "jammy")["rootfs"]["diff_ids"] != edge["rootfs"]["diff_ids"]


VALUES = {
    "commas and quotes": """a,b 'c' "d" `e` \\f""",
    "expansions": "$HOME ${HOME} $(id) $((1+1)) !! ~ * ?",
    "a flag": "--push",
    "an equals sign": "=a=b",
    "lines": "one\ntwo\n\tthree",
    "a plus": "a+b",
    "beyond ASCII": "ü 漢字 🌍",
    "spaces": "  around  ",
    "long": "x" * 4_000,
    "empty": "",
}


@pytest.mark.parametrize("name", VALUES)
def test_an_arg_arrives_as_it_is(bench: Bench, name: str) -> None:
    value = VALUES[name]
    args = json.dumps({"A": value, "B": f"<{value}>"}, ensure_ascii=False)
    bench.write(
        f'    verbatim:\n      earthly: +verbatim\n      axes: []\n      args: {args}\n      image: {{repository: "{{{{ registry }}}}/v", tag: "1"}}\n'
        "      artifacts: [{path: /a, as: a}, {path: /b, as: b}]\n"
    )
    bench.built()
    assert (bench.artifact("a").read_text(), bench.artifact("b").read_text()) == (value, f"<{value}>")
    assert bench.config("v", "1")["config"]["Labels"].get("a", "") == value


def test_artifacts_are_files_directories_and_what_a_pattern_means(bench: Bench) -> None:
    bench.write(
        targets(
            tree='earthly: +tree, args: {OS: "{{ os }}"}, artifacts: '
            '[{path: /build, as: tree}, {path: "/build/*.iso", as: "x/{{ os }}.iso"}, {path: /build/link, as: link}, {path: "/build/a b+c", as: d}, {path: /, as: all}]'
        )
    )
    bench.built()
    assert bench.artifact("x/noble.iso").read_text() == "noble\n"
    trees = sorted(bench.project.root.glob("out/*/tree"))
    assert [(tree / "one.iso").read_text() for tree in trees] == ["jammy\n", "noble\n"]
    assert (trees[0] / "dead").readlink() == Path("/nowhere")
    assert (trees[0] / "a b+c/deep").stat().st_mode & 0o777 == 0o600
    assert (trees[0] / "a b+c").stat().st_mode & 0o777 == 0o555
    assert not (trees[0].parent / "link").is_symlink()
    assert (trees[0].parent / "d/deep").read_text() == "deep\n"
    assert (trees[0].parent / "all/build/one.iso").read_text() == "jammy\n"
    locked = json.loads(bench.project.lock.read_text())["builds"]["tree[os=jammy]"]["artifacts"]
    assert locked["x/jammy.iso"] == {"sha256": hashlib.sha256(b"jammy\n").hexdigest(), "size": 6}
    bench.artifact("x/noble.iso").write_text("touched\n")
    assert bench.built() == {"tree[os=noble]": "built"}
    assert bench.artifact("x/noble.iso").read_text() == "noble\n"


@pytest.mark.parametrize(
    ("path", "told"),
    [("/build/*n*", "matches 2 paths: /link, /one.iso"), ("/none*", "not found"), ("/build/none", "not found")],
)
def test_an_artifact_that_is_not_there_is_told(bench: Bench, path: str, told: str) -> None:
    bench.write(targets(tree=f'earthly: +tree, args: {{OS: "{{{{ os }}}}"}}, artifacts: [{{path: "{path}", as: a}}]'))
    ended = bench.apply("-l", "os=jammy", code=4)
    assert path in ended.err
    assert told in ended.err
    assert "artifacts are what the target's SAVE ARTIFACT commands name" in ended.err
    assert not list(bench.project.root.glob("out/*/a"))


def test_a_step_that_fails_keeps_nothing_else_back(bench: Bench) -> None:
    bench.write(IMAGE.replace("image:\n      earthly: +image", "guarded:\n      earthly: +guarded"))
    ended = bench.apply(code=4)
    line = EARTHFILE.splitlines().index('    RUN if [ "$OS" = noble ]; then echo "ERROR: not on $OS"; exit 3; fi') + 1
    assert f"Earthfile:{line}" in ended.err
    assert "ERROR: not on noble" in ended.err
    assert HttpRegistry(bench.registry).digest(f"{bench.salt}/edge", "jammy")
    assert HttpRegistry(bench.registry).digest(f"{bench.salt}/edge", "noble") is None
    assert json.loads(bench.logs("guarded-os-noble", "class.json"))["class"] == "guard"


def test_a_secret_reaches_its_step_and_nothing_else(bench: Bench) -> None:
    canary = 'canary, $(id) "51c0ffee" a+b/c=='
    body = "earthly: +secret, axes: [], artifacts: [{path: /sum, as: sum}]"
    bench.write(targets(secret=body), more="secrets: [{name: TOKEN, env: OUR_TOKEN}]")
    ended = bench.apply(OUR_TOKEN=canary)
    assert bench.artifact("sum").read_text().strip() == hashlib.sha256(canary.encode()).hexdigest()
    assert "it is ***" in bench.logs("secret", "stderr")
    everything = [ended.out.encode(), ended.err.encode(), *(path.read_bytes() for path in bench.project.root.rglob("*") if path.is_file())]
    assert not [data for data in everything if b"51c0ffee" in data or b"NTFjMGZmZW" in data]


def test_a_secret_that_is_missing_is_found_before_anything_starts(bench: Bench) -> None:
    bench.write(targets(secret="earthly: +secret, axes: [], artifacts: [{path: /sum, as: sum}]"), more="secrets: [{name: TOKEN, env: OUR_TOKEN}]")
    ended = bench.apply(code=8)
    assert "the secret 'TOKEN'" in ended.err
    assert not bench.logs("secret", "command")


def test_an_ambient_arg_reaches_the_build_and_no_log(bench: Bench) -> None:
    bench.write(targets(ambient="earthly: +ambient, axes: [], ambient: [SITE, UNSET_HERE], artifacts: [{path: /site, as: site}]"))
    bench.apply(SITE="north, south=east")
    assert bench.artifact("site").read_text() == "north, south=east"
    bench.artifact("site").unlink()
    files = [path for path in bench.project.root.rglob("*") if path.is_file() and b"north, south" in path.read_bytes()]
    assert files == []
    assert bench.built(SITE="elsewhere") == {"ambient": "built"}


def test_an_image_without_layers_is_told(bench: Bench) -> None:
    bench.write(targets(empty='earthly: +empty, axes: [], image: {repository: "{{ registry }}/empty", tag: "1"}'))
    ended = bench.apply(code=4)
    assert "the push ended well, and yet" in ended.err
    assert "an image without layers never arrives: copy at least one file into it" in ended.err


def test_rights_are_given_to_those_that_need_them(bench: Bench) -> None:
    rights = 'earthly: +rights, axes: [], privileged: true, image: {repository: "{{ registry }}/rights", tag: "1"}'
    bench.write(IMAGE + targets(rights=rights))
    bench.apply()
    assert "--allow-privileged" in bench.logs("rights", "command")
    assert "--allow-privileged" not in bench.logs("image-os-jammy", "command")


def test_a_run_that_is_interrupted_leaves_nothing_and_goes_on_later(bench: Bench) -> None:
    slow = IMAGE.replace("image:\n      earthly: +image", "slow:\n      earthly: +slow").replace("/edge", "/slow")
    bench.write(IMAGE + slow)
    run = bench.start()
    until(lambda: bench.logs("slow-os-jammy", "stderr").count("begun") > 1 and bool(HttpRegistry(bench.registry).digest(f"{bench.salt}/edge", "noble")))
    run.send_signal(signal.SIGINT)
    out, _ = run.communicate(timeout=30)
    assert run.returncode == 130, out
    assert not marked(bench.mark)
    bench.write(IMAGE)
    assert bench.built() == {}


def test_a_run_that_is_killed_builds_nothing_twice(bench: Bench) -> None:
    slow = IMAGE.replace("image:\n      earthly: +image", "slow:\n      earthly: +slow").replace("/edge", "/slow")
    bench.write(IMAGE + slow)
    run = bench.start()
    client = HttpRegistry(bench.registry)
    until(lambda: len(client.tags(f"{bench.salt}/edge")) >= 2 and bench.logs("slow-os-jammy", "stderr").count("begun") > 1)
    run.kill()
    run.communicate(timeout=30)
    until(lambda: not marked(bench.mark), seconds=10)
    bench.write(IMAGE)
    assert bench.built() == {}
    assert client.digest(f"{bench.salt}/edge", "jammy")
