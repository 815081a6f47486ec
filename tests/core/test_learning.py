"""What is kept for builds of memory and cores: what they declare, else what they took before, and never more than there is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.durations import Basis, Duration
from matrixbuild.core.learning import Learned
from matrixbuild.core.usage import Making, Sample, Usage

GI = 1 << 30
ROOM = {"cpu": 8000, "memory": 16 * GI, "disk": 100 * GI}
CORE = (("cpu", 1000),)


def sample(*, memory: int | None = None, cpu: float | None = None, seconds: float = 10.0) -> Sample:
    return Sample(seconds=seconds, usage=Usage(memory=memory, cpu=cpu))


def test_nothing_is_kept_beside_what_is_declared_where_nothing_was_measured() -> None:
    assert Learned({}).amounts("a[os=x]", CORE, ROOM) == CORE
    assert Learned({"a[os=x]": [sample()]}).amounts("a[os=x]", CORE, ROOM) == CORE


def test_many_attempts_tell_their_90th_percentile_and_a_margin_is_kept() -> None:
    measured = [sample(memory=number * GI // 10) for number in range(1, 11)]
    assert dict(Learned({"a": measured}).amounts("a", CORE, ROOM))["memory"] == -(-9 * GI * 11 // 100)


def test_few_attempts_are_doubted() -> None:
    assert dict(Learned({"a": [sample(memory=2 * GI)]}).amounts("a", CORE, ROOM))["memory"] == -(-int(2 * GI * 1.5 * 11) // 10)


def test_a_build_that_never_ran_takes_what_those_like_it_took() -> None:
    learned = Learned({"a[os=x]": [sample(memory=GI, cpu=30.0)] * 5})
    assert learned.amounts("a[os=y]", CORE, ROOM) == learned.amounts("a[os=x]", CORE, ROOM)
    assert learned.amounts("b[os=x]", CORE, ROOM) == CORE


def test_declared_memory_is_believed_and_declared_cores_are_the_least() -> None:
    learned = Learned({"a": [sample(memory=9 * GI, cpu=30.0)] * 5})
    assert learned.amounts("a", (("cpu", 2000), ("memory", GI)), ROOM) == (("cpu", 3000), ("memory", GI))
    assert learned.amounts("a", (("cpu", 4000), ("memory", GI)), ROOM) == (("cpu", 4000), ("memory", GI))


def test_never_more_is_kept_than_there_is() -> None:
    learned = Learned({"a": [sample(memory=90 * GI, cpu=900.0)] * 5})
    assert learned.amounts("a", CORE, ROOM) == (("cpu", 8000), ("memory", 16 * GI))
    # What a manifest declares beyond that is its own affair: such a build runs alone.
    assert learned.amounts("a", (("cpu", 9000),), ROOM)[0] == ("cpu", 9000)


def test_an_attempt_that_took_no_time_tells_nothing_of_cores() -> None:
    assert Learned({"a": [sample(cpu=1.0, seconds=0.0)]}).amounts("a", CORE, ROOM) == CORE


@given(
    st.lists(st.tuples(st.integers(0, 1 << 40), st.floats(0, 1e6), st.floats(0, 1e5)), max_size=8),
    st.integers(1, 20_000),
    st.none() | st.integers(1, 1 << 42),
)
def test_what_is_learned_never_lowers_cores_nor_changes_declared_memory(
    past: list[tuple[int, float, float]], cpu: int, memory: int | None
) -> None:
    declared = (("cpu", cpu), *((("memory", memory),) if memory else ()))
    learned = Learned({"a": [sample(memory=bytes_, cpu=spent, seconds=seconds) for bytes_, spent, seconds in past]})
    found = dict(learned.amounts("a", declared, ROOM))
    assert cpu <= found["cpu"] <= max(cpu, ROOM["cpu"])
    assert found.get("memory", 1) == memory if memory else 1 <= found.get("memory", 1) <= ROOM["memory"]


def made(*makings: tuple[str, float], seconds: float, part: float = 1.0) -> Sample:
    return Sample(seconds=seconds, usage=Usage(made=tuple(Making(target=target, seconds=taken, part=part) for target, taken in makings)))


class TestSharedWork:
    def test_what_is_shared_is_not_a_builds_own(self) -> None:
        history = {"a[os=x]": [made(("+base", 600.0), ("+image", 50.0), seconds=660.0)], "a[os=y]": [sample(seconds=60.0)]}
        assert [Learned(history, shared={"+base"}).durations.of(f"a[os={os}]").median for os in "xy"] == [60.0, 60.0]
        assert Learned(history).durations.of("a[os=x]").median == 660.0

    def test_one_that_came_to_a_part_of_it_waited_for_that_part(self) -> None:
        history = {"a": [made(("+base", 100.0), seconds=160.0, part=0.25)]}
        found = Learned(history, shared={"+base"})
        assert found.durations.of("a").median == 60.0
        assert found.making("+base", ["a"]) is None

    def test_how_long_it_takes_is_what_those_took_that_made_it_as_a_whole(self) -> None:
        history = {"a[os=x]": [made(("+base", 600.0), seconds=660.0)], "a[os=y]": [made(("+base", 300.0), seconds=360.0)]}
        found = Learned(history, shared={"+base"})
        assert found.making("+base", ["a[os=x]", "a[os=z]"]) == Duration(median=600.0, late=900.0, basis=Basis.BUILD)
        assert found.making("+base", ["a[os=z]"]) == Duration(median=450.0, late=675.0, basis=Basis.SIMILAR)
        assert found.making("+other", ["a[os=x]"]) is None
        assert Learned({}, shared={"+base"}).making("+base", ["a[os=x]"]) is None

    def test_those_that_began_at_once_have_made_it_together(self) -> None:
        history = {"a": [made(("+base", 300.0), seconds=500.0, part=0.5)], "b": [made(("+base", 400.0), seconds=500.0, part=0.75)]}
        found = Learned(history, shared={"+base"})
        assert found.making("+base", ["a", "b"]) == Duration(median=560.0, late=840.0, basis=Basis.BUILD)
        assert found.making("+base", ["a"]) is None
        whole = Learned({**history, "c": [made(("+base", 500.0), seconds=600.0)]}, shared={"+base"}).making("+base", ["a", "b", "c"])
        assert whole is not None
        assert whole.median == 500.0

    def test_what_was_made_side_by_side_took_no_longer_than_the_attempt(self) -> None:
        found = Learned({"a": [made(("+base", 60.0), ("+tools", 40.0), seconds=50.0)]}, shared={"+base", "+tools"})
        assert found.durations.of("a").median == 0.0
        makings = [found.making(target, ["a"]) for target in ("+base", "+tools")]
        assert [making.median for making in makings if making] == [30.0, 20.0]
