"""The names in texts: as words, behind a `$`, and as they are."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile import wording
from matrixbuild.core.earthfile.parser import parse


@pytest.mark.parametrize(
    ("text", "expanded", "said"),
    [
        ("a-$X ${Y} $Z1", {"X", "Y", "Z1"}, {"a"}),
        ("'$X' \"$Y\"", {"X", "Y"}, {"X"}),
        (r"\$X \\$Y", {"X", "Y"}, {"X"}),
        ("${X:-$Y} ${#Z} ${!V}", {"X", "Y", "Z", "V"}, {"V", "Z"}),
        ("X=1 echo X", set(), {"X", "echo"}),
    ],
)
def test_names_in_texts(text: str, expanded: set[str], said: set[str]) -> None:
    assert wording.expanded(text) == expanded
    assert wording.said(text) >= said
    assert wording.said(text) - wording.words(text) == set()
    assert not wording.said(text) & (wording.expanded(text) - said)


TEXT = """VERSION 0.8
main:
  IF [ $A ]
    FOR x IN $B
      RUN $C
    END
  ELSE IF [ $D ]
    WITH DOCKER --load i=+load
      RUN $E
    END
  ELSE
    WAIT
      BUILD +built --G=$G
    END
  END
  COPY (+copied/f --X=1) ./sub+not +also/f .
  FROM +from
  RUN +ran
  BUILD +$T
"""


def test_statements_with_all_in_them() -> None:
    body = parse(TEXT, file="Earthfile").targets[0].body
    assert wording.names(body[0]) >= set("ABCDEG")
    assert [each.place.line for each in wording.statements(body) if "E" in wording.words(wording.own_text(each))] == [9]
    assert wording.references(body) == {"load", "built", "copied", "also", "from", wording.ANY}
    kinds = [type(each).__name__ for each in wording.statements(body[0])]
    assert kinds == ["If", "For", "Command", "ElseIf", "With", "Command", "Command", "Wait", "Command"]
