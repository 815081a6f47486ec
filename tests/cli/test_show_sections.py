"""Sections that keep to a height: what tells most is shown, and nothing is put into words for nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.cli.show_sections import Section, cut, fitted, shorter


def never() -> Sequence[str]:
    raise AssertionError("nobody asked for these lines")


def lines(number: int) -> Callable[[], Sequence[str]]:
    return lambda: [f"line {position}" for position in range(number)]


def test_everything_is_shown_where_there_is_room_and_nothing_else_is_made() -> None:
    sections = [Section("a", [(lines(3), 0), (never, 1)]), Section("b", [(lines(2), 0), (never, 1)])]
    assert fitted(sections, 9) == ([lines(3)(), lines(2)()], True)


def test_the_combination_that_loses_least_is_taken() -> None:
    sections = [Section("a", [(lines(9), 0), (lines(1), 3)]), Section("b", [(lines(9), 0), (lines(1), 2)])]
    assert fitted(sections, 14) == ([lines(9)(), lines(1)()], False)


def test_lines_are_made_once() -> None:
    made = []

    def telling() -> list[str]:
        made.append(1)
        return ["a"]

    section = Section("a", [(telling, 0)])
    assert (section.lines(0), section.height(0), made) == (["a"], 3, [1])


def test_a_section_without_lines_takes_no_room() -> None:
    assert fitted([Section("a", [(lines(9), 0), (lines(0), 1)])], 0) == ([[]], False)


def test_where_nothing_fits_the_longest_are_cut() -> None:
    found, whole = fitted([Section("a", [(lines(30), 0)]), Section("b", [(lines(2), 0)])], 12)
    assert (found, whole) == ([[*lines(5)(), "and 25 more"], lines(2)()], False)


def test_a_list_and_its_beginning() -> None:
    assert cut(["a", "b"], 2) == ["a", "b"]
    assert cut(["a", "b", "c"], 1) == ["a", "and 2 more"]
    assert [(list(way()), loss) for way, loss in shorter(lines(8)())] == [
        (lines(8)(), 0),
        ([*lines(6)(), "and 2 more"], 2),
        ([*lines(3)(), "and 5 more"], 3),
    ]
    assert len(shorter([])) == 1


@given(st.lists(st.integers(0, 40), max_size=6), st.integers(20, 60))
def test_it_keeps_to_the_height(sizes: list[int], room: int) -> None:
    found, whole = fitted([Section("a", shorter(lines(size)())) for size in sizes], room)
    assert sum(len(each) + 2 for each in found if each) <= max(room, 4 * len(sizes))
    assert whole == ([len(each) for each in found] == sizes)
