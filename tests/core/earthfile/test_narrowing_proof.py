"""The proof tells two Earthfiles apart by what a call of them builds, and by nothing else."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.calls import Call, Known
from matrixbuild.core.earthfile.narrowing_proof import Walked, difference, rests_on, walked
from matrixbuild.core.earthfile.recipe import Wanted
from tests.core.earthfile.evaluating import listing

HEAD = "VERSION 0.8\nARG --global X=1\nFROM alpine\n"
REST = "other:\n  RUN o\nF:\n  FUNCTION\n  RUN f\n"


def made(text: str, **args: str) -> Walked:
    known = Known(listing=listing({"Earthfile": text}), texts={"Earthfile": text, ".earthignore": None, ".earthlyignore": None})
    found = walked(Call(directory="", target="main", overrides=tuple(args.items())), known, {})
    assert not isinstance(found, Wanted)
    return found


def told(before: str, after: str) -> str:
    found = difference(made(f"{HEAD}main:\n{before}\n{REST}"), made(f"{HEAD}main:\n{after}\n{REST}"))
    return f"{found.place.line}: {found.sentence}" if found else ""


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ("  RUN a", "  RUN b", "5: +main has RUN a where it would have RUN b"),
        ("  RUN a", "  RUN a\n  RUN b", "5: +main has nothing more where it would have RUN b"),
        ("  RUN a\n  RUN b", "  RUN b\n  RUN a", "5: +main has RUN a where it would have RUN b"),
        ("  RUN a", '  RUN ["a"]', "5: +main has RUN a where it would have RUN ('a',)"),
        ("  RUN $X", "  ARG X=2\n  RUN $X", "5: RUN of +main sees X='1' and would see X='2'"),
        ("  ARG Y=2\n  RUN $Y", "  RUN $Y", "6: RUN of +main sees Y='2' and would see no Y"),
        ("  COPY $X .", "  LET X=3\n  COPY $X .", "5: COPY of +main sees X='1' and would see X='3'"),
        ("  BUILD +other", "  BUILD ./+other", "5: +main has BUILD +other where it would have BUILD ./+other"),
        ("  FROM +other", "  FROM ubuntu", "5: +main has FROM +other where it would have FROM ubuntu"),
        ("  IF [ -f /x$X ]\n    RUN a\n  END", "  ARG X=2\n  IF [ -f /x$X ]\n    RUN a\n  END", "5: IF of +main sees X='1' and would see X='2'"),
        (
            "  FOR i IN $(ls $X)\n    RUN $i\n  END",
            "  ARG X=2\n  FOR i IN $(ls $X)\n    RUN $i\n  END",
            "5: FOR of +main sees X='1' and would see X='2'",
        ),
        (
            "  WITH DOCKER --pull a\n    RUN a\n  END",
            "  WITH DOCKER --pull b\n    RUN a\n  END",
            "5: +main has WITH DOCKER --pull a where it would have WITH DOCKER --pull b",
        ),
        ("  ARG Y=$(date)\n  RUN a", "  RUN a", "5: +main has ARG Y = $(date) where it would have RUN a"),
        ("  RUN env", "  ARG Y=1\n  RUN env", "5: RUN of +main sees no Y and would see Y='1'"),
        ("  RUN go build", "  ARG GOFLAGS=1\n  RUN go build", "5: RUN of +main sees no GOFLAGS and would see GOFLAGS='1'"),
        ("  WAIT\n    RUN a\n  END", "  RUN a", "5: +main has WAIT where it would have RUN a"),
    ],
)
def test_what_differs_is_told(before: str, after: str, wanted: str) -> None:
    assert told(before, after) == wanted


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  RUN a", "  # about\n  ARG Y=2\n  RUN a"),
        ("  RUN $X", "  ARG X=1\n  RUN $X"),
        ('  IF [ "$X" = 1 ]\n    RUN a\n  END', "  RUN a"),
        ("  ARG Y=$X\n  COPY $Y .", "  LET Y=1\n  COPY $Y ."),
        ("  DO +F", "  ARG Y=2\n  DO +F"),
    ],
)
def test_what_does_the_same_is_the_same(before: str, after: str) -> None:
    assert told(before, after) == ""


@pytest.mark.parametrize(("image", "wanted"), [("alpine", ""), ("ubuntu", "RUN of +main sees Y")])
def test_what_a_shell_decides_depends_on_the_shell(image: str, wanted: str) -> None:
    """`==` is not known to all of them."""
    text = "VERSION 0.8\nFROM {}\nIF [ a == a ]\n  ARG --global Y=1\nELSE\n  ARG --global Y=2\nEND\nmain:\n  FROM debian\n  RUN $Y\n"
    found = difference(made(text.format("alpine")), made(text.format(image)))
    assert (found.sentence.partition("=")[0] if found else "") in (wanted, "+base has FROM alpine where it would have FROM ubuntu")


def test_each_call_of_a_target_is_compared() -> None:
    head = "VERSION --arg-scope-and-set --shell-out-anywhere 0.6\n"
    one = f"{head}ARG X\nFROM alpine\nmain:\n  BUILD +a --X=1\n  BUILD +a --X=2\na:\n  FROM +shared\n  RUN $X\nshared:\n  RUN s\n"
    two = f"{head}FROM alpine\nmain:\n  ARG X\n  BUILD +a --X=1\n  BUILD +a --X=2\na:\n  FROM +shared\n  ARG X\n  RUN $X\nshared:\n  RUN s\n"
    before, after = made(one), made(two)
    assert difference(before, after) is None
    other = difference(before, made(two.replace("--X=2", "--X=3")))
    assert other
    assert other.sentence == "+main has BUILD +a --X=2 where it would have BUILD +a --X=3"


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ("RUN $A", "RUN $A", set()),
        ("RUN $A-$B", "RUN $A-$B", set()),
        ("ARG Y=$A$B\n  RUN $Y", "LET Y=$A$B\n  RUN $Y", set()),
        ("LET Y=$A\n  LET Z=$B\n  RUN $Y $Z", "LET Y=$B\n  LET Z=$A\n  RUN $Y $Z", {"A", "B"}),
        ("LET Y=$A\n  RUN $Y", "LET Y=1\n  RUN $Y", {"A"}),
        ("LET Y=${A%2}\n  RUN $Y", "LET Y=${A%2}\n  RUN $Y", {"A"}),
        ('IF [ "$A" = 1 ]\n    RUN a\n  END', 'IF [ "$A" = 1 ]\n    RUN a\n  END', {"A"}),
        ('IF [ "$A" = 1 ]\n    RUN a\n  END', "RUN a", {"A"}),
    ],
)
def test_what_a_proof_rests_on(before: str, after: str, wanted: set[str]) -> None:
    """For other calls, which agree on these, it need not be made again."""
    text = "VERSION 0.8\nFROM alpine\nmain:\n  ARG A\n  ARG B\n  {}\n"
    one, other = (made(text.format(each), A="1", B="1") for each in (before, after))
    assert difference(one, other) is None
    assert rests_on(one, other) == wanted
