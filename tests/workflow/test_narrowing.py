"""What the builds of a manifest share, whichever of them are run, and what is said where it is nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from matrixbuild.core.earthfile.walk import parsed
from matrixbuild.core.shared_work import SharedWork
from matrixbuild.workflow.examining import Examiners
from matrixbuild.workflow.narrowing import Sharing
from matrixbuild.workflow.options import Options
from matrixbuild.workflow.planning import Prepared, plan_manifest, prepare
from tests.projects import SmallProject, small_project

EARTHFILE = """\
VERSION 0.6
FROM alpine:3.20
ARG OS
ARG RELEASE
ARG NAME=edge-$RELEASE
ARG BASE

common:
    COPY --if-exists extra /extra
    RUN upgrade $OS

image:
    FROM +common
    RUN install $RELEASE $BASE
    SAVE IMAGE --push $NAME
"""

MANIFEST = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: small}
spec:
  source: {path: src, files: [{from: extra.txt, to: extra, when: {os: noble}}]}
  registry: registry.example.com/edge
  engine: earthly
  axes:
    os: [jammy, noble]
    release: ["1", "2"]
  targets:
    image:
      earthly: +image
      args: {OS: "{{ os }}", RELEASE: "{{ release }}", NAME: "{{ image.ref }}"}
      image: {repository: "{{ registry }}/{{ os }}", tag: "{{ release }}"}
"""


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    return small_project(tmp_path, manifest=MANIFEST, files={"src/Earthfile": EARTHFILE, "extra.txt": "more\n"})


def prepared(project: SmallProject, selector: str = "") -> Prepared:
    return prepare(project.manifest, resolve=False, options=Options(selector=selector))


def sharing(project: SmallProject) -> Sharing:
    found = prepared(project).sharing
    assert found
    return found


def test_builds_with_other_files_share_what_these_do_not_reach_under_one_text(project: SmallProject) -> None:
    found = sharing(project)
    assert {entered: each.names for entered, each in found.found.items()} == {
        ((), "Earthfile"): {"OS", "RELEASE", "NAME"},
        ((0,), "Earthfile"): {"OS", "RELEASE", "NAME"},
    }
    assert len({each.text for each in found.found.values()}) == 1


def test_builds_whose_files_only_hold_other_data_are_narrowed_once(tmp_path: Path) -> None:
    files = {"src/Earthfile": EARTHFILE, "src/extra": "less\n", "extra.txt": "more\n"}
    one, other = sharing(small_project(tmp_path, manifest=MANIFEST, files=files)).found.values()
    assert one is other


def test_the_text_is_the_same_whichever_builds_are_selected(project: SmallProject) -> None:
    whole, part = (plan_manifest(project.manifest, options=Options(selector=selector)) for selector in ("", "os=jammy,release=1"))
    assert {text.text for text in part.prepared.narrowed.texts.values()} == {text.text for text in whole.prepared.narrowed.texts.values()}
    assert whole.plan.shared == (SharedWork(target="+common", builds=4, times=2, unshared=4, commands=1),)
    # What one build does alone it shares with nobody.
    assert part.plan.shared == ()


def test_every_build_is_proven(project: SmallProject) -> None:
    found = prepared(project)
    assert found.sharing
    proven = found.sharing.proven(build.name for build in found.builds)
    assert (len(proven.texts), proven.remarks) == (2, ())
    assert all(proven.holds(build) for build in found.builds)


def test_a_text_under_which_one_build_would_be_another_is_given_up_for_all(project: SmallProject) -> None:
    found = sharing(project)
    names = [build.name for build in prepared(project).builds]
    # As if narrowing had been wrong: what the proof is for.
    for narrowing in found.found.values():
        wrong = narrowing.text.replace("install $RELEASE", "install x$RELEASE")
        assert parsed(wrong, "Earthfile")
        object.__setattr__(narrowing, "text", wrong)
    proven = found.proven(names)
    assert proven.texts == {}
    (remark,) = proven.remarks
    assert remark.summary.startswith("no steps are shared in this run: image[os=jammy,release=1] would be another, for +image has RUN install")
    assert remark.place
    assert remark.place.line == 14


def test_what_stands_in_the_way_of_everything_is_said_once_and_where(project: SmallProject) -> None:
    earthfile = project.root / "src/Earthfile"
    earthfile.write_text(EARTHFILE.replace("RUN upgrade $OS", "RUN upgrade $OS; env"))
    found = plan_manifest(project.manifest)
    (remark,) = found.prepared.narrowed.remarks
    assert remark.summary.startswith("these builds share no steps: NAME cannot leave the base recipe of Earthfile, for ")
    assert remark.place
    assert remark.place.line == 10
    assert found.plan.shared == ()
    assert found.prepared.narrowed.texts == {}


CONDITION = "ARG CHANNEL\nIF {test}\n    ARG TAG=$CHANNEL\nEND\n\ncommon:"
KEPT = 'FROM alpine:3.20\nARG FIPS\nIF [ "$FIPS" = true ]\n    ARG LEVEL=high\nEND\n'
REFUSED = "these builds share no steps: TAG cannot leave the base recipe of Earthfile, for the condition that it is set in may fail, and builds"


def with_condition(project: SmallProject, test: str, *, kept: bool = False, named: bool = False) -> None:
    """A condition above all targets, beside one that stays there (`kept`), whose ARG the target names (`named`) or nobody does."""
    text = EARTHFILE.replace("common:", CONDITION.format(test=test))
    text = text.replace("FROM alpine:3.20\n", KEPT) if kept else text
    (project.root / "src/Earthfile").write_text(text.replace("install $RELEASE", "install $TAG $RELEASE") if named else text)
    project.manifest.write_text(MANIFEST.replace("  engine: earthly\n", '  engine: earthly\n  args: {CHANNEL: "{{ release }}"}\n'))


@pytest.mark.parametrize("test", ['[ "$CHANNEL" != "" ]', '! [ "$CHANNEL" = a ] && test $CHANNEL != x', '[[ "$CHANNEL" == e* ]] || false'])
def test_a_condition_that_some_build_would_not_run_any_more_is_shown_by_another_one(project: SmallProject, test: str) -> None:
    with_condition(project, test)
    (remark,) = plan_manifest(project.manifest).prepared.narrowed.remarks
    assert remark.summary.startswith(REFUSED)
    assert remark.place
    assert remark.place.line == 9
    with_condition(project, test, kept=True)
    found = plan_manifest(project.manifest).prepared.narrowed
    assert (len(found.texts), found.remarks) == (2, ())


@pytest.mark.parametrize(("command", "shown"), [("mkdir -p /tmp && make", True), ("make", False), ("mkdir -p /tmpfiles", False), ("-- mkdir /tmp", False)])
def test_a_command_shows_that_a_condition_can_be_run_where_it_makes_what_that_needs(project: SmallProject, command: str, shown: bool) -> None:
    with_condition(project, '[ "$CHANNEL" != "" ]')
    earthfile = project.root / "src/Earthfile"
    earthfile.write_text(earthfile.read_text().replace("FROM alpine:3.20\n", f"FROM alpine:3.20\nRUN {command}\n"))
    assert bool(plan_manifest(project.manifest).prepared.narrowed.texts) is shown


def test_a_condition_after_it_shows_nothing(project: SmallProject) -> None:
    with_condition(project, '[ "$CHANNEL" != "" ]')
    earthfile = project.root / "src/Earthfile"
    earthfile.write_text(earthfile.read_text().replace("common:", f"{KEPT.partition(chr(10))[2]}\ncommon:"))
    assert plan_manifest(project.manifest).prepared.narrowed.texts == {}


@pytest.mark.parametrize("test", ["$CHANNEL", '[ "$CHANNEL" = x ] && (', '[ "$CHANNEL" = x ] && {', "test a | test b"])
def test_what_may_be_no_test_at_all_has_to_be_run_by_every_build(project: SmallProject, test: str) -> None:
    with_condition(project, test, kept=True)
    (remark,) = plan_manifest(project.manifest).prepared.narrowed.remarks
    assert remark.summary.startswith(REFUSED)


def test_a_condition_that_every_build_runs_may_leave_the_base_recipe(project: SmallProject) -> None:
    with_condition(project, '[ "$CHANNEL" != "" ]', named=True)
    found = plan_manifest(project.manifest).prepared.narrowed
    assert (len(found.texts), found.remarks) == (2, ())


def test_no_build_key_and_no_digest_of_a_plan_changes_by_it(project: SmallProject) -> None:
    on = plan_manifest(project.manifest).plan
    project.manifest.write_text(MANIFEST.replace("  engine: earthly\n", "  engine: earthly\n  schedule: {share: false}\n"))
    off = plan_manifest(project.manifest).plan
    assert [build.key for build in on.builds] == [build.key for build in off.builds]
    assert (len(on.shared), off.shared) == (1, ())


def test_builds_that_begin_alike_have_one_prefix(project: SmallProject) -> None:
    found = prepared(project)
    assert found.sharing
    prefixes = {build.name: found.sharing.prefix(build) for build in found.builds}
    assert len({prefixes[name] for name in prefixes if "os=jammy" in name}) == 1
    assert len(set(prefixes.values())) == 2


def test_a_build_that_cannot_be_looked_at_is_told_and_nothing_is_shared(project: SmallProject) -> None:
    found = prepared(project)
    examiners = Examiners(found.trees.of, "earthly")
    broken = [replace(build, earthly="+nothing") for build in found.builds]
    narrowed = Sharing(broken, examiners).narrowed
    assert narrowed.texts == {}
    assert [remark.summary.partition(": ")[0] for remark in narrowed.remarks] == ["these builds share no steps, for one of them cannot be looked at"]
