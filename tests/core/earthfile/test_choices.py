"""IFs of an Earthfile as their arms, and what they set."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.choices import Choice, choices
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.parser import parse


def _choices(*lines: str) -> list[Choice]:
    earthfile = parse("\n".join(("VERSION 0.8", "t:", *(f"    {line}" for line in lines), "")), file="Earthfile")
    return list(choices((earthfile.targets[0].body,)).values())


def test_the_arms_stand_in_the_order_of_the_text() -> None:
    (choice,) = _choices('IF [ "$A" = "1" ]', "RUN one", 'ELSE IF ["test", "x"]', "RUN two", "ELSE", "RUN three", "END")

    assert [(arm.keyword, arm.expression, arm.listed, arm.place.line) for arm in choice.arms] == [
        ("IF", ("[", '"$A"', "=", '"1"', "]"), False, 3),
        ("ELSE IF", ("test", "x"), True, 5),
    ]
    assert [each.args for each in choice.otherwise] == [("three",)]  # type: ignore[union-attr]


def test_an_if_in_every_kind_of_block_is_found() -> None:
    found = _choices(
        *("IF true", "IF true", "RUN a", "END", "END"),
        *("FOR x IN a b", "IF true", "RUN b", "END", "END"),
        *("WAIT", "IF true", "RUN c", "END", "END"),
        *("TRY", "RUN d", "FINALLY", "IF true", "RUN e", "END", "END"),
        *("WITH DOCKER", "IF true", "RUN f", "END", "END"),
    )

    assert len(found) == 6


@pytest.mark.parametrize(
    ("lines", "sets"),
    [
        (("IF true", "ARG --global B=1", "ELSE", "LET A=2", "END"), ("A", "B")),
        (("IF true", "SET A=1", "ELSE IF false", "IF true", "SET C=2", "END", "END"), ("A", "C")),
        (("IF true", "END"), ()),
        (("IF true", "SET A=1", "RUN b", "END"), None),
        (("IF true", "SET A=$(date)", "END"), None),
        (("IF --privileged true", "SET A=1", "END"), None),
        (('IF ["test", "x"]', "SET A=1", "END"), None),
        (("IF true", "SET A=1", "ELSE IF --ssh false", "SET A=2", "END"), None),
        (("IF true", "FOR x IN a", "SET A=1", "END", "END"), None),
    ],
)
def test_what_an_if_sets_that_does_nothing_else(lines: tuple[str, ...], sets: tuple[str, ...] | None) -> None:
    assert _choices(*lines)[0].sets == sets


def test_a_condition_of_flags_alone_is_none() -> None:
    with pytest.raises(EarthfileError) as caught:
        _choices("IF --privileged", "RUN a", "END")[0].arms[0].flags()

    assert (caught.value.fault, str(caught.value)) == (Fault.INVALID_ARG, "Earthfile:3:5: IF has no condition")
