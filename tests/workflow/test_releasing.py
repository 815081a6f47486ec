"""`publish.mode`: when final names are given, what the lock says meanwhile, and that no mode breaks a law of another."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from matrixbuild.adapters.engines.base import Engine, Made, Order
from matrixbuild.adapters.oci_layout import OciLayout
from matrixbuild.core.events import State
from matrixbuild.core.failure import FailureKind
from matrixbuild.core.happenings import Happening, TagPut
from matrixbuild.core.images import KEY_LABEL
from matrixbuild.core.problems import ExitCode, RefusedError
from matrixbuild.workflow.applying import Applied, Listener, apply_manifest
from matrixbuild.workflow.engines import engine_of
from matrixbuild.workflow.options import Options
from matrixbuild.workflow.planning import Prepared
from tests.fakes.engines import Failing, Looking
from tests.projects import MANIFEST, SmallProject, layout_manifests, small_project
from tests.sample_images import SampleImage, push, sample_image

QUIET = Listener(on_plan=lambda plan: None, on_report=lambda report, made: None)
NAMES = ["jammy:1", "jammy:1-fips", "noble:1", "noble:1-fips"]
ONE_BY_ONE = "  schedule: {retry: {attempts: 1}, limits: {cpu: 1}}\n"


def project_of(root: Path, mode: str, *, tags: str = "immutable", more: str = ONE_BY_ONE) -> SmallProject:
    return small_project(root, manifest=MANIFEST.replace("publish: {tags: mutable}", f"publish: {{mode: {mode}, tags: {tags}}}") + more)


def switched(project: SmallProject, mode: str) -> None:
    text = project.manifest.read_text()
    for other in ("atomic", "each", "none"):
        text = text.replace(f"mode: {other}", f"mode: {mode}")
    project.manifest.write_text(text)


def applied(project: SmallProject, engine: Callable[[Engine], Engine] = lambda engine: engine, *, selector: str = "") -> Applied:
    def made(prepared: Prepared) -> Engine:
        return engine(engine_of(prepared))

    return apply_manifest(project.manifest, QUIET, engine=made, options=Options(selector=selector))


def tags(project: SmallProject) -> dict[str, str]:
    """The final tags in the registry."""
    return {name: digest for name, digest in layout_manifests(project.root / "registry") if ":mb-" not in name}


def locked(project: SmallProject) -> dict[str, str]:
    return {ref.removeprefix("oci-layout:registry/"): digest for ref, digest in project.digests().items()}


class TestEach:
    def test_every_build_has_its_names_and_its_entry_before_the_next_one_runs(self, tmp_path: Path) -> None:
        project = project_of(tmp_path, "each")
        seen: list[tuple[int, int]] = []

        def look(_: Order) -> None:
            builds = json.loads(project.lock.read_text())["builds"] if project.lock.exists() else {}
            assert not builds or locked(project) == tags(project)
            seen.append((len(tags(project)) if builds else 0, len(builds)))

        done = applied(project, lambda engine: Looking(engine, look))
        assert seen == [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (4, 5)]
        assert (done.complete, sorted(tags(project)), len(done.puts)) == (True, NAMES, 4)
        assert project.apply() == {}

    def test_a_failing_run_leaves_what_is_published_tagged_and_in_the_lock(self, tmp_path: Path) -> None:
        project = project_of(tmp_path, "each", tags="mutable")
        project.apply()
        before = json.loads(project.lock.read_text())["builds"]
        old = tags(project)
        (project.root / "src" / "common").write_text("another\n")
        done = applied(project, lambda engine: Failing(engine, {"noble": FailureKind.STEP}))
        assert {name for name, outcome in done.outcomes.items() if outcome.state is State.FAILED} == {
            "image[fips=false,os=noble]",
            "image[fips=true,os=noble]",
        }
        now = tags(project)
        assert {name for name in now if now[name] != old[name]} == {"jammy:1", "jammy:1-fips"}
        after = json.loads(project.lock.read_text())["builds"]
        assert {name for name in after if after[name] != before[name]} == {"image[fips=false,os=jammy]", "image[fips=true,os=jammy]"}
        assert locked(project) == now
        assert set(project.apply()) == {"image[fips=false,os=noble]", "image[fips=true,os=noble]"}
        assert locked(project) == tags(project)

    def test_the_report_of_a_failing_run_tells_how_many_are_published(self, tmp_path: Path) -> None:
        project = project_of(tmp_path, "each")
        (project.root / "src" / "noble.conf").write_text("1\n")
        earthfile = project.root / "src" / "Earthfile"
        earthfile.write_text(earthfile.read_text().replace("COPY $OS.conf /notes.txt", "COPY $OS.conf /$OS.txt").replace("/notes.txt", "/jammy.txt"))
        project.manifest.write_text(project.manifest.read_text().replace("path: /notes.txt", "path: /jammy.txt"))
        ended = project.run("apply", "small.yaml", "--format", "json")
        assert ended.code == ExitCode.BUILDS_FAILED, ended.err
        assert "registry: 5 built, 1 failed; 5 published, the lock has them\n" in ended.err
        assert ended.json()["published"] is False

    def test_a_run_that_is_killed_goes_on_where_it_was(self, tmp_path: Path) -> None:
        project = project_of(tmp_path, "each")
        code = (
            "import sys\nfrom pathlib import Path\nfrom matrixbuild.workflow.applying import Listener, apply_manifest\n"
            "from matrixbuild.workflow.engines import engine_of\nfrom tests.fakes.engines import Dying\n"
            "quiet = Listener(on_plan=lambda plan: None, on_report=lambda report, made: None)\n"
            "apply_manifest(Path(sys.argv[1]), quiet, engine=lambda prepared: Dying(engine_of(prepared), 2))\n"
        )
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        ended = subprocess.run([sys.executable, "-c", code, str(project.manifest)], env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        assert len(tags(project)) == 2
        assert locked(project) == tags(project)
        assert len(project.apply()) == 4
        assert (sorted(tags(project)), locked(project)) == (NAMES, tags(project))

    def test_names_that_were_given_before_a_crash_and_are_in_no_lock_are_taken_over(self, tmp_path: Path) -> None:
        project = project_of(tmp_path, "each")
        project.apply()
        before = project.lock.read_bytes()
        project.lock.unlink()
        assert project.apply() == {}
        assert project.lock.read_bytes() == before

    def test_a_name_that_must_not_move_keeps_its_build_out_and_nothing_else(self, tmp_path: Path) -> None:
        project = project_of(tmp_path, "each")
        layout = OciLayout(project.root / "registry")

        def meddle(order: Order) -> None:
            if layout.digest("noble", "1") is None:
                push(layout, "noble", sample_image("someone else's"), "1")

        done = applied(project, lambda engine: Looking(engine, meddle))
        assert [error.exit_code for error in done.refusals] == [ExitCode.REFUSED]
        assert str(done.refusals[0]).startswith("oci-layout:registry/noble:1 holds sha256:")
        assert (done.succeeded, done.complete, done.held_back) == (True, False, 1)
        assert layout.digest("noble", "1") == sample_image("someone else's").manifest.digest
        assert sorted(locked(project)) == ["jammy:1", "jammy:1-fips", "noble:1-fips"]
        ended = project.run("apply", "small.yaml")
        assert ended.code == ExitCode.REFUSED

    def test_what_needs_a_build_without_its_names_gets_none_either(self, tmp_path: Path) -> None:
        needing = MANIFEST.replace("      earthly: +image\n", "      earthly: +image\n      needs: [base]\n").replace(
            "    notes:\n", '    base: {axes: [os], earthly: +image, args: {OS: "{{ os }}"}, image: {repository: "{{ registry }}/base", tag: "{{ os }}"}}\n    notes:\n'
        )
        project = small_project(tmp_path, manifest=needing.replace("publish: {tags: mutable}", "publish: each") + ONE_BY_ONE)
        layout = OciLayout(project.root / "registry")

        def meddle(order: Order) -> None:
            if layout.digest("base", "noble") is None:
                push(layout, "base", sample_image("someone else's"), "noble")

        done = applied(project, lambda engine: Looking(engine, meddle))
        assert (len(done.refusals), done.held_back) == (1, 3)
        assert sorted(name for name in tags(project) if name != "base:noble") == ["base:jammy", "jammy:1", "jammy:1-fips"]
        assert sorted(locked(project)) == ["base:jammy", "jammy:1", "jammy:1-fips"]

    def test_a_cell_less_is_retired_only_by_a_run_that_comes_to_its_end(self, tmp_path: Path) -> None:
        project = project_of(tmp_path, "each", tags="mutable")
        project.apply()
        project.manifest.write_text(project.manifest.read_text().replace("fips: [false, true]", "fips: [false]"))
        (project.root / "src" / "common").write_text("another\n")
        applied(project, lambda engine: Failing(engine, {"noble": FailureKind.STEP}))
        assert sorted(locked(project)) == NAMES
        project.apply()
        assert sorted(locked(project)) == ["jammy:1", "noble:1"]
        assert sorted(tags(project)) == NAMES


class Stranger:
    """Puts another image under the content tag of a build as soon as that is pushed."""

    def __init__(self, engine: Engine, layout: OciLayout, image: SampleImage) -> None:
        self.engine, self.layout, self.image = engine, layout, image

    def build(self, order: Order) -> Made:
        made = self.engine.build(order)
        if order.push and order.push.repository == "noble":
            push(self.layout, order.push.repository, self.image, order.push.tag)
        return made


@pytest.mark.parametrize("label", ["", f"sha256:{'0' * 64}"])
def test_an_image_that_somebody_else_put_under_a_content_tag_is_never_published(tmp_path: Path, label: str) -> None:
    project = project_of(tmp_path, "each")
    image = sample_image("someone else's", labels={KEY_LABEL: label} if label else None)
    layout = OciLayout(project.root / "registry")
    done = applied(project, lambda engine: Stranger(engine, layout, image))
    failed = {name: outcome.failure for name, outcome in done.outcomes.items() if outcome.failure}
    assert sorted(failed) == ["image[fips=false,os=noble]", "image[fips=true,os=noble]"]
    for name, failure in failed.items():
        (build,) = [build for build in done.planned.prepared.builds if build.name == name]
        assert failure.kind is FailureKind.PUSH
        assert failure.summary == f"the push ended well, and yet {build.content_image} holds an image that is not of this build"
    assert (sorted(tags(project)), locked(project)) == (["jammy:1", "jammy:1-fips"], tags(project))


@pytest.mark.parametrize("mode", ["atomic", "each"])
def test_a_name_that_somebody_moved_since_the_plan_showed_its_move_is_left_alone(tmp_path: Path, mode: str) -> None:
    project = project_of(tmp_path, mode, tags="mutable")
    project.apply()
    (project.root / "src" / "common").write_text("another\n")
    layout, image = OciLayout(project.root / "registry"), sample_image("someone else's")

    def meddle(_: Order) -> None:
        push(layout, "noble", image, "1-fips")

    told = refusal(lambda: applied(project, lambda engine: Looking(engine, meddle)))
    old = project.digests()["oci-layout:registry/noble:1-fips"]
    assert told.startswith(f"oci-layout:registry/noble:1-fips holds {image.manifest.digest} in the registry, and the plan showed a move from {old}: ")
    assert layout.digest("noble", "1-fips") == image.manifest.digest


@pytest.mark.parametrize("mode", ["atomic", "each"])
def test_a_name_that_somebody_takes_while_others_are_given_is_left_alone(tmp_path: Path, mode: str) -> None:
    project = project_of(tmp_path, mode)
    layout, image = OciLayout(project.root / "registry"), sample_image("someone else's")

    def meddle(happening: Happening) -> None:
        if isinstance(happening, TagPut) and happening.put.ref.repository == "jammy":
            push(layout, "noble", image, "1")

    told = refusal(lambda: apply_manifest(project.manifest, replace(QUIET, on_happening=meddle)))
    # With mode each the other one is known before its own names are looked at.
    during = f"oci-layout:registry/noble:1 was moved by someone else during this run, to {image.manifest.digest}: it is left alone"
    before = f"oci-layout:registry/noble:1 holds {image.manifest.digest} in the registry, and tags are immutable: it is not moved to "
    assert told.startswith(during if mode == "atomic" else before)
    assert layout.digest("noble", "1") == image.manifest.digest
    assert "noble:1" not in locked(project) if project.lock.exists() else mode == "atomic"


@pytest.mark.parametrize("mode", ["atomic", "each"])
def test_a_name_that_somebody_moves_right_after_it_was_given_is_not_claimed(tmp_path: Path, mode: str) -> None:
    project = project_of(tmp_path, mode)
    layout, image = OciLayout(project.root / "registry"), sample_image("someone else's")
    given: list[str] = []

    def meddle(happening: Happening) -> None:
        if isinstance(happening, TagPut) and str(happening.put.ref) == "oci-layout:registry/noble:1":
            given.append(happening.put.digest)
            push(layout, "noble", image, "1")

    told = refusal(lambda: apply_manifest(project.manifest, replace(QUIET, on_happening=meddle)))
    assert told == f"oci-layout:registry/noble:1 was given {given[0]}, and holds {image.manifest.digest} a moment later"
    assert sorted(locked(project)) == ["jammy:1", "jammy:1-fips", "noble:1-fips"] if mode == "each" else not project.lock.exists()


def refusal(apply: Callable[[], Applied]) -> str:
    """Why names were not given: what an apply raises, or with mode each tells when it has ended."""
    try:
        (error,) = apply().refusals
    except RefusedError as raised:
        error = raised
    return str(error)


@pytest.mark.parametrize("mode", ["atomic", "each", "none"])
def test_a_selection_touches_nothing_else(tmp_path: Path, mode: str) -> None:
    project = project_of(tmp_path, "atomic", tags="mutable")
    project.apply()
    old, before = tags(project), json.loads(project.lock.read_text())["builds"]
    switched(project, mode)
    (project.root / "src" / "common").write_text("another\n")
    done = applied(project, selector="os=jammy,fips=true")
    assert sorted(done.outcomes) == ["image[fips=true,os=jammy]"]
    after = json.loads(project.lock.read_text())["builds"]
    assert {name for name in after if after[name] != before.get(name)} == {"image[fips=true,os=jammy]"}
    assert after.keys() == before.keys()
    assert {name for name, digest in tags(project).items() if digest != old[name]} == (set() if mode == "none" else {"jammy:1-fips"})


class TestNone:
    def test_no_names_are_given_and_the_lock_has_the_images(self, tmp_path: Path) -> None:
        project = project_of(tmp_path, "none")
        ended = project.run("apply", "small.yaml")
        assert (ended.code, tags(project)) == (0, {})
        assert ended.out.startswith("small: 6 built, 0 as they were, no image names given (publish.mode none), in ")
        builds = json.loads(project.lock.read_text())["builds"]
        assert len([build for build in builds.values() if "image" in build]) == 4
        assert {ref for build in builds.values() for refs in build["cells"].values() for ref in refs} == set()
        assert project.apply() == {}

    def test_json_names_the_content_tags(self, tmp_path: Path) -> None:
        project = project_of(tmp_path, "none")
        found = project.run("apply", "small.yaml", "--format", "json").json()
        assert found["published"] is False
        pushed = dict(layout_manifests(project.root / "registry"))
        told = {ref.removeprefix("oci-layout:registry/"): digest for refs in found["images"].values() for ref, digest in refs.items()}
        assert told == pushed

    def test_names_of_others_are_nobodys_business(self, tmp_path: Path) -> None:
        project = project_of(tmp_path, "none")
        push(OciLayout(project.root / "registry"), "jammy", sample_image("someone else's"), "1")
        project.apply()
        assert tags(project) == {"jammy:1": sample_image("someone else's").manifest.digest}
        assert project.plan("--refresh")["images"] == []
        switched(project, "atomic")
        assert project.run("apply", "small.yaml").code == ExitCode.REFUSED

    def test_a_registry_that_only_names_would_go_to_is_not_asked(self, tmp_path: Path) -> None:
        again = """
    again:
      earthly: +image
      args: {OS: "{{ os }}", FIPS: "{{ fips }}"}
      image: {repository: "registry.invalid/copies", tag: "{{ os }}-{{ fips }}"}
  publish:"""
        project = project_of(tmp_path, "none")
        project.manifest.write_text(project.manifest.read_text().replace("\n  publish:", again))
        assert len(project.apply()) == 6

    @pytest.mark.parametrize("mode", ["atomic", "each"])
    def test_another_mode_later_gives_the_names_without_building(self, tmp_path: Path, mode: str) -> None:
        project = project_of(tmp_path, "none")
        project.apply()
        switched(project, mode)
        assert {image["action"] for image in project.plan()["images"]} == {"create"}
        assert project.apply() == {}
        assert sorted(tags(project)) == NAMES
        assert locked(project) == tags(project)

    def test_coming_from_another_mode_leaves_names_and_lock_alone(self, tmp_path: Path) -> None:
        project = project_of(tmp_path, "atomic")
        project.apply()
        before, lock = tags(project), project.lock.read_bytes()
        switched(project, "none")
        assert {image["action"] for image in project.plan()["images"]} == {"leave"}
        assert project.apply() == {}
        assert (tags(project), project.lock.read_bytes()) == (before, lock)
        (project.root / "src" / "common").write_text("another\n")
        assert len(project.apply()) == 4
        assert tags(project) == before
        assert locked(project) == {}

    def test_a_failing_run_leaves_the_lock(self, tmp_path: Path) -> None:
        project = project_of(tmp_path, "none")
        applied(project, lambda engine: Failing(engine, {"noble": FailureKind.STEP}))
        assert not project.lock.exists()

    def test_there_is_nothing_to_overwrite(self, tmp_path: Path) -> None:
        ended = project_of(tmp_path, "none").run("apply", "small.yaml", "--overwrite", "oci-layout:registry/jammy:1")
        assert ended.code == ExitCode.INVALID
        assert "with publish.mode none no image name is given, so none can move" in ended.err
