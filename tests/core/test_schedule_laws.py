"""What holds for every schedule, whatever its builds do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from matrixbuild.core.events import Event, Failed, Finished, Instruction, Interrupted, Report, Run, Started, State, Stop, WakeLater, Woke
from matrixbuild.core.failure import FailureKind
from matrixbuild.core.retry import RetryPolicy
from matrixbuild.core.schedule import Schedule, ScheduledBuild
from tests.builders_schedule import build, failure

CAPACITY = {"cpu": 3, "disk": 5}
RETRY = RetryPolicy(attempts=3, initial=1, maximum=4)
KINDS = [FailureKind.NETWORK, FailureKind.STEP, FailureKind.CANCELLED]


@st.composite
def releases(draw: st.DrawFn) -> list[ScheduledBuild]:
    """Builds in any acyclic graph, with demands up to and past the whole of a pool."""
    count = draw(st.integers(1, 14))
    names = [f"b{number}" for number in range(count)]
    made = []
    for number, name in enumerate(names):
        needs = draw(st.sets(st.sampled_from(names[:number]), max_size=3)) if number else set()
        amounts = draw(st.dictionaries(st.sampled_from(sorted(CAPACITY)), st.integers(0, 6), max_size=2))
        made.append(build(name, *sorted(needs), rank=draw(st.integers(0, 3)), key=name, **amounts))
    return draw(st.permutations(made))


@dataclass(kw_only=True)
class World:
    """Plays the executor: at each turn one of the things that could happen next does, as `chance` says."""

    schedule: Schedule
    chance: Random
    interrupts: bool = False
    failing: float = 0.3

    def __post_init__(self) -> None:
        self.running: list[str] = []
        self.resting: list[str] = []

    def play(self) -> Iterator[tuple[Event, tuple[Instruction, ...]]]:
        event: Event = Started()
        while True:
            instructions = self.schedule.handle(event)
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
            return Failed(build=name, failure=failure(self.chance.choice(KINDS)))
        return Finished(build=name, made=None)


def world(builds: list[ScheduledBuild], seed: int, *, interrupts: bool = False) -> World:
    return World(schedule=Schedule(builds, capacity=CAPACITY, retry=RETRY), chance=Random(seed), interrupts=interrupts)


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
    for _ in stage.play():
        large = [name for name in stage.running if any(amount > CAPACITY[pool] for pool, amount in amounts[name].items())]
        assert not large or stage.running == large[:1]
        for pool, capacity in CAPACITY.items():
            held = sum(amounts[name].get(pool, 0) for name in stage.running)
            assert large or held <= capacity
            assert stage.schedule.held[pool] == (capacity if large else held)


@runs
def test_nothing_runs_before_what_it_needs_and_a_skip_names_a_failure_it_needs(
    builds: list[ScheduledBuild], seed: int, interrupts: bool
) -> None:
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
    assert all(numbers == list(range(1, len(numbers) + 1)) and len(numbers) <= RETRY.attempts for numbers in attempts.values())


@runs
def test_the_same_builds_and_events_give_the_same_instructions(builds: list[ScheduledBuild], seed: int, interrupts: bool) -> None:
    assert list(world(builds, seed, interrupts=interrupts).play()) == list(world(builds, seed, interrupts=interrupts).play())


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32))
def test_ten_thousand_builds_of_many_demands_end(seed: int) -> None:
    chance = Random(seed)
    builds = []
    for number in range(10_000):
        needs = {f"b{chance.randrange(number)}" for _ in range(2)} if number else set()
        builds.append(build(f"b{number}", *sorted(needs), rank=number % 97, cpu=number % 3, disk=number % 7))
    stage = World(schedule=Schedule(builds, capacity=CAPACITY, retry=RETRY), chance=chance, failing=0.0)
    list(stage.play())
    assert stage.schedule.counts[State.BUILT] == 10_000
