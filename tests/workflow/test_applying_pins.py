"""An apply uses the pins there are, adds what is missing, and keeps what it resolved or drew until the lock has it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from matrixbuild.adapters.journal import read_journal
from matrixbuild.adapters.registry import HttpRegistry
from tests.projects import EARTHFILE, MANIFEST, SmallProject, in_child, layout_manifests, small_project
from tests.sample_images import push, sample_image
from tests.services import RunningRegistry
from tests.upstream import GIT_MANIFEST, GitProject, git_project

JAMMY_FIPS = ["image[fips=true,os=jammy]", "notes[os=jammy]"]
IMMUTABLE = MANIFEST.replace("publish: {tags: mutable}", "publish: {tags: immutable}")

DIES = """
import sys
from pathlib import Path
from matrixbuild.workflow.applying import Listener, apply_manifest
from matrixbuild.workflow.engines import engine_of
from tests.fakes.engines import Dying

quiet = Listener(on_plan=lambda plan: None, on_report=lambda report, made: None)
apply_manifest(Path("small.yaml"), quiet, rebuild=sys.argv[1], engine=lambda prepared: Dying(engine_of(prepared), int(sys.argv[2])))
"""


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def git(tmp_path: Path) -> GitProject:
    return git_project(tmp_path)


def killed(project: SmallProject, *, rebuild: str = "", after: int) -> None:
    """An apply that dies, as by `kill -9`, when so many builds are done."""
    command = [sys.executable, "-c", DIES, rebuild, str(after)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, cwd=project.root, env=environment, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


def generations(project: SmallProject) -> dict[str, str]:
    found: dict[str, str] = json.loads(project.lock.read_text())["pins"].get("generations", {})
    return found


class TestLocked:
    def test_what_is_missing_is_named_all_at_once(self, tmp_path: Path, docker_registry: RunningRegistry) -> None:
        ref = f"{docker_registry.host}/{tmp_path.name.lower()}/base:1"
        git = git_project(tmp_path, earthfile=EARTHFILE.replace("FROM scratch\n    COPY common", f"FROM {ref}\n    COPY common"))
        ended = git.run("apply", "small.yaml", "--locked")
        assert (ended.code, ended.out) == (5, "")
        assert ended.err == "".join(
            f"error: --locked: the lock does not have {what}\n  hint: without --locked apply adds it; then commit the lock\n"
            for what in (f"the commit of {git.url} at main", "the engine embedded/1", f"the digest of the base image {ref}")
        )
        assert not git.project.lock.exists()
        assert not git.kept.exists()

    def test_with_every_pin_it_builds(self, git: GitProject) -> None:
        git.project.apply()
        git.move(jammy_conf="22.05\n")
        assert git.project.apply("--locked") == {}
        git.project.manifest.write_text(git.project.manifest.read_text().replace("'-fips'", "'-validated'"))
        assert git.project.apply("--locked") == {}
        assert "oci-layout:registry/jammy:1-validated" in git.project.digests()

    def test_another_ref_is_a_missing_pin(self, git: GitProject) -> None:
        git.project.apply()
        git.upstream.git("branch", "next")
        git.project.manifest.write_text(git.project.manifest.read_text().replace("ref: main", "ref: next"))
        ended = git.run("apply", "small.yaml", "--locked")
        assert (ended.code, ended.err.splitlines()[0]) == (5, f"error: --locked: the lock does not have the commit of {git.url} at next")

    def test_a_clone_builds_what_the_lock_says(self, git: GitProject, tmp_path: Path) -> None:
        git.project.apply()
        git.move(jammy_conf="22.05\n")
        clone = small_project(tmp_path / "clone", manifest=git.project.manifest.read_text(), files={})
        clone.lock.write_bytes(git.project.lock.read_bytes())
        assert set(clone.apply("--locked").values()) == {"built"}
        assert clone.digests() == git.project.digests()

    def test_it_draws_nothing(self, git: GitProject) -> None:
        ended = git.run("apply", "small.yaml", "--locked", "--rebuild", "os=jammy")
        assert (ended.code, ended.out) == (64, "")
        assert ended.err == (
            "error: --rebuild draws a new pin, and --locked forbids that\n"
            "  hint: draw the generation with `matrixbuild lock update --rebuild`, commit the lock, then apply --locked\n"
        )


class TestRebuild:
    def test_the_selected_builds_really_run_again(self, tmp_path: Path) -> None:
        project = small_project(tmp_path)
        project.apply()
        before, contents = project.digests(), {digest for _, digest in layout_manifests(project.root / "registry")}
        assert project.apply("--rebuild", "os=jammy,fips=true") == dict.fromkeys(JAMMY_FIPS, "built")
        after = project.digests()
        assert {ref for ref in after if after[ref] != before[ref]} == {"oci-layout:registry/jammy:1-fips"}
        assert after["oci-layout:registry/jammy:1-fips"] not in contents
        assert list(generations(project)) == JAMMY_FIPS
        assert project.apply() == {}
        first = generations(project)
        project.apply("--rebuild", "os=jammy,fips=true")
        assert not set(first.values()) & set(generations(project).values())

    def test_what_needs_a_selected_build_runs_again(self, tmp_path: Path) -> None:
        earthfile = f"{EARTHFILE}\nground:\n    FROM scratch\n    COPY common /base\n"
        earthfile = earthfile.replace("    FROM scratch\n    COPY common /etc", "    ARG BASE=scratch\n    FROM $BASE\n    COPY common /etc")
        based = MANIFEST.replace(
            "    image:\n      earthly: +image\n",
            """    base:
      axes: [os]
      earthly: +ground
      image: {repository: "{{ registry }}/base", tag: "{{ os }}"}
    image:
      earthly: +image
      needs: [base]
""",
        ).replace('FIPS: "{{ fips }}"}', """FIPS: "{{ fips }}", BASE: "{{ needs['base'].image }}"}""")
        files = {"src/Earthfile": earthfile, "src/common": "", "src/jammy.conf": "", "src/noble.conf": ""}
        project = small_project(tmp_path, manifest=based, files=files)
        project.apply()
        # The base is one build for both systems, with two names.
        ran = project.apply("-l", "os=jammy", "--rebuild", "os=jammy,fips=false")
        assert sorted(ran) == ["base", "image[fips=false,os=jammy]", "image[fips=true,os=jammy]", "notes[os=jammy]"]
        assert sorted(generations(project)) == ["base", "image[fips=false,os=jammy]", "notes[os=jammy]"]
        later = {build["name"]: build["reasons"] for build in project.plan()["builds"] if build["action"] == "rebuild"}
        assert later == {f"image[fips={fips},os=noble]": [{"kind": "need-changed", "build": "base"}] for fips in ("false", "true")}

    def test_an_immutable_tag_does_not_move_silently(self, tmp_path: Path) -> None:
        project = small_project(tmp_path, manifest=IMMUTABLE)
        project.apply()
        before, lock = project.digests(), project.lock.read_bytes()
        ended = project.run("apply", "small.yaml", "--rebuild", "os=jammy,fips=true")
        ref = "oci-layout:registry/jammy:1-fips"
        assert (ended.code, ended.out) == (5, "")
        assert f"error: {ref} is published ({before[ref][:19]}), image[fips=true,os=jammy] has changed since, and tags are immutable\n" in ended.err
        assert project.lock.read_bytes() == lock
        # What was refused is not remembered: the next apply is as if nobody had asked.
        assert project.apply() == {}
        assert project.apply("--rebuild", "os=jammy,fips=true", "--overwrite", ref) == dict.fromkeys(JAMMY_FIPS, "built")
        assert project.digests()[ref] != before[ref]

    def test_a_selector_beside_another_must_share_builds_with_it(self, tmp_path: Path) -> None:
        project = small_project(tmp_path)
        ended = project.run("apply", "small.yaml", "-l", "os=noble", "--rebuild", "os=jammy")
        assert (ended.code, ended.out) == (3, "")
        assert ended.err == (
            "error: --rebuild os=jammy: -l os=noble selects no build of such a cell\n  hint: `matrixbuild list small.yaml` shows the cells\n"
        )

    def test_a_build_that_is_called_otherwise_keeps_its_generation(self, tmp_path: Path) -> None:
        project = small_project(tmp_path)
        project.apply()
        project.apply("--rebuild", "os=jammy,fips=true")
        before = project.digests()
        text = project.manifest.read_text().replace("    notes:\n", "    words:\n")
        project.manifest.write_text(text)
        project.apply()
        assert project.digests() == before
        project.manifest.write_text(
            text.replace('args: {OS: "{{ os }}", FIPS: "{{ fips }}"}', 'args: {OS: "{{ os }}", FIPS: "true"}').replace(
                "fips: [false, true]", "fips: [true]"
            )
        )
        project.apply()
        assert "image[os=jammy]" in generations(project)
        assert project.digests()["oci-layout:registry/jammy:1-fips"] == before["oci-layout:registry/jammy:1-fips"]


class TestKept:
    def test_a_killed_rebuild_goes_on_with_the_token_it_drew(self, tmp_path: Path) -> None:
        project = small_project(tmp_path)
        project.apply()
        kept = project.root / ".matrixbuild" / "small" / "pins.json"
        assert not kept.exists()
        lock = project.lock.read_bytes()
        killed(project, rebuild="os=jammy", after=1)
        assert project.lock.read_bytes() == lock
        (token,) = set(json.loads(kept.read_text())["pins"]["generations"].values())
        planned = {build["name"]: build["reasons"] for build in project.plan()["builds"] if build["action"] == "rebuild"}
        assert planned == {name: [{"kind": "forced"}] for name in ["image[fips=false,os=jammy]", *JAMMY_FIPS]}
        ran = project.apply()
        # One of them was done, and under its content tag.
        assert len(ran) in (2, 3)
        assert generations(project) == dict.fromkeys(planned, token)
        assert not kept.exists()
        assert project.apply() == {}

    @pytest.mark.parametrize("after", [0, 1, 2])
    def test_what_is_kept_is_what_the_journals_results_were_built_with(self, tmp_path: Path, after: int) -> None:
        project = small_project(tmp_path)
        project.apply()
        killed(project, rebuild="os=jammy", after=after)
        keys = {build["key"] for build in project.plan()["builds"]}
        with read_journal(project.root / ".matrixbuild" / "small") as journal:
            assert journal is not None
            tried = [attempt.key for attempt in journal.attempts(2)]
            # What began or ended at the very moment may not have been written down: it is done again, or its image is found.
            assert set(tried) <= keys
            assert len(journal.results(tried)) <= after

    def test_another_generation_of_the_lock_goes_before_a_kept_one(self, tmp_path: Path) -> None:
        project = small_project(tmp_path)
        project.apply()
        lock = project.lock.read_bytes()
        killed(project, rebuild="os=jammy,fips=true", after=0)
        kept = (project.root / ".matrixbuild" / "small" / "pins.json").read_bytes()
        project.run("lock", "update", "small.yaml", "--rebuild", "os=jammy,fips=true")
        assert not (project.root / ".matrixbuild" / "small" / "pins.json").exists()
        (token,) = set(generations(project).values())
        # As after a pull: the lock is a colleague's, and this machine still has what it kept.
        (project.root / ".matrixbuild" / "small" / "pins.json").write_bytes(kept)
        project.apply()
        assert set(generations(project).values()) == {token}
        project.lock.write_bytes(lock)

    def test_a_commit_that_an_unpublished_apply_resolved_stays(self, git: GitProject) -> None:
        first = git.upstream.git("rev-parse", "HEAD")
        killed(git.project, after=1)
        assert not git.project.lock.exists()
        git.move(jammy_conf="22.05\n")
        git.project.apply()
        assert git.lock["pins"]["source"]["commit"] == first
        assert not git.kept.exists()

    def test_a_digest_that_an_unpublished_apply_resolved_stays_and_is_no_pin_for_a_plan(
        self, tmp_path: Path, docker_registry: RunningRegistry
    ) -> None:
        repository = f"{tmp_path.name.lower()}/base"
        ref, registry = f"{docker_registry.host}/{repository}:1", HttpRegistry(docker_registry.host)
        earthfile = EARTHFILE.replace("FROM scratch\n    COPY common", f"FROM {ref}\n    COPY common")
        project = small_project(tmp_path, files={"src/Earthfile": earthfile, "src/common": "", "src/jammy.conf": "", "src/noble.conf": ""})
        before = project.plan()
        first = push(registry, repository, sample_image("one"), "1")
        killed(project, after=1)
        push(registry, repository, sample_image("two"), "1")
        assert project.plan() == before
        project.apply()
        assert json.loads(project.lock.read_text())["pins"]["images"] == {ref: first}

    def test_another_ref_is_not_answered_by_what_was_kept(self, git: GitProject) -> None:
        killed(git.project, after=1)
        git.upstream.git("branch", "next")
        git.upstream.git("checkout", "--quiet", "next")
        second = git.move(jammy_conf="22.05\n")
        git.project.manifest.write_text(git.project.manifest.read_text().replace("ref: main", "ref: next"))
        git.project.apply()
        assert git.lock["pins"]["source"]["commit"] == second

    def test_what_is_kept_is_a_missing_pin_when_locked(self, tmp_path: Path) -> None:
        project = small_project(tmp_path)
        project.apply()
        killed(project, rebuild="os=jammy,fips=true", after=0)
        ended = project.run("apply", "small.yaml", "--locked")
        assert ended.code == 5
        assert [line for line in ended.err.splitlines() if line.startswith("error")] == [
            f"error: --locked: the lock does not have the generation of {name}" for name in JAMMY_FIPS
        ]

    def test_what_another_manifest_kept_is_nobody_elses(self, tmp_path: Path) -> None:
        project = small_project(tmp_path)
        project.apply()
        killed(project, rebuild="os=jammy,fips=true", after=0)
        project.manifest.rename(project.root / "other.yaml")
        project.lock.rename(project.root / "other.lock.json")
        planned = project.run("plan", "other.yaml", "--format", "json").json()
        assert {build["action"] for build in planned["builds"]} == {"reuse"}

    def test_a_broken_file_is_told(self, tmp_path: Path) -> None:
        project = small_project(tmp_path)
        project.apply()
        kept = project.root / ".matrixbuild" / "small" / "pins.json"
        kept.write_text("{")
        ended = project.run("plan", "small.yaml")
        assert (ended.code, ended.out) == (5, "")
        told = "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
        assert ended.err == (
            f"error: the kept pins {kept} are broken: {told}\n"
            "  hint: remove it: what an apply had resolved or drawn is forgotten then, and the next one does so anew\n"
        )


def test_a_manifest_of_before_reads_its_lock_and_leaves_reused_entries(tmp_path: Path) -> None:
    git = git_project(tmp_path, manifest=GIT_MANIFEST)
    git.project.apply()
    lock = git.lock
    for build in lock["builds"].values():
        del build["commit"]
    git.project.lock.write_text(f"{json.dumps(lock, indent=2, sort_keys=True)}\n")
    before = git.project.lock.read_bytes()
    assert git.project.apply() == {}
    assert git.project.lock.read_bytes() == before


def test_two_clones_resolve_the_same(git: GitProject, tmp_path: Path) -> None:
    ended = in_child("plan", "small.yaml", "--format", "json", cwd=git.project.root, env={"XDG_CACHE_HOME": str(tmp_path / "elsewhere")})
    assert json.loads(ended.out) == git.project.plan()
