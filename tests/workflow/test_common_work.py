"""What builds of a run make together, how long that takes, and what of the source they send for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrixbuild.core.learning import Learned
from matrixbuild.core.usage import Making, Sample, Usage
from matrixbuild.workflow.common_work import NOTHING, built_already, common_work, with_savings
from matrixbuild.workflow.planning import Planned, plan_manifest
from matrixbuild.workflow.scheduling import outlook
from tests.projects import small_project
from tests.workflow.test_narrowing import EARTHFILE, MANIFEST

COPYING = EARTHFILE.replace("    RUN upgrade $OS\n", "    COPY --dir large/*.bin more /\n    RUN upgrade $OS\n")
FILES = {"src/Earthfile": COPYING, "extra.txt": "more\n", "src/large/a.bin": "a\n", "src/more/b": "b\n"}
JAMMY = ("image[os=jammy,release=1]", "image[os=jammy,release=2]")
NOBLE = ("image[os=noble,release=1]", "image[os=noble,release=2]")


@pytest.fixture
def found(tmp_path: Path) -> Planned:
    return plan_manifest(small_project(tmp_path, manifest=MANIFEST, files=FILES).manifest)


def making(seconds: float) -> Sample:
    return Sample(seconds=seconds + 60, usage=Usage(made=(Making(target="+common", seconds=seconds), Making(target="+image", seconds=50.0))))


def test_builds_that_go_through_the_same_make_it_together(found: Planned) -> None:
    common = common_work(found.prepared, found.plan.to_build, frozenset())
    assert common.targets == {"+common"}
    assert [each.builds for each in common.makings] == [JAMMY, NOBLE]
    assert {build: len(names) for build, names in common.stages.items()} == dict.fromkeys((*JAMMY, *NOBLE), 1)
    assert common.stages[JAMMY[0]] == common.stages[JAMMY[1]] != common.stages[NOBLE[0]]


def test_what_a_build_that_is_there_went_through_is_made_already(found: Planned) -> None:
    common = common_work(found.prepared, frozenset([JAMMY[1], *NOBLE]), frozenset([JAMMY[0]]))
    assert [each.builds for each in common.makings] == [NOBLE]
    assert common.stages.keys() == set(NOBLE)
    # Its time is no part of what those take that find it.
    assert common.targets == {"+common"}


def test_a_build_that_makes_it_alone_has_its_time_all_the_same(found: Planned) -> None:
    common = common_work(found.prepared, frozenset([JAMMY[0]]), frozenset())
    assert common.stages.keys() == {JAMMY[0]}
    assert (common.sent, common.contexts) == ({}, {})


def test_nothing_is_in_common_where_everything_is_built_as_it_was_written(found: Planned, tmp_path: Path) -> None:
    manifest = MANIFEST.replace("  engine: earthly\n", "  engine: earthly\n  schedule: {share: false}\n")
    plain = plan_manifest(small_project(tmp_path / "plain", manifest=manifest, files=FILES).manifest)
    assert common_work(plain.prepared, plain.plan.to_build, frozenset()) == NOTHING
    assert with_savings(plain, {JAMMY[0]: [making(600.0)]}) == ()


def test_what_they_send_for_it_and_where_that_is_the_same(found: Planned) -> None:
    common = common_work(found.prepared, found.plan.to_build, frozenset())
    assert common.sent[JAMMY[0]] == (("Earthfile", 9, "extra"), ("Earthfile", 10, "large/*.bin"), ("Earthfile", 10, "more"))
    assert common.sent[NOBLE[0]] == common.sent[JAMMY[0]]
    contexts = [common.contexts[build] for build in (*JAMMY, *NOBLE)]
    assert contexts[0] == contexts[1] != contexts[2] == contexts[3]


def test_a_run_counts_it_once(found: Planned) -> None:
    history = {JAMMY[0]: [making(600.0)], JAMMY[1]: [Sample(seconds=60.0)], NOBLE[0]: [making(300.0)]}
    ahead = outlook({build.name: build for build in found.prepared.builds}, found.prepared, history, room={"cpu": 4000})
    assert {ahead.durations[build.name].median for build in ahead.builds} == {60.0}
    assert sorted(ahead.durations[name].median for name in {stage for build in ahead.builds for stage in build.stages}) == [300.0, 600.0]
    assert ahead.estimate.makespan == 660.0
    done = frozenset(JAMMY[:1])
    later = {build.name: build for build in found.prepared.builds if build.name not in done}
    assert outlook(later, found.prepared, history, done=done, room={"cpu": 4000}).estimate.makespan == 360.0


def test_what_is_saved_is_what_somebody_would_have_spent(found: Planned) -> None:
    (work,) = with_savings(found, {JAMMY[0]: [making(600.0)]})
    # Of the other operating system nothing is known but that it is like this one.
    assert (work.target, work.seconds) == ("+common", 1200.0)
    (work,) = with_savings(found, {JAMMY[0]: [making(600.0)], NOBLE[1]: [making(100.0)]})
    assert work.seconds == 700.0
    for nothing in ({}, {"other": [making(600.0)]}, {JAMMY[0]: [Sample(seconds=60.0)]}):
        assert with_savings(found, nothing) == found.plan.shared
    assert Learned({}, shared={"+common"}).making("+common", JAMMY) is None


def test_the_builds_that_a_plan_takes_as_they_are(found: Planned) -> None:
    assert built_already(found.plan) == frozenset()
