"""Sources of a COPY in parentheses."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.params import parse_params
from matrixbuild.core.problems import Place

PLACE = Place(file="Earthfile", line=3)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("+t/x", ()),
        ("(+t/x)", ("+t/x",)),
        ("( +t/x  --A=1 )", ("+t/x", "--A=1")),
        ('(+t/x --A="a b" --B)', ("+t/x", '--A="a b"', "--B")),
        (r"(+t/x --A=a\ b)", ("+t/x", r"--A=a\ b")),
        ('"(+t/x --A=1)"', ("+t/x", "--A=1")),
    ],
)
def test_words(word: str, expected: tuple[str, ...]) -> None:
    assert parse_params(word, PLACE) == expected


@pytest.mark.parametrize(
    ("word", "summary"),
    [("()", "() names no artifact"), ('(+t/x --A="a)', '(+t/x --A="a) ends inside of a quote')],
)
def test_what_cannot_be_read(word: str, summary: str) -> None:
    with pytest.raises(EarthfileError) as caught:
        parse_params(word, PLACE)
    assert (caught.value.fault, caught.value.summary) == (Fault.INVALID_ARG, summary)
