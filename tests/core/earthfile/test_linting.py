"""What all rules have in common: order, names, Earthfiles that are none, and that nothing else is ever raised."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.earthfile.linting import RULES, lint
from tests.core.earthfile.linting import Texts, linted

_PIECES = [
    "VERSION 0.8\n", "VERSION 0.6\n", "main:\n", "FN:\n  FUNCTION\n", "  ARG X\n", "  ARG X=$(y)\n", "ARG --global X=1\n", "  LET X=$X\n", "LET Y=1\n",
    "  RUN apt-get upgrade $X\n", "  RUN --no-cache x\n", "  RUN\n", "  COPY . .\n", "  COPY (+main/x --X=$X) .\n", "  FROM scratch\n", "FROM +main\n",
    "  FROM +main\n", "  FROM ./x+y\n", "  FROM\n", "  IF [ $X\n", "  IF !\n", "  IF $X\n", "  ELSE IF [ !\n", "  ELSE\n", "  END\n",
    "  FOR x IN $(y)\n", "  FOR\n", "  ENV X=1\n", "  ENV X\n", "  SAVE IMAGE --push a b\n", "  SAVE IMAGE\n", "  DO +FN --X=$X\n", "  BUILD --pass-args +main\n",
    "  CACHE\n", "  IMPORT ./x AS y\n", "  WITH DOCKER\n", "  TRY\n", "  FINALLY\n", "  WAIT\n",
]  # fmt: skip
_LIKE_AN_EARTHFILE = st.lists(st.sampled_from(_PIECES), max_size=25).map("".join)


@given(_LIKE_AN_EARTHFILE)
@example("VERSION 0.8\nmain:\n  FROM +main\n  RUN x\n")
@example("VERSION 0.8\nFN:\n  FUNCTION\n  DO +FN\n")
def test_nothing_but_what_the_parser_tells_is_ever_raised(text: str) -> None:
    try:
        found = lint(text, file="Earthfile", directory="", checkout=Texts({"Earthfile": text}))
    except EarthfileError:
        return
    lines = text.split("\n")
    assert [finding.place.line for finding in found] == sorted(finding.place.line for finding in found)
    assert all(finding.place.text == lines[finding.place.line - 1] and finding.summary and finding.hint for finding in found)


def test_a_text_that_is_no_earthfile() -> None:
    with pytest.raises(EarthfileError, match="the Earthfile has no VERSION"):
        linted("main:\n  FROM alpine\n")
    with pytest.raises(EarthfileError, match="END"):
        linted("VERSION 0.8\nmain:\n  IF true\n    RUN x\n")


def test_an_earthfile_without_a_fault() -> None:
    text = """
        VERSION 0.8
        base-image:
            FROM alpine:3.20
            RUN apk add curl
        app:
            FROM +base-image
            ARG VERSION=dev
            COPY --dir src .
            RUN make VERSION=$VERSION
            SAVE IMAGE --push r.example.com/app:$VERSION
        """
    assert linted(text, {"src/a.c": "int x;"}) == ()


def test_each_rule_has_a_name_of_its_own_and_a_sentence() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES) == 22
    assert all(rule.about and not rule.about.endswith(".") for rule in RULES)
