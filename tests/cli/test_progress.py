"""The view of a terminal, at sizes and moments that are given to it; and the lines of a log that folds."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from rich.console import Console

from matrixbuild.cli.progress import LiveProgress, Sources, draws, last_line
from matrixbuild.cli.show_groups import GroupedProgress
from matrixbuild.cli.show_progress import Progress
from matrixbuild.core import usage
from matrixbuild.core.durations import Basis, Duration
from matrixbuild.core.events import Event, Failed, Finished, Paused, Report, Resumed, Started, State, Woke
from matrixbuild.core.failure import FailureKind
from matrixbuild.core.happenings import Progressed, SpaceFreed, Waited
from matrixbuild.core.policy import failure_policy
from matrixbuild.core.schedule import Schedule
from matrixbuild.workflow.scheduling import Outlook
from tests.builders_schedule import build, failure


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def view(progress: LiveProgress, console: Console) -> list[str]:
    with console.capture() as captured:
        console.print(progress.view())
    return captured.get().splitlines()


def console(width: int = 100, height: int = 20) -> Console:
    return Console(file=Terminal(), width=width, height=height, force_terminal=True, no_color=True, color_system=None)


SOURCES = Sources(expected={"a[os=x]": 90.0}.get, last_line=lambda build, attempt: f"step {attempt}")


def busy(shown: Console, clock: Clock) -> LiveProgress:
    progress = LiveProgress(shown, SOURCES, clock)
    progress.report(Report(build="a[os=x]", state=State.RUNNING, attempt=1), None)
    clock.now += 5
    progress.report(Report(build="b", state=State.RUNNING, attempt=2), None)
    progress.report(Report(build="c", state=State.RESTING, attempt=1, wait=30.0, failure=failure()), None)
    clock.now += 62
    return progress


def test_what_runs_and_what_rests() -> None:
    shown, clock = console(), Clock()
    assert view(busy(shown, clock), shown) == [
        "  1:07 ~0:23 left    a[os=x]  | step 1",
        "  1:02               b  attempt 2  | step 2",
        f"  again in 0:00      c  attempt 1 failed: {failure()}",
        "[0/0] 1:07  2 running, 1 resting",
    ]


@pytest.mark.parametrize(("width", "height"), [(40, 20), (20, 4), (7, 1), (100, 4)])
def test_no_line_is_wider_and_the_view_no_higher_than_the_terminal(width: int, height: int) -> None:
    shown, clock = console(width, height), Clock()
    lines = view(busy(shown, clock), shown)
    assert all(len(line) < width for line in lines)
    assert len(lines) <= max(height, 3)


def test_what_ended_leaves_the_view_and_stays_above_it() -> None:
    shown, clock = console(), Clock()
    progress = busy(shown, clock)
    progress.report(Report(build="b", state=State.FAILED, attempt=2, failure=failure()), None)
    assert view(progress, shown)[-1] == "[1/0] 1:07  1 running, 1 resting, 1 failed"
    assert f"failed   b: {failure()}\n" in shown.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("environment", "answer"),
    [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({}, False), ({"TERM": "xterm", "GITHUB_ACTIONS": "true"}, False), ({"TERM": "xterm", "NO_COLOR": "1"}, True)],
)
def test_where_it_draws(environment: dict[str, str], answer: bool) -> None:
    assert draws(Terminal(), environment) is answer
    assert not draws(io.StringIO(), environment)


def test_the_last_line_moves_no_cursor(tmp_path: Path) -> None:
    (tmp_path / "stdout").write_bytes(b"x" * 10_000 + b"\nfirst\n\x1b[2Jsecond\xff\r\n\n")
    assert last_line(tmp_path / "stdout") == "[2Jsecond\ufffd"
    assert last_line(tmp_path / "none") == ""


def test_groups() -> None:
    out = io.StringIO()
    progress = GroupedProgress(out, lambda build, attempt: ["::error::not a command", "made it"])
    progress.report(Report(build="b", state=State.RUNNING, attempt=1), None)
    progress.report(Report(build="b", state=State.FAILED, attempt=1, failure=failure()), None)
    progress.report(Report(build="c", state=State.SKIPPED, because="b"), None)
    assert out.getvalue() == f"""\
::group::[1/0]  failed   b: {failure()}
  ::error::not a command
  made it
::endgroup::
[2/0]  skipped  c  (needs b)
"""


def paused(build: str, seconds: float | None, *, host: str = "registry.lab", why: str = "") -> Waited:
    cause = f"asked {host}" if seconds is not None else f"proven {why}"
    return Waited(what=Paused(cause=cause, build=build, failure=failure(FailureKind.REGISTRY, host=host, why=why), host=host, seconds=seconds))


class TestWhatWaitsForWhat:
    BUILDS = (
        build("root", cpu=2),
        build("big", cpu=2, hosts=["registry.lab"]),
        build("app1", "root", cpu=1),
        build("app2", "root", cpu=1),
        build("all", "app1", "app2", "big", cpu=1),
    )
    TIMES: ClassVar = {one.name: Duration(median=60.0, late=90.0, basis=Basis.BUILD) for one in BUILDS}

    def progress(self, shown: Console, clock: Clock, *, known: bool = True) -> tuple[LiveProgress, Schedule]:
        times = self.TIMES if known else {name: replace(time, basis=Basis.DEFAULT) for name, time in self.TIMES.items()}
        outlook = Outlook(builds=self.BUILDS, durations=times, capacity={"cpu": 2})
        schedule = outlook.schedule(failure_policy(attempts=2))
        progress = LiveProgress(shown, Sources(), clock)
        progress.outlook(outlook, schedule)
        self.tell(progress, schedule, Started())
        return progress, schedule

    def tell(self, progress: LiveProgress, schedule: Schedule, event: Event) -> None:
        for told in schedule.handle(event):
            if isinstance(told, Report):
                progress.report(told, None)
            elif isinstance(told, Paused | Resumed):
                progress.happened(Waited(what=told))

    def test_needs_and_pools(self) -> None:
        shown, clock = console(), Clock()
        progress, _ = self.progress(shown, clock)
        assert view(progress, shown) == [
            "  0:00               root",
            "  waiting: 1 for cpu; 2 for root, 1 for app1, 1 for app2 and 1 other",
            "[0/0] 0:00  1 running  about 4 min (3 min to 6 min) left",
        ]

    def test_what_is_left_grows_less_by_itself(self) -> None:
        shown, clock = console(), Clock()
        progress, schedule = self.progress(shown, clock)
        view(progress, shown)
        clock.now += 0.5
        assert view(progress, shown)[-1].endswith("about 4 min (3 min to 6 min) left")
        clock.now += 60
        self.tell(progress, schedule, Finished(build="root", made=None))
        assert view(progress, shown)[-1] == "[1/0] 1:00  1 running  about 3 min (2 min to 4 min) left"

    def test_nothing_is_said_of_what_nobody_knows(self) -> None:
        shown, clock = console(), Clock()
        assert view(self.progress(shown, clock, known=False)[0], shown)[-1] == "[0/0] 0:00  1 running"

    def test_a_registry_that_wants_to_be_left_alone(self) -> None:
        shown, clock = console(), Clock()
        progress, schedule = self.progress(shown, clock)
        self.tell(progress, schedule, Failed(build="root", failure=failure(FailureKind.REGISTRY, retry_after=90.0, host="registry.lab")))
        clock.now += 30
        assert view(progress, shown) == [
            "  again in 1:00      root  attempt 1 failed: a registry failure",
            "  on in 1:00         registry.lab asked to be left alone: a registry failure",
            "  waiting: 1 for registry.lab; 2 for root, 1 for app1, 1 for app2 and 1 other",
            "[0/0] 0:30  1 resting  about 4 min (3 min to 6 min) left",
        ]
        clock.now += 60
        self.tell(progress, schedule, Woke(build="root"))
        assert not [line for line in view(progress, shown) if "alone" in line]
        told = shown.file.getvalue()  # type: ignore[attr-defined]
        assert told.count("paused   builds that talk to registry.lab, for 90 s: a registry failure\n") == 1
        assert told.count("goes on  registry.lab\n") == 1

    def test_a_cause_that_has_to_go_away(self) -> None:
        shown, clock = console(), Clock()
        progress = LiveProgress(shown, Sources(), clock)
        progress.happened(paused("a", None, host="", why="no route"))
        assert view(progress, shown)[0] == "  paused             until a build shows that this is gone: no route"
        progress.happened(Waited(what=Resumed(cause="proven no route")))
        assert len(view(progress, shown)) == 1

    def test_the_longest_wait_counts(self) -> None:
        shown, clock = console(), Clock()
        progress = LiveProgress(shown, Sources(), clock)
        for seconds in (10.0, 60.0, 30.0):
            progress.happened(paused("a", seconds))
        assert view(progress, shown)[0].startswith("  on in 1:00")

    def test_a_small_terminal_keeps_the_totals(self) -> None:
        for height in (3, 4, 5, 6):
            shown, clock = console(100, height), Clock()
            lines = view(self.progress(shown, clock)[0], shown)
            assert len(lines) <= height
            assert lines[-1].startswith("[0/0] 0:00")


def test_where_a_build_is() -> None:
    shown, clock = console(), Clock()
    progress = busy(shown, clock)
    step = usage.Progress(earthly="+base", step=3, steps=40, cached=2, percent=60, line="apt \x1b[2Jinstall")
    progress.happened(Progressed(build="a[os=x]", progress=step))
    assert view(progress, shown)[0] == "  1:07 ~0:23 left    a[os=x]  +base step 3 of 40, 2 cached, 60 %  | apt [2Jinstall"
    # The next attempt begins anew.
    progress.report(Report(build="a[os=x]", state=State.RUNNING, attempt=2), None)
    assert "+base" not in "".join(view(progress, shown))


def test_plain_lines_tell_of_waits_and_of_room_and_nothing_of_progress() -> None:
    out = io.StringIO()
    progress = Progress(out)
    for happening in (
        paused("a", 42.0),
        paused("b", 42.0),
        Waited(what=Resumed(cause="asked registry.lab")),
        paused("c", None, host="", why="no route"),
        Waited(what=Resumed(cause="proven no route")),
        SpaceFreed(build="a", wanted=5 << 30, freed=3 << 20),
        Progressed(build="a", progress=usage.Progress(step=1, steps=2)),
    ):
        progress.happened(happening)
    assert out.getvalue().splitlines() == [
        "           paused   builds that talk to registry.lab, for 42 s: a registry failure",
        "           goes on  registry.lab",
        "           paused   builds that meet this, until one has shown that it is gone: no route",
        "           goes on  no route",
        "           freed    3 MiB of disk for a",
    ]
