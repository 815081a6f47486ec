"""How long a plan would take, here and with other room, from what builds took before."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import jsonschema
import pytest

from matrixbuild.adapters.journal import open_journal
from matrixbuild.cli.main import main
from matrixbuild.cli.show_forecast import estimated, forecast_lines, span
from matrixbuild.core.events import State
from matrixbuild.core.forecast import Estimate
from matrixbuild.core.journal import AttemptRecord
from matrixbuild.core.usage import Making, Usage
from matrixbuild.workflow.forecasting import Forecast
from tests.checkout import ROOT
from tests.projects import MANIFEST, SmallProject, small_project

SCHEMA = json.loads((ROOT / "schemas" / "plan.schema.json").read_text(encoding="utf-8"))
LIMITED = f"{MANIFEST}  schedule: {{limits: {{cpu: 1, memory: 8Gi}}}}\n"


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    return small_project(tmp_path, manifest=LIMITED)


def remember(project: SmallProject, seconds: float, usage: Usage) -> None:
    """Every build was built five times, in so many seconds."""
    state = project.root / ".matrixbuild" / "small"
    state.mkdir(parents=True)
    names = [build["name"] for build in project.plan()["builds"]]
    with open_journal(state) as journal:
        for run in range(1, 6):
            journal.begin(pid=1, now=0.0)
            journal.all_attempted(
                [
                    (
                        AttemptRecord(run=run, build=name, key="k", number=1, state=State.BUILT, started=0.0, ended=seconds, usage=usage),
                        None,
                    )
                    for name in names
                ]
            )


def what_if(project: SmallProject, room: str) -> dict[str, object]:
    found = project.plan("--what-if", room)
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    told: dict[str, object] = found["whatIf"]
    return told


def test_more_room_is_less_time(project: SmallProject) -> None:
    remember(project, 60.0, Usage())
    builds = len(project.plan()["builds"])
    one = what_if(project, "cpu=1")
    assert one == {"room": {"cpu": 1000}, "seconds": 60.0 * builds, "low": 60.0 * builds, "high": 60.0 * builds, "least": 60.0 * builds, "known": 1.0}
    assert what_if(project, "cpu=16,memory=64Gi") == {**one, "room": {"cpu": 16000, "memory": 64 << 30}, "seconds": 60.0, "low": 60.0, "high": 60.0, "least": 60.0}
    assert "whatIf" not in project.plan()


def test_learned_memory_is_reserved(project: SmallProject) -> None:
    remember(project, 60.0, Usage(memory=4 << 30))
    builds = len(project.plan()["builds"])
    assert what_if(project, "cpu=16")["seconds"] == 60.0 * builds
    assert what_if(project, "cpu=16,memory=64Gi")["seconds"] == 60.0


def test_a_person_is_told_both(project: SmallProject) -> None:
    remember(project, 60.0, Usage())
    builds = len(project.plan()["builds"])
    plain = project.run("plan", "small.yaml").out
    ended = project.run("plan", "small.yaml", "--what-if", "cpu=16")
    assert ended.out == f"{plain}Takes about {span(60.0 * builds)} here.\nWith cpu 16 it takes about 60 s; no schedule is shorter than 60 s.\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_the_estimate_without_being_asked_and_a_pipe_has_not(project: SmallProject) -> None:
    remember(project, 60.0, Usage())
    plain = project.run("plan", "small.yaml").out
    told = Terminal()
    with contextlib.chdir(project.root), contextlib.redirect_stdout(told):
        assert main(["plan", "small.yaml"]) == 0
    assert told.getvalue() == f"{plain}Takes about {span(60.0 * len(project.plan()['builds']))} here.\n"
    (project.root / ".matrixbuild" / "small" / "journal.db").unlink()
    told = Terminal()
    with contextlib.chdir(project.root), contextlib.redirect_stdout(told):
        assert main(["plan", "small.yaml"]) == 0
    assert told.getvalue() == plain


SHARING = """\
VERSION 0.6
FROM alpine:3.20
ARG RELEASE
common:
    RUN upgrade
image:
    FROM +common
    RUN install $RELEASE
    SAVE IMAGE edge:$RELEASE
"""

SHARED = """\
apiVersion: matrixbuild/v1
kind: BuildMatrix
metadata: {name: small}
spec:
  source: {path: src}
  registry: registry.example.com/edge
  engine: earthly
  axes: {release: ["1", "2", "3"]}
  schedule: {limits: {cpu: 4, memory: 8Gi}}
  targets:
    image:
      earthly: +image
      args: {RELEASE: "{{ release }}"}
      image: {repository: "{{ registry }}/edge", tag: "{{ release }}"}
"""


def test_what_is_shared_is_told_with_the_time_that_it_saves(tmp_path: Path) -> None:
    project = small_project(tmp_path, manifest=SHARED, files={"src/Earthfile": SHARING})
    plain = project.run("plan", "small.yaml").out
    assert "Shared work: +common once for 3 builds.\n" in plain
    assert "; about" not in project.run("plan", "small.yaml", "--what-if", "cpu=16").out
    remember(project, 660.0, Usage(made=(Making(target="+common", seconds=600.0), Making(target="+image", seconds=50.0))))
    found = project.plan("--what-if", "cpu=2")
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    assert found["shared"] == [{"target": "+common", "builds": 3, "times": 1, "unshared": 3, "commands": 1, "seconds": 1200.0}]
    # Once what they have in common, and what is their own two at a time.
    assert found["whatIf"]["seconds"] == 720.0
    assert found["digest"] == project.plan()["digest"]
    told = project.run("plan", "small.yaml", "--what-if", "cpu=2").out
    assert "Shared work: +common once for 3 builds; about 20 min, learned.\n" in told
    assert told.endswith("\nTakes about 11 min here.\nWith cpu 2 it takes about 12 min; no schedule is shorter than 11 min.\n")
    # What happened on this machine is no part of a plan.
    assert project.run("plan", "small.yaml").out == plain
    assert "learned" not in project.run("plan", "small.yaml", "--format", "markdown").out


def test_nothing_known_is_told_where_it_was_asked(project: SmallProject) -> None:
    plain = project.run("plan", "small.yaml").out
    told = "None of these builds, and none like them, was built here before: nothing tells how long they take.\n"
    assert project.run("plan", "small.yaml", "--what-if", "cpu=16").out == plain + told
    assert what_if(project, "cpu=16")["known"] == 0
    project.apply()
    assert project.run("plan", "small.yaml", "--what-if", "cpu=16").out.endswith("Nothing is built, so it takes no time.\n")


@pytest.mark.parametrize(
    ("room", "code", "message"),
    [
        ("cpu", 64, "error: --what-if: 'cpu' is no pool with an amount: write cpu=16,memory=64Gi\n"),
        ("cpu=1,cpu=2", 64, "error: --what-if: cpu is given twice\n"),
        ("memory=lots", 64, "error: --what-if: 'lots' is not an amount of bytes: write 8Gi, 512Mi or 1G\n"),
        ("licences=0", 64, "error: --what-if: '0' is no number of places: write 1 or more\n"),
        ("memry=8", 3, "error: --what-if: there is no pool 'memry'\n"),
    ],
)
def test_mistakes(project: SmallProject, room: str, code: int, message: str) -> None:
    ended = project.run("plan", "small.yaml", "--what-if", room)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith(message)


def test_markdown_is_for_everybody(project: SmallProject) -> None:
    ended = project.run("plan", "small.yaml", "--what-if", "cpu=2", "--format", "markdown")
    assert ended.code == 64
    assert ended.err.startswith("error: --what-if tells of this machine, and --format markdown is for everybody\n")


def estimate(known: float = 1.0, *, low: float = 600.0, high: float = 1200.0) -> Estimate:
    return Estimate(makespan=750.0, low=low, high=high, least=300.0, known=known)


def test_an_interval_and_how_much_it_rests_on() -> None:
    assert estimated(estimate()) == "about 12 min (10 min to 20 min)"
    assert estimated(estimate(low=750.0, high=760.0)) == "about 12 min (12 min to 13 min)"
    half = Forecast(builds=4, here=estimate(0.5), room={}, there=estimate(0.5))
    told = ["Takes about 12 min (10 min to 20 min) here; 50% of its builds ran here before, or builds like them."]
    assert forecast_lines(half, asked=False) == told
    assert forecast_lines(Forecast(builds=4, here=estimate(0.0), room={}, there=estimate(0.0)), asked=False) == []


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.4, "0 s"), (119.0, "119 s"), (120.0, "2 min"), (7170.0, "2 h"), (7260.0, "2 h 1 min"), (86400.0, "24 h")]
)
def test_spans(seconds: float, told: str) -> None:
    assert span(seconds) == told
