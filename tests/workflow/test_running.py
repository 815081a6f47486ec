from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from matrixbuild.adapters.executors.base import Executor
from matrixbuild.adapters.executors.local import LocalExecutor
from matrixbuild.core.events import Event, Interrupted, Report, Run, State
from matrixbuild.core.failure import BuildFailed, FailureKind
from matrixbuild.core.policy import FailurePolicy, GivenUp, failure_policy
from matrixbuild.core.schedule import Schedule, ScheduledBuild
from matrixbuild.workflow.running import Outcome, run_schedule
from tests.builders_schedule import ONCE, build, failure
from tests.fakes.executor import FakeExecutor

Work = tuple[str, int, tuple[str, ...]]


def perform(work: Work) -> str:
    """Makes `name(needs)`; `flaky` fails on the network the first time, `broken` always in a step."""
    name, attempt, needs = work
    if name == "broken":
        raise BuildFailed(failure(FailureKind.STEP))
    if name == "flaky" and attempt == 1:
        raise BuildFailed(failure(FailureKind.NETWORK))
    return f"{name}({','.join(needs)})"


@pytest.fixture(params=[LocalExecutor, FakeExecutor])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor[Work]]:
    factory: Callable[[Callable[[Work], Any]], Executor[Work]] = request.param
    made = factory(perform)
    yield made
    made.close()


Told = list[tuple[Report, str | None]]


def run(
    executor: Executor[Work], *builds: ScheduledBuild, policy: FailurePolicy = ONCE, most_failures: int | None = None
) -> tuple[dict[str, Outcome[str]], Told]:
    needs = {made.name: made.needs for made in builds}

    def order(wanted: Run, made: Mapping[str, str]) -> Work:
        return wanted.build, wanted.attempt, tuple(made[need] for need in needs[wanted.build])

    told: Told = []
    schedule = Schedule(builds, capacity={"cpu": 2}, policy=policy, most_failures=most_failures)
    return run_schedule(schedule, executor, order, lambda report, made: told.append((report, made))), told


def test_a_build_is_ordered_with_what_its_needs_made(executor: Executor[Work]) -> None:
    outcomes, told = run(executor, build("base", cpu=1), build("app", "base", cpu=2))
    assert outcomes == {
        "base": Outcome(state=State.BUILT, attempts=1, made="base()"),
        "app": Outcome(state=State.BUILT, attempts=1, made="app(base())"),
    }
    assert [(report.build, report.state.value, made) for report, made in told] == [
        ("base", "running", None),
        ("base", "built", "base()"),
        ("app", "running", None),
        ("app", "built", "app(base())"),
    ]


def test_what_rests_is_run_again(executor: Executor[Work]) -> None:
    outcomes, told = run(executor, build("flaky"), policy=failure_policy(attempts=2, initial=0.01, maximum=0.01))
    assert outcomes == {"flaky": Outcome(state=State.BUILT, attempts=2, made="flaky()")}
    assert [report.state.value for report, _ in told] == ["running", "resting", "running", "built"]


def test_every_build_has_an_outcome_that_says_why(executor: Executor[Work]) -> None:
    outcomes, _ = run(executor, build("broken"), build("app", "broken"), build("other"))
    assert outcomes == {
        "broken": Outcome(state=State.FAILED, attempts=1, failure=failure(FailureKind.STEP), given_up=GivenUp.KIND),
        "app": Outcome(state=State.SKIPPED, attempts=0, because="broken"),
        "other": Outcome(state=State.BUILT, attempts=1, made="other()"),
    }


def test_what_the_limit_of_failures_skipped_says_so(executor: Executor[Work]) -> None:
    outcomes, told = run(executor, build("broken", cpu=2, rank=1), build("other", cpu=2), most_failures=1)
    assert outcomes["other"] == Outcome(state=State.SKIPPED, attempts=0, because="broken", limit=1)
    assert told[-1] == (Report(build="other", state=State.SKIPPED, because="broken", limit=1), None)


def test_nothing_to_run_is_done(executor: Executor[Work]) -> None:
    assert run(executor) == ({}, [])


def test_an_interrupt_lets_what_runs_finish_and_starts_nothing_more() -> None:
    executor = FakeExecutor(perform)
    executor.interrupt()
    outcomes, _ = run(executor, build("a"), build("b", "a"))
    assert executor.stopped == [("a", False)]
    assert {name: outcome.state.value for name, outcome in outcomes.items()} == {"b": "cancelled", "a": "built"}


def test_two_interrupts_wait_for_nobody() -> None:
    executor = FakeExecutor(perform)
    executor.interrupt()
    executor.interrupt()
    outcomes, _ = run(executor, build("a"))
    assert executor.stopped == [("a", False), ("a", True)]
    assert outcomes == {"a": Outcome(state=State.CANCELLED, attempts=1)}


class AtOnce(FakeExecutor[Work]):
    """Gives two interrupts and all that has ended, at once and in this order."""

    def next_events(self, *, within: float | None = None) -> tuple[Event, ...]:
        ended = [self.next_event() for _ in range(len(self._work))]
        return (Interrupted(), Interrupted(), *ended)


def test_what_ended_in_the_moment_of_a_second_interrupt_has_ended() -> None:
    executor = AtOnce(perform)
    outcomes, told = run(executor, build("a", cpu=1), build("broken", cpu=1), build("c", "a", cpu=1))
    assert {name: outcome.state.value for name, outcome in outcomes.items()} == {"a": "built", "broken": "failed", "c": "cancelled"}
    assert outcomes["a"].made == "a()"
    assert executor.stopped == []
    assert ("a", "built") in [(report.build, report.state.value) for report, _ in told]


def test_a_thousand_builds_on_threads_all_end() -> None:
    layers = [build(f"b{number}", *([f"b{number - 7}"] if number >= 7 else []), cpu=1 + number % 2) for number in range(1000)]
    with LocalExecutor(perform) as executor:
        outcomes, _ = run(executor, *layers)
    assert {outcome.state for outcome in outcomes.values()} == {State.BUILT}
    assert len(outcomes) == 1000


def test_outcomes_come_in_the_order_of_their_ends() -> None:
    outcomes, _ = run(FakeExecutor(perform), build("flaky"), build("quick"), policy=failure_policy(attempts=2, initial=9, maximum=9))
    assert list(outcomes) == ["quick", "flaky"]


class Noting(FakeExecutor[Work]):
    """Notes what it is given, and gives all events of what it has at once."""

    def __init__(self, notes: list[str]) -> None:
        super().__init__(perform)
        self._notes = notes

    def submit(self, build: str, work: Work) -> None:
        self._notes.append(f"start {build}")
        super().submit(build, work)

    def next_events(self, *, within: float | None = None) -> tuple[Event, ...]:
        return tuple(self.next_event() for _ in range(len(self._work) or 1))


@pytest.mark.parametrize("early", [True, False])
def test_what_depends_on_a_build_starts_once_that_is_recorded_and_the_rest_before(*, early: bool) -> None:
    builds = [build("base", cpu=1, rank=9), build("other", cpu=1, rank=8), build("app", "base", cpu=1, rank=7), build("free", cpu=1)]
    notes: list[str] = []
    needs = {made.name: made.needs for made in builds}

    def order(wanted: Run, made: Mapping[str, str]) -> Work:
        return wanted.build, wanted.attempt, tuple(made[need] for need in needs[wanted.build])

    def record(reports: Sequence[tuple[Report, str | None]]) -> None:
        notes.append(f"record {', '.join(f'{report.build} {report.state}' for report, _ in reports)}")

    def told(report: Report, _made: str | None) -> None:
        notes.append(f"tell {report.build} {report.state}")

    schedule = Schedule(builds, capacity={"cpu": 2}, policy=ONCE)
    run_schedule(schedule, Noting(notes), order, told, record=record, early=early)
    assert notes == (EARLY if early else LATE)


EARLY = [
    "start base",
    "start other",
    "record base running, other running",
    "tell base running",
    "tell other running",
    "start free",
    "record base built, other built, app running, free running",
    "tell base built",
    "tell other built",
    "tell app running",
    "start app",
    "tell free running",
    "record free built, app built",
    "tell free built",
    "tell app built",
]
LATE = [
    "record base running, other running",
    "tell base running",
    "start base",
    "tell other running",
    "start other",
    "record base built, other built, app running, free running",
    "tell base built",
    "tell other built",
    "tell app running",
    "start app",
    "tell free running",
    "start free",
    "record app built, free built",
    "tell app built",
    "tell free built",
]


def recorded(executor: FakeExecutor[Work], *builds: ScheduledBuild, pace: float) -> tuple[list[str], list[str]]:
    """What was recorded together, and what was heard of at once, of a run that may end with an OSError."""
    written: list[str] = []
    heard: list[str] = []

    def record(reports: Sequence[tuple[Report, str | None]]) -> None:
        written.append(", ".join(f"{report.build} {report.state}" for report, _ in reports))

    def order(wanted: Run, _: Mapping[str, str]) -> Work:
        return wanted.build, wanted.attempt, ()

    def hear(reports: Sequence[Report]) -> None:
        heard.extend(f"{report.build} {report.state}" for report in reports)

    with contextlib.suppress(OSError):
        schedule = Schedule(builds, capacity={"cpu": 2}, policy=ONCE)
        run_schedule(schedule, executor, order, lambda *_: None, record=record, heard=hear, early=True, pace=pace)
    return written, heard


def test_what_nothing_waits_for_is_recorded_together() -> None:
    builds = [build(name, cpu=1) for name in "abcd"]
    written, heard = recorded(FakeExecutor(perform), *builds, pace=3600)
    assert written == ["a running, b running", "a built, c running, b built, d running, c built, d built"]
    assert heard == ", ".join(written).split(", ")
    assert recorded(FakeExecutor(perform), *builds, pace=0)[0] == [
        "a running, b running",
        "a built, c running",
        "b built, d running",
        "c built",
        "d built",
    ]


def test_what_something_waits_for_is_recorded_before_it_starts() -> None:
    builds = [build("base", cpu=1, rank=9), build("other", cpu=1), build("app", "base", cpu=1), build("last", cpu=1)]
    written, _ = recorded(FakeExecutor(perform), *builds, pace=3600)
    assert written == ["base running, other running", "base built, app running", "other built, last running, app built, last built"]


class Breaking(FakeExecutor[Work]):
    """Breaks after the second event."""

    events = 2

    def next_event(self) -> Event:
        if not self.events:
            raise OSError("no more")
        self.events -= 1
        return super().next_event()


def test_what_was_put_off_is_recorded_whatever_ends_the_run() -> None:
    written, _ = recorded(Breaking(perform), *(build(name, cpu=1) for name in "abcd"), pace=3600)
    assert written == ["a running, b running", "a built, c running, b built, d running"]


def test_what_pauses_and_goes_on_is_told_in_its_turn() -> None:
    builds = [build("a", cpu=1, hosts=["registry.lab"]), build("b", cpu=1, hosts=["registry.lab"])]
    notes: list[str] = []
    failed: list[str] = []

    def perform_once(work: Work) -> str:
        if not failed:
            failed.append(work[0])
            raise BuildFailed(failure(FailureKind.REGISTRY, retry_after=5.0, host="registry.lab"))
        return work[0]

    run_schedule(
        Schedule(builds, capacity={"cpu": 1}, policy=failure_policy(attempts=2)),
        FakeExecutor(perform_once),
        lambda wanted, _: (wanted.build, wanted.attempt, ()),
        lambda report, _: notes.append(f"{report.build} {report.state}"),
        on_pause=lambda what: notes.append(type(what).__name__),
        early=True,
    )
    assert notes == ["a running", "a resting", "Paused", "Resumed", "a running", "a built", "b running", "b built"]
