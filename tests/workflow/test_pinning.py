"""`lock update` is the only thing that moves pins, and says what that moves and rebuilds; nothing else asks upstream twice."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from matrixbuild.adapters.registry import HttpRegistry
from matrixbuild.adapters.schema_check import schema_text
from tests.projects import EARTHFILE, MANIFEST, SmallProject, small_project
from tests.sample_images import push, sample_image
from tests.services import RunningRegistry
from tests.upstream import GIT_MANIFEST, GitProject, git_project

JAMMY = {"image[fips=false,os=jammy]", "image[fips=true,os=jammy]", "notes[os=jammy]"}
EMPTY = {"src/common": "", "src/jammy.conf": "", "src/noble.conf": ""}
NOBLE = {name.replace("jammy", "noble") for name in JAMMY}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def git(tmp_path: Path) -> GitProject:
    return git_project(tmp_path)


def rebuilt(plan: dict[str, Any]) -> set[str]:
    return {build["name"] for build in plan["builds"] if build["action"] == "rebuild"}


def updated(project: SmallProject, *words: str) -> dict[str, Any]:
    """What an update says, which has to be as the schema has it."""
    ended = project.run("lock", "update", "small.yaml", "--format", "json", *words)
    assert ended.code == 0, ended.err
    found: dict[str, Any] = ended.json()
    Draft202012Validator(json.loads(schema_text("lock-update"))).validate(found)
    return found


def lock_of(project: SmallProject) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(project.lock.read_text())
    return found


class TestSource:
    def test_a_branch_that_moves_changes_nothing_until_the_lock_is_updated(self, git: GitProject) -> None:
        first = git.upstream.git("rev-parse", "HEAD")
        git.project.apply()
        assert git.lock["pins"]["source"] == {"git": git.url, "ref": "main", "commit": first}
        assert {build["commit"] for build in git.lock["builds"].values()} == {first}
        before = git.project.plan()
        second = git.move(jammy_conf="22.05\n")
        assert git.project.plan() == before
        assert git.project.apply() == {}
        builds = git.lock["builds"]
        found = updated(git.project, "--source")
        assert (git.lock["pins"]["source"]["commit"], git.lock["builds"]) == (second, builds)
        assert {build["name"] for build in found["builds"]} == rebuilt(git.project.plan()) == JAMMY
        assert set(git.project.apply()) == JAMMY
        commits = {name: build["commit"] for name, build in git.lock["builds"].items()}
        assert commits == {**dict.fromkeys(JAMMY, second), **dict.fromkeys(NOBLE, first)}
        assert git.project.apply() == {}

    def test_what_upstream_did_and_what_that_rebuilds(self, git: GitProject) -> None:
        text = git.project.manifest.read_text().replace("ref: main", "ref: main, files: [{from: own, to: common}]")
        git.project.manifest.write_text(text)
        (git.project.root / "own").write_text("ours\n")
        git.project.apply()
        old = git.upstream.git("rev-parse", "HEAD")
        git.move(jammy_conf="22.05\n")
        git.upstream.write({"common": "theirs\n", "README": ""})
        git.upstream.commit("clear \x1b[2J the screen")
        new = git.upstream.git("rev-parse", "HEAD")
        ended = git.run("lock", "update", "small.yaml")
        assert (ended.code, ended.err) == (0, "")
        middle = git.upstream.git("rev-parse", "HEAD~1")
        assert ended.out == (
            "Source\n"
            f"  {git.url} main: {old[:12]} -> {new[:12]}\n"
            f"    {new[:12]} clear \\x1b[2J the screen\n"
            f"    {middle[:12]} change jammy.conf\n"
            "  3 changed files, 2 without effect\n"
            "    +image: jammy.conf\n"
            "    +notes: jammy.conf\n"
            "  upstream changed common, over which own is laid: look at both\n"
            "\n"
            "Builds\n"
            "  ~ rebuild  image[fips=false,os=jammy]  files jammy.conf\n"
            "  ~ rebuild  image[fips=true,os=jammy]  files jammy.conf\n"
            "  ~ rebuild  notes[os=jammy] for 2 cells  files jammy.conf\n"
            "\n"
            "3 builds to run for it.\n"
            "small.lock.json has the new pins; commit it, then apply.\n"
        )
        again = git.run("lock", "update", "small.yaml", "--detailed-exitcode")
        assert (again.code, again.out) == (0, "Every pin is where it was; small.lock.json is unchanged.\n")

    def test_a_dry_run_writes_nothing(self, git: GitProject) -> None:
        git.project.apply()
        before = git.project.lock.read_bytes()
        git.move(jammy_conf="22.05\n")
        ended = git.run("lock", "update", "small.yaml", "--dry-run", "--detailed-exitcode")
        assert (ended.code, ended.out.splitlines()[-1]) == (2, "small.lock.json is left as it was (--dry-run).")
        assert git.project.lock.read_bytes() == before
        shutil.rmtree(git.project.root / ".matrixbuild")
        git.run("lock", "update", "small.yaml", "--dry-run")
        assert not (git.project.root / ".matrixbuild").exists()

    def test_what_was_to_be_built_anyway_is_counted_apart(self, git: GitProject) -> None:
        git.project.apply()
        text = git.project.manifest.read_text()
        git.project.manifest.write_text(text.replace("os: [jammy, noble]", "os: [jammy, noble, plucky]"))
        git.move(jammy_conf="22.05\n", plucky_conf="25.04\n")
        found = updated(git.project, "--source")
        # A manifest that needs the new commit cannot be compared with the old one.
        assert (found["builds"], found["pending"]) == ([], 6)
        assert found["notes"] == [
            "what this rebuilds is not told: under the pins of before, nothing to copy at /plucky.conf",
        ]

    def test_a_rewritten_branch_is_told(self, git: GitProject) -> None:
        git.project.apply()
        old = git.upstream.git("rev-parse", "HEAD")
        git.upstream.write({"jammy.conf": "22.05\n"})
        git.upstream.git("add", "--all")
        git.upstream.git("commit", "--quiet", "--amend", "--message", "other")
        found = updated(git.project, "--source")["source"]
        assert (found["rewritten"], found["old"], found["commitCount"]) == (True, old, 1)
        ended = git.run("lock", "update", "small.yaml")
        assert ended.out == "Every pin is where it was; small.lock.json is unchanged.\n"

    def test_a_pinned_commit_that_is_gone_everywhere(self, git: GitProject, tmp_path: Path) -> None:
        git.project.apply()
        old = git.upstream.git("rev-parse", "HEAD")
        git.upstream.write({"jammy.conf": "22.05\n"})
        git.upstream.git("add", "--all")
        git.upstream.git("commit", "--quiet", "--amend", "--message", "other")
        git.upstream.git("reflog", "expire", "--expire=now", "--all")
        git.upstream.git("gc", "--quiet", "--prune=now")
        shutil.rmtree(tmp_path / "cache")
        ended = git.run("plan", "small.yaml")
        assert (ended.code, ended.out) == (8, "")
        place, *_, hint = ended.err.splitlines()
        column = 17 + len(f"{git.url}, ref: ")
        assert place == f"small.yaml:5:{column}: error: {git.url} no longer has the commit {old[:12]}, which the lock pins for main"
        assert hint == "    = hint: its history was rewritten: `matrixbuild lock update --source` pins what is there now"
        found = updated(git.project, "--source")
        told = f"{git.url} no longer has the commit {old[:12]}, which the lock pins for main"
        assert found["source"]["notes"] == [f"what changed since {old[:12]} is not told: {told}"]
        assert found["notes"] == [f"what this rebuilds is not told: under the pins of before, {told}"]
        assert set(git.project.apply()) == JAMMY

    def test_a_commit_that_no_branch_has_any_more_is_fetched_by_its_id(self, git: GitProject, tmp_path: Path) -> None:
        git.project.apply()
        before = git.project.plan()
        git.upstream.git("config", "uploadpack.allowAnySHA1InWant", "true")
        git.upstream.git("commit", "--quiet", "--amend", "--message", "other")
        shutil.rmtree(tmp_path / "cache")
        assert git.project.plan() == before

    def test_plan_asks_nobody_for_what_was_seen_and_apply_asks_where_a_branch_is_now(self, git: GitProject) -> None:
        git.project.plan()
        second = git.move(jammy_conf="22.05\n")
        away = git.upstream.root.rename(git.upstream.root.with_name("away"))
        git.project.plan()
        away.rename(git.upstream.root)
        git.project.apply()
        assert git.lock["pins"]["source"]["commit"] == second

    def test_offline_names_what_would_fetch(self, git: GitProject) -> None:
        ended = git.run("plan", "small.yaml", "--offline")
        assert (ended.code, ended.out) == (8, "")
        place, *_, hint = ended.err.splitlines()
        assert place == f"small.yaml:5:17: error: {git.url} at main is not in the cache, and --offline forbids to fetch it"
        assert hint == (
            f"    = hint: run the same command without --offline once: it does `git fetch {git.url} main` into the cache; or give a checkout with --source"
        )

    def test_another_ref_is_pinned_by_apply(self, git: GitProject) -> None:
        git.project.apply()
        git.upstream.git("checkout", "--quiet", "-b", "next")
        second = git.move(jammy_conf="22.05\n")
        git.project.manifest.write_text(git.project.manifest.read_text().replace("ref: main", "ref: next"))
        assert set(git.project.apply()) == JAMMY
        assert git.lock["pins"]["source"] == {"git": git.url, "ref": "next", "commit": second}

    def test_a_directory_that_stands_in_leaves_the_pin(self, git: GitProject, tmp_path: Path) -> None:
        git.project.apply()
        pin = git.lock["pins"]["source"]
        checkout = tmp_path / "checkout"
        shutil.copytree(git.upstream.root, checkout)
        (checkout / "jammy.conf").write_text("22.06\n")
        git.move(noble_conf="24.05\n")
        assert set(git.project.apply("--source", str(checkout))) == JAMMY
        assert git.lock["pins"]["source"] == pin
        assert {name for name, build in git.lock["builds"].items() if "commit" not in build} == JAMMY
        # The images of the pinned commit are in the registry still.
        assert set(git.project.apply()) == {"notes[os=jammy]"}
        assert {build["commit"] for build in git.lock["builds"].values()} == {pin["commit"]}
        assert git.lock["pins"]["source"] == pin

    def test_a_directory_that_stands_in_is_no_pin(self, git: GitProject, tmp_path: Path) -> None:
        checkout = tmp_path / "checkout"
        shutil.copytree(git.upstream.root, checkout)
        git.project.apply("--source", str(checkout))
        assert git.lock["pins"]["source"] == {"git": git.url, "ref": "main"}
        assert git.project.apply() == {}
        assert git.lock["pins"]["source"]["commit"] == git.upstream.git("rev-parse", "HEAD")


class TestImages:
    @pytest.fixture
    def project(self, tmp_path: Path, docker_registry: RunningRegistry) -> SmallProject:
        earthfile = EARTHFILE.replace("FROM scratch\n    COPY common", f"FROM {self.ref(tmp_path, docker_registry)}\n    COPY common")
        return small_project(tmp_path / "project", files={"src/Earthfile": earthfile, **EMPTY})

    def ref(self, tmp_path: Path, registry: RunningRegistry) -> str:
        return f"{registry.host}/{tmp_path.name.lower()}/base:1"

    def put(self, text: str, tmp_path: Path, registry: RunningRegistry) -> str:
        return push(HttpRegistry(registry.host), f"{tmp_path.name.lower()}/base", sample_image(text), "1")

    def test_a_tag_that_moves_changes_nothing_until_the_lock_is_updated(
        self, project: SmallProject, tmp_path: Path, docker_registry: RunningRegistry
    ) -> None:
        ref, first = self.ref(tmp_path, docker_registry), self.put("one", tmp_path, docker_registry)
        project.apply()
        assert lock_of(project)["pins"]["images"] == {ref: first}
        second = self.put("two", tmp_path, docker_registry)
        assert project.apply() == {}
        assert updated(project, "--source")["images"] == []
        found = updated(project, "--images")
        assert found["images"] == [{"name": ref, "old": first, "new": second}]
        images = {name for name in JAMMY | NOBLE if name.startswith("image")}
        assert {build["name"] for build in found["builds"]} == images
        assert {json.dumps(build["reasons"]) for build in found["builds"]} == {
            json.dumps([{"kind": "base-moved", "ref": ref, "old": first, "new": second}])
        }
        assert set(project.apply()) == images

    def test_images_are_told_by_their_digests(self, project: SmallProject, tmp_path: Path, docker_registry: RunningRegistry) -> None:
        ref, first = self.ref(tmp_path, docker_registry), self.put("one", tmp_path, docker_registry)
        ended = project.run("lock", "update", "small.yaml")
        assert ended.out == (
            f"Engine\n  -> embedded/1\n\nBase images\n  {ref}: -> {first[:19]}\n\n"
            "0 builds to run for it, 6 others to be built anyway.\nsmall.lock.json has the new pins; commit it, then apply.\n"
        )
        assert lock_of(project)["builds"] == {}
        second = self.put("two", tmp_path, docker_registry)
        assert set(project.apply()) == JAMMY | NOBLE
        assert lock_of(project)["pins"]["images"] == {ref: first}
        ended = project.run("lock", "update", "small.yaml")
        assert f"Base images\n  {ref}: {first[:19]} -> {second[:19]}\n" in ended.out

    def test_a_pin_that_nothing_uses_goes(self, project: SmallProject, tmp_path: Path, docker_registry: RunningRegistry) -> None:
        ref, _ = self.ref(tmp_path, docker_registry), self.put("one", tmp_path, docker_registry)
        project.apply()
        earthfile = project.root / "src" / "Earthfile"
        earthfile.write_text(earthfile.read_text().replace(ref, "scratch"))
        ended = project.run("lock", "update", "small.yaml", "--images")
        assert f"Base images\n  {ref}: no build starts from it any more\n" in ended.out
        assert "images" not in lock_of(project)["pins"]


CANVOS = """\
VERSION 0.6

ARG PE_VERSION=v4.4.12
ARG OS_DISTRIBUTION
ARG OS_VERSION
ARG IMAGE_REGISTRY
ARG IMAGE_REPO=$OS_DISTRIBUTION
ARG K8S_DISTRIBUTION
ARG K8S_VERSION
ARG CUSTOM_TAG
ARG FIPS_ENABLED=false
ARG ARCH=amd64
ARG TWO_NODE=false

provider-image:
    ARG IMAGE_PATH
    FROM scratch
    COPY k8s_version.json /versions.json
    LABEL kubernetes=$K8S_DISTRIBUTION-$K8S_VERSION os=$OS_DISTRIBUTION-$OS_VERSION fips=$FIPS_ENABLED arch=$ARCH two=$TWO_NODE
    SAVE IMAGE --push $IMAGE_PATH
"""

CANVOS_MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: small}
spec:
  profile: canvos
  source: {path: src}
  registry: {REGISTRY}
  vars: {customTag: test}
  engine: embedded
  axes:
    os: [{distribution: ubuntu, versions: ["22.04"]}]
    kubernetes: [{distribution: k3s, versions: ["1.30.x"]}]
  targets: {iso: false}
"""


class TestVersions:
    @pytest.fixture
    def project(self, tmp_path: Path) -> SmallProject:
        files = {"src/Earthfile": CANVOS, "src/k8s_version.json": '{"k3s": ["1.29.1", "1.30.1", "1.30.2"]}', "src/certs/.keep": ""}
        return small_project(tmp_path / "project", registry="registry.example.com/edge", manifest=CANVOS_MANIFEST, files=files)

    def catalog(self, project: SmallProject, *versions: str) -> None:
        (project.root / "src" / "k8s_version.json").write_text(json.dumps({"k3s": versions}))

    def versions(self, project: SmallProject) -> list[str]:
        return [build["name"].partition("kubernetes=k3s-")[2].partition(",")[0] for build in project.plan()["builds"] if build["action"] != "retire"]

    def test_a_range_means_what_it_meant_until_the_lock_is_updated(self, project: SmallProject) -> None:
        updated(project)
        assert lock_of(project)["pins"]["versions"] == {"kubernetes": {"k3s 1.30.x": ["1.30.1", "1.30.2"]}}
        self.catalog(project, "1.30.1", "1.30.2", "1.30.3")
        assert self.versions(project) == ["1.30.1", "1.30.2"]
        found = updated(project, "--versions")
        assert [(move["range"], move["gained"], move["lost"]) for move in found["versions"]] == [("k3s 1.30.x", ["1.30.3"], [])]
        assert self.versions(project) == ["1.30.1", "1.30.2", "1.30.3"]

    def test_gained_and_lost_versions_are_told(self, project: SmallProject) -> None:
        updated(project)
        self.catalog(project, "1.30.2", "1.30.3")
        ended = project.run("lock", "update", "small.yaml", "--versions")
        assert (ended.code, ended.err) == (0, "")
        assert "Versions\n  kubernetes k3s 1.30.x: +1.30.3, -1.30.1\n" in ended.out
        assert ended.out.endswith(
            "Notes\n"
            "  what this rebuilds is not told: under the pins of before, k8s_version.json lists no k3s 1.30.1\n"
            "\n"
            "2 builds to run, for it or anyway.\n"
            "small.lock.json has the new pins; commit it, then apply.\n"
        )

    def test_another_range_is_resolved_anew_whatever_moves_and_the_old_pin_goes(self, project: SmallProject) -> None:
        updated(project)
        project.manifest.write_text(project.manifest.read_text().replace("1.30.x", ">=1.29"))
        assert self.versions(project) == ["1.29.1", "1.30.1", "1.30.2"]
        updated(project, "--images")
        assert lock_of(project)["pins"]["versions"] == {"kubernetes": {"k3s >=1.29": ["1.29.1", "1.30.1", "1.30.2"]}}

    def test_a_pin_none_of_whose_versions_is_in_the_range_is_resolved_anew(self, project: SmallProject) -> None:
        updated(project)
        project.lock.write_text(project.lock.read_text().replace('"1.30.1",\n', '"1.29.1",\n').replace('"1.30.2"\n', '"1.29.2"\n'))
        assert lock_of(project)["pins"]["versions"] == {"kubernetes": {"k3s 1.30.x": ["1.29.1", "1.29.2"]}}
        assert self.versions(project) == ["1.30.1", "1.30.2"]

    def test_a_pinned_version_that_the_source_no_longer_lists_is_told(self, project: SmallProject) -> None:
        updated(project)
        self.catalog(project, "1.30.2")
        ended = project.run("plan", "small.yaml")
        assert (ended.code, ended.out) == (3, "")
        assert "k8s_version.json lists no k3s 1.30.1" in ended.err
        assert "it is pinned for `k3s 1.30.x`: `matrixbuild lock update --versions` resolves that anew" in ended.err
        assert updated(project, "--versions")["versions"][0]["lost"] == ["1.30.1"]
        assert self.versions(project) == ["1.30.2"]


class TestGenerations:
    def test_a_generation_is_drawn_once_for_all_selected_builds_and_what_needs_them(self, tmp_path: Path) -> None:
        project = small_project(tmp_path)
        project.apply()
        before = project.digests()
        found = updated(project, "--rebuild", "os=jammy,fips=true")
        names = ["image[fips=true,os=jammy]", "notes[os=jammy]"]
        assert [move["name"] for move in found["generations"]] == names
        (token,) = {move["new"] for move in found["generations"]}
        assert len(token) == 20
        assert lock_of(project)["pins"]["generations"] == dict.fromkeys(names, token)
        assert {build["name"]: build["reasons"] for build in found["builds"]} == {name: [{"kind": "forced"}] for name in names}
        assert found["versions"] == found["images"] == []
        assert project.apply() == dict.fromkeys(names, "built")
        moved = {ref for ref, digest in project.digests().items() if before[ref] != digest}
        assert moved == {"oci-layout:registry/jammy:1-fips"}
        assert project.apply() == {}
        assert lock_of(project)["builds"][names[0]]["inputs"]["generation"] == token
        (again,) = {move["new"] for move in updated(project, "--rebuild", "os=jammy,fips=true")["generations"]}
        assert again != token

    def test_immutable_tags_that_would_have_to_move_are_told(self, tmp_path: Path) -> None:
        project = small_project(tmp_path, manifest=MANIFEST.replace("publish: {tags: mutable}", "publish: {tags: immutable}"))
        project.apply()
        ended = project.run("lock", "update", "small.yaml", "--rebuild", "os=jammy,fips=true")
        (token,) = set(lock_of(project)["pins"]["generations"].values())
        assert (ended.code, ended.err) == (0, "")
        assert ended.out == (
            "Generations\n"
            f"  image[fips=true,os=jammy]: -> {token}\n"
            f"  notes[os=jammy]: -> {token}\n"
            "\n"
            "Builds\n"
            "  ~ rebuild  image[fips=true,os=jammy]  asked for\n"
            "  ~ rebuild  notes[os=jammy] for 2 cells  asked for\n"
            "\n"
            "Notes\n"
            "  tags are immutable, and 1 image name would have to move: give the release new tags, or apply with --overwrite REF\n"
            "    oci-layout:registry/jammy:1-fips\n"
            "\n"
            "2 builds to run for it.\n"
            "small.lock.json has the new pins; commit it, then apply.\n"
        )
        assert project.run("plan", "small.yaml").code == 5

    @pytest.mark.parametrize(
        ("selector", "code", "told"),
        [
            ("os=mantic", 3, "--rebuild:1:4: error: os is never 'mantic'"),
            ("os=jammy,os=noble", 3, "error: --rebuild os=jammy,os=noble: no cell is selected"),
        ],
    )
    def test_a_selector_that_selects_nothing(self, tmp_path: Path, selector: str, code: int, told: str) -> None:
        project = small_project(tmp_path)
        ended = project.run("lock", "update", "small.yaml", "--rebuild", selector)
        assert (ended.code, ended.out) == (code, "")
        assert ended.err.startswith(told)
        assert not project.lock.exists()


def test_everything_moves_at_once_and_no_generation_is_drawn(git: GitProject) -> None:
    git.project.apply()
    second = git.move(jammy_conf="22.05\n")
    assert updated(git.project)["generations"] == []
    assert git.lock["pins"] == {"engine": "embedded/1", "source": {"git": git.url, "ref": "main", "commit": second}}


def test_the_manifest_may_be_new_to_the_lock(git: GitProject) -> None:
    first = git.upstream.git("rev-parse", "HEAD")
    found = updated(git.project)
    assert (found["source"]["old"], found["source"]["new"], found["pending"], found["builds"]) == ("", first, 6, [])
    git.move(jammy_conf="22.05\n")
    git.project.apply("--locked")
    assert git.lock["pins"]["source"]["commit"] == first


def test_the_kind_of_engine_is_a_pin(tmp_path: Path) -> None:
    project = git_project(tmp_path, manifest=GIT_MANIFEST.replace("  engine: embedded\n", "")).project
    project.apply()
    lock = lock_of(project)
    assert lock["pins"]["engine"] == "embedded/1"
    project.lock.write_text(json.dumps({**lock, "pins": {**lock["pins"], "engine": "earthly/0.8"}}))
    assert project.plan()["engine"] == "earthly/0.8"
    assert updated(project)["engine"] == {"name": "engine", "old": "earthly/0.8", "new": "embedded/1"}
    assert project.plan()["engine"] == "embedded/1"
