from __future__ import annotations

from matrixbuild.core.earthfile.declared_args import declared_args
from matrixbuild.core.earthfile.parser import parse

EARTHFILE = """\
VERSION 0.6
FROM scratch
ARG A
ARG --global B=one
ARG C="two words"
ARG D=$B-x
IF [ "$A" = "x" ]
    ARG E=
END

target:
    ARG --required F
    ARG B=other
    FOR x IN a b
        ARG G='g'
    END

FN:
    FUNCTION
    ARG H=h
"""


def test_every_arg_once_with_its_first_default() -> None:
    assert declared_args(parse(EARTHFILE, file="Earthfile")) == {
        "A": "",
        "B": "one",
        "C": "two words",
        "D": None,
        "E": "",
        "F": "",
        "G": "g",
        "H": "h",
    }
