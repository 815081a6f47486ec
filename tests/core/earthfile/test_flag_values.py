"""Values of flags by Go's rules."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.flag_values import Form, read_value, unquoted


@pytest.mark.parametrize(
    ("form", "text", "value"),
    [
        (Form.SWITCH, "T", True),
        (Form.SWITCH, "False", False),
        (Form.COUNT, "+5", 5),
        (Form.COUNT, "-1", -1),
        (Form.COUNT, '"7"', 7),
        (Form.DURATION, "1h2m3s4ms5us6ns", 3_723_004_005_006),
        (Form.DURATION, "1\u00b5s", 1000),
        (Form.DURATION, "-.5s", -500_000_000),
        (Form.DURATION, "1.s", 1_000_000_000),
        (Form.TEXT, "'a'", "'a'"),
        (Form.LIST, '"a"', "a"),
    ],
)
def test_values(form: Form, text: str, value: object) -> None:
    assert read_value(form, text) == value


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (Form.SWITCH, "yes"),
        (Form.COUNT, ""),
        (Form.COUNT, "1_000"),
        (Form.COUNT, "9" * 30),
        (Form.COUNT, "9" * 5000),
        (Form.COUNT, "\u0665"),
        (Form.DURATION, ""),
        (Form.DURATION, "."),
        (Form.DURATION, "s"),
        (Form.DURATION, "1 s"),
        (Form.DURATION, "9" * 30 + "h"),
        (Form.DURATION, "1" * 6000 + "s"),
        (Form.TEXT, '"a'),
    ],
)
def test_what_is_none(form: Form, text: str) -> None:
    with pytest.raises(ValueError, match=" is "):
        read_value(form, text)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a", "a"),
        ('"é\\303\\251\\xc3"', "éé\ufffd"),
        ('""', ""),
        ('"a\\tb"', "a\tb"),
        ('"\\x41\\101\\u00e9\\U0001f600"', "AA\u00e9\U0001f600"),
        ('"\\"\\\\"', '"\\'),
        ('a"b"', 'a"b"'),
    ],
)
def test_unquoting(text: str, plain: str) -> None:
    assert unquoted(text) == plain


@pytest.mark.parametrize("text", ['"', '"a"b"', '"\\q"', '"\\\'"', '"a\nb"', '"\\ud800"', '"\\U00110000"', '"\\400"'])
def test_what_go_would_not_unquote(text: str) -> None:
    with pytest.raises(ValueError, match=" is no "):
        unquoted(text)
