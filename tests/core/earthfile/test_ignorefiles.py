"""Lines of ignore files."""

from __future__ import annotations

import pytest

from matrixbuild.core.earthfile.ignorefiles import patterns


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# comment\na\n\n  b/  \n", ("a", "b")),
        ("!keep\n! spaced\n", ("!keep", "!spaced")),
        ("/rooted\n./dot/../x\n/\n", ("rooted", "x", "/")),
        ("\ufeffa\r\n**/b\r\n", ("a", "**/b")),
        (" # no comment\n", ("# no comment",)),
        ("!\n", ("!",)),
    ],
)
def test_patterns(text: str, expected: tuple[str, ...]) -> None:
    assert patterns(text) == expected
