from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.core.profile import Span
from matrixbuild.core.spans import absent, holds

IN_ORDER = [
    "v4.4.4",
    "v4.4.12-rc.2",
    "v4.4.12-rc.10",
    "v4.4.12",
    "v4.4.12-patch.1",
    "v4.4.12-patch.2",
    "v4.8.a",
    "v4.8.b",
    "v4.8.1",
    "v4.8.10-alpha1",
    "v4.8.10-alpha2",
    "v4.8.10-alpha10",
    "v4.8.10",
    "v4.9.38",
    "v4.10.0-rc.1",
    "v4.10.0-rc.1.1",
    "v4.10.0",
    "v10",
]
WORDS = st.sampled_from(["a", "b", "rc.1", "rc.2", "rc2", "rc10", "alpha1", "patch.1", "0", "00", "7", "x7y", ""])
VERSIONS = st.builds(
    lambda numbers, separator, rest: f"v{'.'.join(map(str, numbers))}{separator if rest else ''}{rest}",
    st.lists(st.integers(0, 12), min_size=1, max_size=4),
    st.sampled_from(["-", "."]),
    WORDS,
)


def before(one: str, other: str) -> bool:
    """`one` is before what a span since `other` has."""
    return not holds(Span(since=other), one)


class TestOrder:
    @pytest.mark.parametrize(("one", "other"), list(itertools.combinations(IN_ORDER, 2)))
    def test_of_versions_as_they_came(self, one: str, other: str) -> None:
        assert before(one, other)
        assert not before(other, one)

    @pytest.mark.parametrize(
        ("one", "other"), [("v4.1", "4.1"), ("v4.10", "v4.10.0"), ("v4.10.0-rc.1", "v4.10-rc.01"), ("v04.1", "v4.1"), (" v4.1\n", "v4.1")]
    )
    def test_different_spellings_of_one_version(self, one: str, other: str) -> None:
        assert not before(one, other)
        assert not before(other, one)

    @given(VERSIONS, VERSIONS, VERSIONS)
    def test_is_total_and_consistent(self, a: str, b: str, c: str) -> None:
        assert not (before(a, b) and before(b, a))
        assert not (before(a, b) and before(b, c)) or before(a, c)
        if not before(a, b) and not before(b, a):  # as good as one version: they are so to every other
            assert (before(a, c), before(c, a)) == (before(b, c), before(c, b))

    def test_more_digits_than_a_number_takes(self) -> None:
        assert before("v4.9", f"v4.{'9' * 10_000}")
        assert not before(f"v4.1-{'9' * 10_000}", "v4.0")


class TestSpans:
    @pytest.mark.parametrize(
        ("line", "expected"), [("v4.4.3", False), ("v4.4.4", True), ("v4.8.9", True), ("v4.9.0-rc.1", True), ("v4.9.0", False), ("v5", False)]
    )
    def test_since_is_in_and_until_is_out(self, line: str, expected: bool) -> None:
        assert holds(Span(since="v4.4.4", until="v4.9.0"), line) is expected

    @pytest.mark.parametrize("line", ["", "main", "latest-4", "v", "vv4.1", "v4.1\nv4.2", "٤.1", "²"])
    def test_hold_for_versions_that_nobody_knows(self, line: str) -> None:
        assert holds(Span(since="v4.4.4", until="v4.4.5"), line)

    @given(VERSIONS, VERSIONS)
    def test_what_went_with_a_version_came_with_no_other(self, bound: str, line: str) -> None:
        """Two statements that a version divides: one and only one of them holds."""
        assert holds(Span(since=bound), line) is not holds(Span(until=bound), line)

    @pytest.mark.parametrize(
        ("span", "line", "words"),
        [
            (Span(since="v4.4.4"), "v4.4.3", "it came with v4.4.4"),
            (Span(until="v4.4.4"), "v4.4.4", "it went with v4.4.4"),
            (Span(since="v4.4.4", until="v4.9.0"), "v4.1.0", "it came with v4.4.4"),
            (Span(since="v4.4.4", until="v4.9.0"), "v4.9.0", "it went with v4.9.0"),
        ],
    )
    def test_why_a_version_is_outside(self, span: Span, line: str, words: str) -> None:
        assert absent(span, line) == words
