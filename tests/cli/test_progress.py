"""The view of a terminal, at sizes and moments that are given to it; and the lines of a log that folds."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from matrixbuild.cli.progress import LiveProgress, Sources, draws, last_line
from matrixbuild.cli.show_groups import GroupedProgress
from matrixbuild.core.events import Report, State
from tests.builders_schedule import failure


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
