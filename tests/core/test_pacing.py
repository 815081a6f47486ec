from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.pacing import Pace


def test_a_small_file_is_written_at_every_change() -> None:
    pace = Pace()
    pace.wrote(began=0, ended=100)
    assert pace.due(200, now=100)


def test_a_large_one_rests_four_times_as_long_as_it_took() -> None:
    pace = Pace()
    assert pace.due(201, now=0)
    pace.wrote(began=0, ended=2)
    assert [pace.due(201, now=now) for now in (2, 9.9, 10)] == [False, False, True]


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0.001, 10)), min_size=1, max_size=50))
def test_at_most_a_fifth_of_the_time_goes_into_writing(events: list[tuple[float, float]]) -> None:
    """Each event comes so much later than the one before, and a write then takes so long."""
    pace, now, writing, last = Pace(), 0.0, 0.0, 0.0
    for later, cost in events:
        now += later
        if pace.due(1000, now=now):
            assert writing * 5 <= now + 1e-6
            pace.wrote(began=now, ended=now + cost)
            now, last = now + cost, cost
            writing += last
