"""A pattern as a person writes it: a regular expression that ends, and that does not match everything."""

from __future__ import annotations

import pytest

from matrixbuild.core.failure_patterns import compiled


def test_a_pattern() -> None:
    found = compiled(r"licence .* is (?:gone|away)").search("the licence of x is away")
    assert found
    assert found[0] == "licence of x is away"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a(b", "the pattern is no regular expression: missing ), unterminated subpattern at position 1"),
        ("x*", "the pattern matches the empty text, and so every failure"),
        ("", "the pattern matches the empty text, and so every failure"),
        ("(a+)+b", "the pattern repeats a repetition, which may take for ever"),
        ("(a*)*b", "the pattern repeats a repetition, which may take for ever"),
        ("([a-z]{2,})*b", "the pattern repeats a repetition, which may take for ever"),
        ("a" * 501, "the pattern is longer than 500 characters"),
    ],
)
def test_none(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=r"^the pattern") as caught:
        compiled(text)
    assert str(caught.value) == told
