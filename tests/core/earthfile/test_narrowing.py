"""ARGs that differ leave the base recipe and are declared where they are named; nothing else of the text changes."""

from __future__ import annotations

from textwrap import dedent

import pytest

from matrixbuild.core.earthfile.narrowing import Given, Into
from tests.core.earthfile.narrowing import narrowed

HEAD = "VERSION --arg-scope-and-set --shell-out-anywhere 0.6\n"
TWO = ({"X": "1"}, {"X": "2"})


def text_of(text: str, calls: object = TWO, **how: object) -> str:
    """What becomes of a text (its VERSION taken off), proven for each call."""
    found = narrowed(HEAD + dedent(text).lstrip(), calls, **how)  # type: ignore[arg-type]
    for each in calls:  # type: ignore[attr-defined]
        assert found.differs("main", each) is None
    assert found.narrowing.text.startswith(HEAD)
    return found.narrowing.text.removeprefix(HEAD)


def test_it_is_declared_before_the_first_statement_that_names_it() -> None:
    text = """
        # about X
        ARG X=0  # of old
        FROM alpine

        main:
            FROM ubuntu
            RUN upgrade
            # what follows is about it
            RUN echo \\
                # a comment
                "$X" && \\
                true
            SAVE IMAGE --push example.com/main:$X
    """
    wanted = """
        # about X
        FROM alpine

        main:
            FROM ubuntu
            RUN upgrade
            # what follows is about it
            ARG X
            RUN echo \\
                # a comment
                "$X" && \\
                true
            SAVE IMAGE --push example.com/main:$X
    """
    assert text_of(text) == dedent(wanted).lstrip()


def test_what_is_not_always_given_keeps_its_default_and_takes_along_what_it_is_made_from() -> None:
    text = """
        ARG X=0
        ARG OTHER=o
        ARG Y="$X-$OTHER \\
          z"
        ARG Z=$Y
        FROM alpine
        main:
          RUN one
          RUN two Z
          RUN three $X
    """
    wanted = """
        ARG OTHER=o
        FROM alpine
        main:
          RUN one
          ARG X=0
          ARG Y="$X-$OTHER \\
          z"
          ARG Z=$Y
          RUN two Z
          RUN three $X
    """
    assert text_of(text, ({"X": "1"}, {})) == dedent(wanted).lstrip()


def test_what_is_given_needs_nothing_that_its_default_is_made_from() -> None:
    text = "ARG X=0\nARG Y=a$X\nFROM alpine\nmain:\n  RUN $Y\n  RUN $X\n"
    calls = ({"X": "1", "Y": "p"}, {"X": "2", "Y": "p"})
    assert text_of(text, calls) == "FROM alpine\nmain:\n  ARG Y\n  RUN $Y\n  ARG X\n  RUN $X\n"


def test_an_if_over_args_goes_along_whole() -> None:
    text = """
        ARG X
        FROM alpine
        # which tag
        IF [ "$X" != "" ]
            # with it

            ARG TAG=a-$X
        ELSE IF [ "$X" = "3" ] && \\
           [ -n "$X" ]
            ARG TAG=b
        ELSE
            ARG TAG=c
        END
        main:
            RUN upgrade
            IF [ 1 = 1 ]
                RUN use $TAG
            END
    """
    wanted = """
        FROM alpine
        # which tag
        main:
            RUN upgrade
            ARG X
            IF [ "$X" != "" ]
                ARG TAG=a-$X
            ELSE IF [ "$X" = "3" ] && \\
           [ -n "$X" ]
                ARG TAG=b
            ELSE
                ARG TAG=c
            END
            IF [ 1 = 1 ]
                RUN use $TAG
            END
    """
    assert text_of(text) == dedent(wanted).lstrip()


IF = 'ARG X\nFROM alpine\nIF [ "$X" {} 1 ]\n  ARG Y=a\nELSE\n  ARG Y=b\nEND\nARG O=o\nARG Z=$Y$O\n'
TEST = '  ARG X\n  IF [ "$X" {} 1 ]\n    ARG Y=a\n  ELSE\n    ARG Y=b\n  END\n'


@pytest.mark.parametrize(
    ("test", "body", "wanted"),
    [
        # Where there is no shell, nobody knows of one, or another shell may answer otherwise, a test is done in the base recipe's image.
        ("=", "  FROM scratch\n  SAVE IMAGE a:$Y\n", "{test}  FROM scratch\n  SAVE IMAGE a:$Y\n"),
        ("=", "  FROM ubuntu\n  SAVE IMAGE a:$Y\n", "{test}  FROM ubuntu\n  SAVE IMAGE a:$Y\n"),
        ("=", "  FROM ubuntu\n  RUN a\n  SAVE IMAGE a:$Y\n", "  FROM ubuntu\n  RUN a\n{test}  SAVE IMAGE a:$Y\n"),
        ("=", '  FROM ubuntu\n  RUN ["a"]\n  SAVE IMAGE a:$Y\n', '{test}  FROM ubuntu\n  RUN ["a"]\n  SAVE IMAGE a:$Y\n'),
        ("=", "  FROM ubuntu\n  RUN $Y\n", "  FROM ubuntu\n{test}  RUN $Y\n"),
        ("==", "  FROM ubuntu\n  RUN $Y\n", "{test}  FROM ubuntu\n  RUN $Y\n"),
        ("==", "  RUN a\n  RUN $Y\n", "  RUN a\n{test}  RUN $Y\n"),
        # Behind a redeclaration of what it is made from it would be another.
        ("=", "  ARG O=p\n  RUN $Z\n", "{test}  ARG Z=$Y$O\n  ARG O=p\n  RUN $Z\n"),
        ("=", "  LET O=p\n  RUN $Z\n", "{test}  ARG Z=$Y$O\n  LET O=p\n  RUN $Z\n"),
        # Before 0.7 nothing may follow a SAVE IMAGE --push.
        ("=", "  RUN a\n  SAVE IMAGE --push a:1\n  SAVE IMAGE b:$Y\n", "  RUN a\n{test}  SAVE IMAGE --push a:1\n  SAVE IMAGE b:$Y\n"),
    ],
)
def test_where_a_test_is_done(test: str, body: str, wanted: str) -> None:
    assert text_of(IF.format(test) + f"main:\n{body}") == f"FROM alpine\nARG O=o\nmain:\n{wanted.format(test=TEST.format(test))}"


def test_a_bare_arg_without_other_use_is_dropped() -> None:
    text = "ARG X=0\nFROM alpine\nmain:\n  ARG X\n  RUN a\n  COPY +other/f .\nother:\n  ARG X\n"
    found = narrowed(HEAD + text, TWO)
    assert found.narrowing.text == HEAD + "FROM alpine\nmain:\n  RUN a\n  COPY +other/f .\nother:\n  ARG X\n"
    assert [place.line for place in found.narrowing.dropped] == [5]


def test_recipes_that_no_call_comes_to_stay_as_they_are() -> None:
    text = "ARG X=0\nFROM alpine\nmain:\n  RUN $X\nother:\n  ARG X=3\n  RUN env; echo $X\n"
    assert text_of(text) == "FROM alpine\nmain:\n  ARG X\n  RUN $X\nother:\n  ARG X=3\n  RUN env; echo $X\n"


def test_a_script_that_a_text_writes_elsewhere_counts_as_naming_what_it_names() -> None:
    text = "ARG X=0\nFROM alpine\nmain:\n  FROM ubuntu\n  COPY +script/s .\n  RUN ./s\nscript:\n  RUN echo 'echo $X' > s\n  SAVE ARTIFACT s\n"
    wanted = (
        "FROM alpine\nmain:\n  FROM ubuntu\n  COPY +script/s .\n  ARG X\n  RUN ./s\nscript:\n  ARG X\n  RUN echo 'echo $X' > s\n  SAVE ARTIFACT s\n"
    )
    assert text_of(text) == wanted


@pytest.mark.parametrize("version", ["0.7", "0.8"])
def test_from_07_on_only_global_args_are_concerned(version: str) -> None:
    text = f"VERSION {version}\nARG --global X=0\nARG --required --global Y\nARG Z=1\nFROM alpine\nmain:\n  RUN $X $Y\n"
    found = narrowed(text, ({"X": "1", "Y": "1", "Z": "1"}, {"Y": "2", "Z": "2"}))
    assert found.narrowing.text == f"VERSION {version}\nARG Z=1\nFROM alpine\nmain:\n  ARG X=0\n  ARG --required Y\n  RUN $X $Y\n"
    assert found.differs("main", {"Y": "2", "Z": "2"}) is None
    assert found.narrowing.names == {"X", "Y"}
    assert found.narrowing.refused == ()


def test_line_ends_are_kept() -> None:
    text = "VERSION 0.6\r\nARG X=0\r\nFROM alpine\r\nmain:\r\n\tRUN $X\r\n"
    assert narrowed(text, ({}, {"X": "2"})).narrowing.text == "VERSION 0.6\r\nFROM alpine\r\nmain:\r\n\tARG X=0\r\n\tRUN $X\r\n"


def test_lines_are_the_authors() -> None:
    text = 'VERSION 0.8\nARG --global X\nFROM alpine\nIF [ "$X" = 1 ]\n  ARG --global Y=a\nEND\nARG --global Z=1\nmain:\n  RUN a\n  RUN $Y\n'
    found = narrowed(text, TWO).narrowing
    assert [(line, found.original(number)) for number, line in enumerate(found.text.split("\n"), 1)] == [
        ("VERSION 0.8", 1),
        ("FROM alpine", 3),
        ("ARG --global Z=1", 7),
        ("main:", 8),
        ("  RUN a", 9),
        ("  ARG X", 2),
        ('  IF [ "$X" = 1 ]', 4),
        ("    ARG Y=a", 5),
        ("  END", 6),
        ("  RUN $Y", 10),
        ("", 11),
    ]
    assert (found.added, found.removed) == ((6, 7, 8, 9), (2, 4, 5, 6))
    assert [(each.name, each.place.line, each.into, each.differs) for each in found.moved] == [
        ("X", 2, (Into(target="main", line=6),), True),
        ("Y", 4, (Into(target="main", line=7),), False),
    ]


@pytest.mark.parametrize("calls", [(), ({"X": "1"},), ({"X": "1"}, {"X": "1"}), ({"W": "1"}, {"W": "2"})])
def test_without_a_difference_nothing_changes(calls: tuple[dict[str, str], ...]) -> None:
    text = HEAD + "ARG X=0\nFROM alpine\nmain:\n  RUN $X\n"
    found = narrowed(text, calls).narrowing
    assert (found.text, found.narrowed, found.refused, found.moved) == (text, False, (), ())
    assert [found.original(line) for line in (1, 4, 5, 6, 99)] == [1, 4, 5, 6, 6]


def test_what_calls_give() -> None:
    assert Given.of([{"A": "1", "B": "1"}, {"A": "1", "B": "2"}, {"A": "1", "B": "1", "C": ""}]) == Given(
        differing=frozenset("BC"), always=frozenset("AB"), values=frozenset({"1", "2", ""})
    )
