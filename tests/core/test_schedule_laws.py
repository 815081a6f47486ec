"""What holds for every schedule, whatever its builds do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from matrixbuild.core.events import (
    Event,
    Failed,
    Finished,
    Instruction,
    Interrupted,
    Paused,
    Report,
    Resumed,
    Run,
    Started,
    State,
    Stop,
    WakeLater,
    Woke,
)
from matrixbuild.core.failure import FailureKind
from matrixbuild.core.policy import Budget, failure_policy
from matrixbuild.core.schedule import Schedule, ScheduledBuild
from tests.builders_schedule import build, failure

CAPACITY = {"cpu": 3, "disk": 5, "memory": 4}
HOSTS = ("hub.example", "mirror.example")
ATTEMPTS = 3
RETRY = failure_policy(attempts=ATTEMPTS, initial=1, maximum=4, budget=Budget(share=0.5, more=3), pause_after=2)
FAILURES = [
    *(
        failure(kind)
        for kind in (FailureKind.NETWORK, FailureKind.STEP, FailureKind.CANCELLED, FailureKind.OOM, FailureKind.DISK, FailureKind.TIMEOUT)
    ),
    failure(FailureKind.NETWORK, host=HOSTS[0]),
    *(failure(FailureKind.REGISTRY, retry_after=seconds, host=host) for host in HOSTS for seconds in (0.0, 3.0, 9.0)),
]


@st.composite
def releases(draw: st.DrawFn) -> list[ScheduledBuild]:
    """Builds in any acyclic graph, with demands up to and past the whole of a pool."""
    count = draw(st.integers(1, 14))
    names = [f"b{number}" for number in range(count)]
    made = []
    for number, name in enumerate(names):
        needs = draw(st.sets(st.sampled_from(names[:number]), max_size=3)) if number else set()
        amounts = draw(st.dictionaries(st.sampled_from(sorted(CAPACITY)), st.integers(0, 6), max_size=2))
        made.append(build(name, *sorted(needs), rank=draw(st.integers(0, 3)), key=name, hosts=draw(st.sets(st.sampled_from(HOSTS))), **amounts))
    return draw(st.permutations(made))


@dataclass(kw_only=True)
class World:
    """Plays the executor: at each turn one of the things that could happen next does, as `chance` says."""

    schedule: Schedule
    chance: Random
    interrupts: bool = False
    failing: float = 0.3
    full: bool = False
    """Whether the disk is full at times."""

    def __post_init__(self) -> None:
        self.running: list[str] = []
        self.resting: list[str] = []
        self.disk: int | None = None

    def play(self) -> Iterator[tuple[Event, tuple[Instruction, ...]]]:
        event: Event = Started()
        while True:
            self.disk = self.chance.randrange(9) if self.full else None
            instructions = self.schedule.handle(event, disk=self.disk)
            for instruction in instructions:
                self._obey(instruction)
            yield event, instructions
            if self.schedule.ended:
                return
            event = self._next()

    def _obey(self, instruction: Instruction) -> None:
        match instruction:
            case Run(build=name):
                self.running.append(name)
            case WakeLater(build=name):
                self.resting.append(name)
            case Stop(build=name, now=True):
                self.running.remove(name)
            case _:
                pass

    def _next(self) -> Event:
        if self.interrupts and self.chance.random() < 0.1:
            return Interrupted()
        pick = self.chance.randrange(len(self.running) + len(self.resting))
        if pick >= len(self.running):
            return Woke(build=self.resting.pop(pick - len(self.running)))
        name = self.running.pop(pick)
        if self.chance.random() < self.failing:
            return Failed(build=name, failure=self.chance.choice(FAILURES))
        return Finished(build=name, made=None)


def world(builds: list[ScheduledBuild], seed: int, *, interrupts: bool = False, most_failures: int | None = None) -> World:
    schedule = Schedule(builds, capacity=CAPACITY, policy=RETRY, most_failures=most_failures)
    return World(schedule=schedule, chance=Random(seed), interrupts=interrupts, full=bool(seed % 2))


def too_large(amounts: Mapping[str, int]) -> bool:
    return any(amount > CAPACITY[pool] for pool, amount in amounts.items())


runs = given(releases(), st.integers(0, 2**32), st.booleans())


@runs
def test_everything_ends_and_nothing_is_held_then(builds: list[ScheduledBuild], seed: int, interrupts: bool) -> None:
    stage = world(builds, seed, interrupts=interrupts)
    told = [instruction for _, instructions in stage.play() for instruction in instructions]
    ends = [report.build for report in told if isinstance(report, Report) and report.state.final]
    assert sorted(ends) == sorted(made.name for made in builds)
    assert set(stage.schedule.held.values()) == {0}
    assert not stage.running


@runs
def test_no_pool_is_ever_exceeded_and_what_is_too_large_runs_alone(builds: list[ScheduledBuild], seed: int, interrupts: bool) -> None:
    amounts = {made.name: dict(made.amounts) for made in builds}
    stage = world(builds, seed, interrupts=interrupts)
    for _, instructions in stage.play():
        for told in instructions:
            if isinstance(told, Report) and told.memory is not None:
                assert amounts[told.build].get("memory", 0) < told.memory <= CAPACITY["memory"]
                amounts[told.build]["memory"] = told.memory
        large = [name for name in stage.running if too_large(amounts[name])]
        assert not large or stage.running == large[:1]
        for pool, capacity in CAPACITY.items():
            held = sum(amounts[name].get(pool, 0) for name in stage.running)
            assert large or held <= capacity
            assert stage.schedule.held[pool] == (capacity if large else held)


@runs
def test_no_build_starts_without_its_disk(builds: list[ScheduledBuild], seed: int, interrupts: bool) -> None:
    disk = {made.name: dict(made.amounts).get("disk", 0) for made in builds if not too_large(dict(made.amounts))}
    stage = world(builds, seed, interrupts=interrupts)
    for _, instructions in stage.play():
        started = [told.build for told in instructions if isinstance(told, Run)]
        if stage.disk is not None and any(disk.get(name) for name in started):
            assert sum(disk.get(name, 0) for name in stage.running) <= stage.disk


@runs
def test_a_host_that_limits_requests_is_left_alone(builds: list[ScheduledBuild], seed: int, interrupts: bool) -> None:
    hosts = {made.name: made.hosts for made in builds}
    shut: set[str] = set()
    for _, instructions in world(builds, seed, interrupts=interrupts).play():
        for told in instructions:
            if isinstance(told, Paused) and told.seconds is not None:
                shut.add(told.cause.removeprefix("asked "))
            if isinstance(told, Resumed):
                shut.discard(told.cause.removeprefix("asked "))
            assert not isinstance(told, Run) or not hosts[told.build] & shut


@runs
def test_a_run_makes_no_more_retries_than_its_budget_and_final_failures_say_why(builds: list[ScheduledBuild], seed: int, interrupts: bool) -> None:
    told = [instruction for _, instructions in world(builds, seed, interrupts=interrupts).play() for instruction in instructions]
    assert sum(isinstance(one, Run) and one.attempt > 1 for one in told) <= RETRY.budget.of(len(builds))
    assert all((one.given_up is not None) == (one.state is State.FAILED) for one in told if isinstance(one, Report))


@runs
def test_nothing_runs_before_what_it_needs_and_a_skip_names_a_failure_it_needs(builds: list[ScheduledBuild], seed: int, interrupts: bool) -> None:
    needs = {made.name: set(made.needs) for made in builds}
    states: dict[str, State] = {}
    for _, instructions in world(builds, seed, interrupts=interrupts).play():
        for instruction in instructions:
            if isinstance(instruction, Run):
                assert all(states[need] is State.BUILT for need in needs[instruction.build])
            if isinstance(instruction, Report):
                states[instruction.build] = instruction.state
                if instruction.state is State.SKIPPED:
                    assert states[instruction.because] in {State.FAILED, State.CANCELLED}
                    assert instruction.because in _all_needs(needs, instruction.build)


def _all_needs(needs: dict[str, set[str]], name: str) -> set[str]:
    found = set(needs[name])
    for need in needs[name]:
        found |= _all_needs(needs, need)
    return found


@runs
def test_without_an_interrupt_only_what_needs_a_failure_is_not_built(builds: list[ScheduledBuild], seed: int, interrupts: bool) -> None:
    stage = world(builds, seed)
    list(stage.play())
    lost = {made.name for made in builds if stage.schedule.state(made.name) in {State.FAILED, State.CANCELLED}}
    needs = {made.name: set(made.needs) for made in builds}
    for made in builds:
        expected = made.name not in lost and not _all_needs(needs, made.name) & lost
        assert (stage.schedule.state(made.name) is State.BUILT) == expected


@runs
def test_attempts_are_counted_and_limited(builds: list[ScheduledBuild], seed: int, interrupts: bool) -> None:
    attempts: dict[str, list[int]] = {}
    for _, instructions in world(builds, seed, interrupts=interrupts).play():
        for instruction in instructions:
            if isinstance(instruction, Run):
                attempts.setdefault(instruction.build, []).append(instruction.attempt)
    assert all(numbers == list(range(1, len(numbers) + 1)) and len(numbers) <= ATTEMPTS for numbers in attempts.values())


@runs
def test_the_same_builds_and_events_give_the_same_instructions(builds: list[ScheduledBuild], seed: int, interrupts: bool) -> None:
    assert list(world(builds, seed, interrupts=interrupts).play()) == list(world(builds, seed, interrupts=interrupts).play())


@given(releases(), st.integers(0, 2**32), st.booleans(), st.integers(1, 4))
def test_after_so_many_failures_nothing_is_started_and_everything_still_ends(
    builds: list[ScheduledBuild], seed: int, interrupts: bool, most: int
) -> None:
    stage = world(builds, seed, interrupts=interrupts, most_failures=most)
    failed, ends = 0, []
    for _, instructions in stage.play():
        for instruction in instructions:
            assert failed < most or not isinstance(instruction, Run | WakeLater)
            if isinstance(instruction, Report) and instruction.state.final:
                failed += instruction.state is State.FAILED
                ends.append(instruction.build)
                assert instruction.limit in ((None, most) if instruction.state is State.SKIPPED else (None,))
    assert sorted(ends) == sorted(made.name for made in builds)
    assert set(stage.schedule.held.values()) == {0}


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32))
def test_ten_thousand_builds_of_many_demands_end(seed: int) -> None:
    chance = Random(seed)
    builds = []
    for number in range(10_000):
        needs = {f"b{chance.randrange(number)}" for _ in range(2)} if number else set()
        builds.append(build(f"b{number}", *sorted(needs), rank=number % 97, cpu=number % 3, disk=number % 7))
    stage = World(schedule=Schedule(builds, capacity=CAPACITY, policy=RETRY), chance=chance, failing=0.0)
    list(stage.play())
    assert stage.schedule.counts[State.BUILT] == 10_000
