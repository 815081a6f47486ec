"""Every statement's lines, to the last one that continues it."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.narrowing_spans import spans
from matrixbuild.core.earthfile.source import Source


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("VERSION 0.8\nARG X=1\n\n# about\nFROM a", [(1, 1), (2, 2), (5, 5)]),
        ("VERSION 0.8\nARG X=a \\\n  # about\n\n  b\nFROM a\n", [(1, 1), (2, 5), (6, 6)]),
        ('VERSION 0.8\nIF [ a ] && \\\n  [ b ]\n  ARG X="\nq"\n  IF c\n  ARG X\n  END\nELSE\n  RUN a\nEND\nFROM a\n', [(1, 1), (2, 11), (12, 12)]),
        (
            "VERSION 0.8\nt:\n  WITH DOCKER --load a=+b\n    RUN a\n  END\n  # c\n  RUN b \\\n   c\n\nu:\n  FOR i IN a\n    RUN a\n  END\n",
            [(1, 1), (3, 5), (7, 8), (11, 13)],
        ),
        ("VERSION 0.8\r\nARG X=a \\\r\n b\r\nFROM a\r\n", [(1, 1), (2, 3), (4, 4)]),
    ],
)
def test_where_statements_end(text: str, wanted: list[tuple[int, int]]) -> None:
    found = spans(Source.of(text, file="Earthfile"))
    assert [(each.first, each.last) for each in found.values()] == wanted
    assert list(found) == [first for first, _ in wanted]
