from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from matrixbuild.adapters.docker_engine import DockerEngine
from matrixbuild.adapters.git_mirror import cache_directory
from matrixbuild.core.checkup import Check, Checkup, Level
from matrixbuild.core.program import Flavor, Program
from matrixbuild.workflow.doctoring import examine
from matrixbuild.workflow.doctoring_builders import Bench, check_own_daemon
from matrixbuild.workflow.doctoring_needs import Needs
from matrixbuild.workflow.options import PLAIN, Options
from tests.adapters.engines.earthly.listeners import buildkit, listening, nobody
from tests.adapters.engines.earthly.scripts import EARTHLY, script
from tests.fakes.docker_api import INFO, docker_api
from tests.projects import FILES, MANIFEST, SmallProject, small_project
from tests.services import RunningRegistry, free_port

EARTHFILE = """\
VERSION 0.8

image:
    FROM {BASE}
    ARG OS
    RUN --secret TOKEN echo $OS > /os
    RUN --privileged true

notes:
    FROM scratch
    ARG OS
    COPY $OS.conf /notes.txt
    SAVE ARTIFACT /notes.txt
"""
NEEDY = (
    MANIFEST.replace("engine: embedded", "engine: {ENGINE}")
    .replace(', FIPS: "{{ fips }}"', "")
    .replace("      earthly: +image\n", "      earthly: +image\n      privileged: true\n      resources: {disk: 1Gi}\n")
    .replace("  publish:", "  secrets: [{name: TOKEN, env: DOCTOR_TOKEN}]\n  network: {proxy: env}\n  publish:")
    .replace("tag: \"1{{ '-fips' if fips else '' }}\"", 'tag: "1"')
    .replace("    fips: [false, true]\n", "    fips: [true]\n")
)


@pytest.fixture
def around(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment with an Earthly, git and nothing else."""
    script(tmp_path / "bin/earthly", EARTHLY)
    script(tmp_path / "bin/git", "echo git version 2.47.0")
    (tmp_path / "home").mkdir()
    with docker_api() as host:
        yield {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "HOME": str(tmp_path / "home"), "DOCKER_HOST": host, "DOCTOR_TOKEN": "a value of some length"}


def needy(root: Path, *, registry: str, base: str, engine: str = "earthly") -> SmallProject:
    files = {**FILES, "src/Earthfile": EARTHFILE.replace("{BASE}", base)}
    return small_project(root / "project", registry=registry, manifest=NEEDY.replace("{ENGINE}", engine), files=files)


def named(checkup: Checkup, name: str) -> list[Check]:
    return [check for check in checkup.checks if check.name == name]


def one(checkup: Checkup, name: str) -> Check:
    (found,) = named(checkup, name)
    return found


def told(check: Check) -> tuple[str, str, str]:
    return check.level.value, check.summary, check.hint


class TestWithoutAManifest:
    def test_what_is_there_is_shown_and_nothing_is_needed(self, around: dict[str, str], tmp_path: Path) -> None:
        found = examine(None, environ=around)
        assert [(check.name, check.level) for check in found.checks] == [
            ("git", Level.OK),
            ("program", Level.OK),
            ("builder", Level.OK),
            ("docker", Level.OK),
            ("disk", Level.OK),
        ]
        assert one(found, "git").summary == "git version 2.47.0"
        assert one(found, "program").summary == f"Earthly 0.8.16, {tmp_path}/bin/earthly (PATH)"
        assert one(found, "builder").summary == "Earthly 0.8.16 starts its daemon on this machine with the first build (container earthly-buildkitd)"
        assert one(found, "docker").summary == "Docker 27.3.1, cgroups v2, keeps its data in /var/lib/docker"
        assert found.healthy
        assert found.manifest == ""
        assert not list((tmp_path / "home").iterdir()), "nothing is made"

    def test_what_is_not_there_is_worth_a_look(self, around: dict[str, str], tmp_path: Path) -> None:
        (tmp_path / "bin/earthly").unlink()
        around["DOCKER_HOST"] = f"tcp://127.0.0.1:{free_port()}"
        found = examine(None, environ=around)
        hint = "install Earthly or EarthBuild 0.8, or name the program with engine.program or MATRIXBUILD_EARTHLY"
        assert told(one(found, "program")) == ("warn", "neither earth nor earthly is on PATH", hint)
        assert told(one(found, "docker")) == ("ok", "no Docker engine answers, and nothing needs one", "")
        assert found.healthy

    def test_another_program_called_earth_is_told(self, around: dict[str, str], tmp_path: Path) -> None:
        earth = script(tmp_path / "bin/earth", "echo a globe")
        checks = named(examine(None, environ=around), "program")
        summary = f"passed over: {earth} on PATH is neither Earthly nor EarthBuild: `--version` prints 'a globe'"
        assert [told(check) for check in checks][1:] == [("warn", summary, "remove it from PATH if it is not used")]


def test_a_manifest_of_the_embedded_engine_needs_no_earthly(around: dict[str, str], tmp_path: Path) -> None:
    project = small_project(tmp_path / "project")
    found = examine(project.manifest, environ=around)
    assert [(check.name, check.level.value, check.summary) for check in found.checks if check.name not in ("docker", "disk")] == [
        ("manifest", "ok", f"{project.manifest}: 4 cells, 6 builds (6 by the embedded engine)"),
        ("git", "ok", "git version 2.47.0"),
        ("source", "ok", "the directory src"),
        ("program", "ok", "no Earthly is needed: nothing of this manifest is built by it"),
        ("privileges", "ok", "no build asks for privileges"),
        ("registry", "ok", f"the image layout {tmp_path}/project/registry can be written"),
        ("network", "ok", "the certificates of this machine; no proxy"),
    ]
    assert found.healthy
    assert not (tmp_path / "project/registry").exists()


def test_a_manifest_that_is_wrong_is_a_check_that_failed(around: dict[str, str], tmp_path: Path) -> None:
    project = small_project(tmp_path / "project", manifest=MANIFEST.replace("targets:", "targts:"))
    check = one(examine(project.manifest, environ=around), "manifest")
    assert told(check) == ("fail", f"{project.manifest}:11:3: unknown key 'targts' in spec", "did you mean 'targets'?")


@pytest.mark.registry
def test_a_manifest_for_earthly_with_everything_there(around: dict[str, str], tmp_path: Path, docker_registry: RunningRegistry) -> None:
    host = docker_registry.host
    with listening(buildkit()) as builder:
        project = needy(tmp_path, registry=f"{host}/doctor", base=f"{host}/doctor/base:1", engine=f'{{kind: earthly, builders: ["{builder.text}"]}}')
        (project.root / "src/Earthfile").write_text(EARTHFILE.replace("{BASE}", "scratch"))
        found = examine(project.manifest, environ=around | {"https_proxy": "http://me:secret@proxy.example.com:3128"})
    assert [(check.name, check.level.value, check.summary) for check in found.checks if check.name != "disk"] == [
        ("manifest", "ok", f"{project.manifest}: 2 cells, 4 builds (4 by Earthly)"),
        ("git", "ok", "git version 2.47.0"),
        ("source", "ok", "the directory src"),
        ("program", "ok", f"Earthly 0.8.16, {tmp_path}/bin/earthly (PATH)"),
        ("builder", "ok", f"{builder.text} is github.com/earthly/buildkit v0.8.16"),
        ("docker", "ok", "Docker 27.3.1, cgroups v2, keeps its data in /var/lib/docker"),
        ("privileges", "ok", "image needs privileges, which their builders have to allow (insecure-entitlements of buildkitd)"),
        ("registry", "ok", f"{host} lets us push to 2 repositories"),
        ("clock", "ok", "this machine's clock agrees with the registry's"),
        ("secrets", "ok", "TOKEN: where they come from is there"),
        ("fips", "ok", one(found, "fips").summary),
        ("network", "ok", "the certificates of this machine; through http://proxy.example.com:3128"),
    ]
    assert one(found, "fips").hint == "their user-data has to boot with fips=1"
    assert found.healthy


@pytest.mark.registry
def test_everything_that_fails_is_told_with_what_to_do(around: dict[str, str], tmp_path: Path, docker_registry: RunningRegistry) -> None:
    closed, gone = f"127.0.0.1:{free_port()}", nobody()
    base = f"{docker_registry.host}/doctor/no-such:1"
    project = needy(tmp_path, registry=f"{closed}/doctor", base=base, engine=f'{{kind: earthly, builders: ["{gone.text}"]}}')
    text = project.manifest.read_text().replace("resources: {disk: 1Gi}", "resources: {disk: 900000Gi}")
    project.manifest.write_text(text)
    del around["DOCTOR_TOKEN"]
    found = examine(project.manifest, environ=around)
    failed = {check.name: (check.summary, check.hint) for check in found.checks if check.level is Level.FAIL}
    assert failed == {
        "builder": (f"{gone.text} refuses the connection", "start its buildkitd, or correct the address"),
        "disk": (one(found, "disk").summary, "free some (`docker system prune`), or lower targets.*.resources.disk"),
        "registry": (
            f"cannot push to doctor/jammy at {closed}: {closed} refuses the connection (and 1 more of 2 repositories)",
            "start the registry, or correct its name",
        ),
        "base images": (f"{docker_registry.host} has no {base}", "push it first, or correct its name"),
        "secrets": ("the secret TOKEN cannot be had: DOCTOR_TOKEN is not in the environment", "export DOCTOR_TOKEN before the run"),
    }
    assert one(found, "disk").summary.endswith(f" GiB are free at {project.root}, and image[os=jammy] wants 900000Gi")
    assert not found.healthy


def test_without_program_and_docker_an_apply_would_fail(around: dict[str, str], tmp_path: Path) -> None:
    project = needy(tmp_path, registry="127.0.0.1:1/doctor", base="scratch")
    (tmp_path / "bin/earthly").unlink()
    assert one(examine(project.manifest, environ=around), "program").level is Level.FAIL
    script(tmp_path / "bin/earthly", EARTHLY)
    around["DOCKER_HOST"] = host = f"tcp://127.0.0.1:{free_port()}"
    found = examine(project.manifest, environ=around)
    assert told(one(found, "docker")) == ("fail", f"no Docker engine answers on {host}", "start its daemon, or name it with DOCKER_HOST")
    summary = "Earthly 0.8.16 has nothing to build with: no builder is named, and no Docker answers to start its daemon in"
    assert told(one(found, "builder")) == ("fail", summary, 'start Docker, or name a builder that runs: engine: {builders: ["tcp://HOST:8372"]}')


@pytest.mark.parametrize(
    ("buildkitd", "level", "summary", "hint"),
    [
        ("github.com/earthbuild/buildkit v0.8.18", "warn", "and the program is Earthly 0.8.16", "give program and builder of one project: only such are tested together"),
        ("github.com/earthly/buildkit v0.7.30", "warn", "and the program is Earthly 0.8.16", "start a builder of 0.8 there"),
        ("github.com/moby/buildkit v0.12.5", "fail", "with which Earthly cannot build", "start the buildkitd of Earthly or EarthBuild there"),
    ],
)
def test_a_builder_of_another_kind_is_told(around: dict[str, str], buildkitd: str, level: str, summary: str, hint: str) -> None:
    with listening(buildkit(*buildkitd.split())) as builder:
        tmp_path = Path(around["HOME"]).parent
        project = needy(tmp_path, registry="127.0.0.1:1/doctor", base="scratch", engine=f'{{kind: earthly, builders: ["{builder.text}"]}}')
        found = examine(project.manifest, environ=around)
    assert told(one(found, "builder")) == (level, f"{builder.text} is {buildkitd}, {summary}", hint)


def test_a_daemon_in_a_container_is_looked_at_and_not_started(around: dict[str, str], tmp_path: Path) -> None:
    with docker_api(containers={"earthly-buildkitd": "running", "mine": "exited"}) as host:
        around["DOCKER_HOST"] = host
        own = one(examine(None, environ=around), "builder")
        project = needy(tmp_path, registry="127.0.0.1:1/doctor", base="scratch", engine='{kind: earthly, builders: ["docker-container://mine", "docker-container://no"]}')
        named_ones = named(examine(project.manifest, environ=around), "builder")
    assert told(own) == ("ok", "the daemon of Earthly 0.8.16 runs on this machine (container earthly-buildkitd)", "")
    assert [told(check) for check in named_ones] == [
        ("warn", "the container mine is exited", "the program starts it with the first build"),
        ("warn", "the container no is not there", "the program starts it with the first build"),
    ]


@pytest.mark.parametrize(("host", "powerful", "level"), [("", False, "warn"), ("unix:///d", False, "warn"), ("", True, "ok"), ("tcp://d:2375", False, "ok")])
def test_where_no_container_can_have_all_rights_no_daemon_starts(host: str, powerful: bool, level: str) -> None:
    program = Program(path="/earth", flavor=Flavor.EARTHBUILD, version="0.8.18")
    engine = DockerEngine(host=host, version="27", root="/r", cgroups="2")
    found = check_own_daemon(program, Bench(engine=engine, own=True, powerful=powerful), Needs(), state="exited")
    assert found.level.value == level
    if level == "warn":
        assert found.summary == "EarthBuild 0.8.18 starts its daemon with --privileged, and this machine gives nobody CAP_SYS_RESOURCE: no such container starts"
        assert found.hint == 'name a builder that runs: engine: {builders: ["tcp://HOST:8372"]}'
    else:
        assert found.summary == "EarthBuild 0.8.18 starts its daemon on this machine with the first build (container earth-buildkitd)"
    assert check_own_daemon(program, Bench(engine=engine, own=True, powerful=powerful), Needs(), state="running").level is Level.OK


@pytest.mark.parametrize(
    ("change", "name", "summary"),
    [
        ({"DockerRootDir": "/var/snap/docker/common/var-lib-docker"}, "docker", "Docker 27.3.1 was installed by snap"),
        ({"SecurityOptions": ["name=rootless"]}, "privileges", "image needs privileges, and Docker is rootless"),
    ],
)
def test_a_docker_that_will_not_do_is_told(around: dict[str, str], tmp_path: Path, change: dict[str, object], name: str, summary: str) -> None:
    project = needy(tmp_path, registry="127.0.0.1:1/doctor", base="scratch")
    with docker_api({**INFO, **change}) as host:
        check = one(examine(project.manifest, environ=around | {"DOCKER_HOST": host}), name)
    assert (check.level, check.summary) == (Level.WARN, summary)


class TestASourceInGit:
    def manifest(self, tmp_path: Path, url: str, ref: str = "main") -> Path:
        text = MANIFEST.replace("{path: src}", f'{{git: "{url}", ref: {ref}}}').replace("{REGISTRY}", "oci-layout:registry")
        return small_project(tmp_path / "project", manifest=text).manifest

    def checkup(self, tmp_path: Path, body: str, environ: dict[str, str], options: Options = PLAIN, *, ref: str = "main") -> Checkup:
        script(tmp_path / "bin/git", f'case "$1" in --version) echo git version 2.47.0 ;; ls-remote) {body} ;;\nesac')
        return examine(self.manifest(tmp_path, "https://me:secret@git.invalid/x.git", ref), options, environ=environ)

    @pytest.fixture(autouse=True)
    def cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        assert cache_directory(os.environ).is_relative_to(tmp_path)

    def test_one_that_is_not_here_is_asked_for_and_not_fetched(self, around: dict[str, str], tmp_path: Path) -> None:
        found = self.checkup(tmp_path, "exit 0", around)
        assert told(one(found, "source")) == (
            "warn",
            "https://git.invalid/x.git at main is not here yet, and its repository answers",
            "`matrixbuild plan` fetches it",
        )
        assert told(one(found, "manifest"))[0] == "warn"
        assert found.healthy

    @pytest.mark.parametrize(
        ("body", "summary", "hint"),
        [
            ("exit 2", "https://git.invalid/x.git has no branch or tag main", "correct spec.source.ref"),
            ("exit 128", "https://git.invalid/x.git cannot be read", "`git ls-remote https://git.invalid/x.git` tells more; network and login have to be right"),
        ],
    )
    def test_one_that_cannot_be_had_is_told(self, around: dict[str, str], body: str, summary: str, hint: str) -> None:
        tmp_path = Path(around["HOME"]).parent
        assert told(one(self.checkup(tmp_path, body, around), "source")) == ("fail", summary, hint)

    def test_a_commit_has_no_name_to_ask_for(self, around: dict[str, str], tmp_path: Path) -> None:
        assert one(self.checkup(tmp_path, "exit 2", around, ref='"' + "ab" * 20 + '"'), "source").level is Level.WARN

    def test_a_directory_may_stand_in_for_it(self, around: dict[str, str], tmp_path: Path) -> None:
        found = self.checkup(tmp_path, "exit 128", around, Options(source=tmp_path / "project/src"))
        assert told(one(found, "source")) == ("ok", f"the directory {tmp_path}/project/src, which stands in for the manifest's", "")
        assert one(found, "manifest").level is Level.OK

    def test_without_git_there_is_no_source(self, around: dict[str, str], tmp_path: Path) -> None:
        path = self.manifest(tmp_path, "https://git.invalid/x.git")
        checks = examine(path, environ=around | {"PATH": str(tmp_path / "nothing")}).checks
        assert ("fail", "git is not installed", "install it: sources in git are fetched with it") in [told(check) for check in checks]
