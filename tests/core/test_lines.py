from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.lines import Lines
from tests.splits import pieces, splits

texts = st.lists(st.sampled_from([b"a", b"\n", b"bcd", b"\r", b"\n\n", b"x" * 20])).map(b"".join)


def cut(chunks: list[bytes], limit: int) -> list[bytes]:
    lines = Lines(limit)
    return [line for chunk in chunks for line in lines.feed(chunk)] + lines.finish()


def test_a_line_keeps_its_newline_and_the_last_may_have_none() -> None:
    assert cut([b"one\ntw", b"o\n\nthree"], 100) == [b"one\n", b"two\n", b"\n", b"three"]


def test_only_a_newline_ends_a_line() -> None:
    assert cut([b"10 %\r20 %\r\n"], 100) == [b"10 %\r20 %\r\n"]


def test_a_line_that_is_too_long_comes_in_pieces() -> None:
    assert cut([b"abcdefgh\nij\n"], 3) == [b"abc", b"def", b"gh\n", b"ij\n"]


def test_a_line_without_end_is_not_held() -> None:
    lines = Lines(4)
    assert [lines.feed(b"abc") for _ in range(4)] == [[], [b"abca"], [b"bcab"], [b"cabc"]]
    assert lines.finish() == []


@given(texts, splits, st.integers(1, 7))
def test_joined_lines_are_what_came_in_and_do_not_depend_on_how(text: bytes, cuts: list[int], limit: int) -> None:
    found = cut(pieces(text, cuts), limit)
    assert b"".join(found) == text
    assert all(found)
    assert all(len(line) <= limit for line in found)
    assert all(line.count(b"\n") <= 1 and b"\n" not in line[:-1] for line in found)
    assert found == cut([text], limit)
