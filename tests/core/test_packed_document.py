from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.adapters.yaml_files import parse_document
from matrixbuild.core.packed_document import packed, unpacked

SCALARS = st.none() | st.booleans() | st.integers(-99, 99) | st.floats(allow_nan=False, allow_infinity=False) | st.text("ab 1.:#~é", max_size=5)
DATA = st.recursive(SCALARS, lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text("ab1", max_size=2), below, max_size=3))


def again(text: str) -> tuple[Any, Any]:
    """The document in a text, and the one that is made of its packed form once that was a file."""
    document = parse_document(text.encode(), file="a.yaml")
    return document, unpacked(json.loads(json.dumps(packed(document))), file="a.yaml", lines=text.split("\n"))


@given(DATA)
def test_it_comes_back_as_it_was(data: object) -> None:
    document, made = again(json.dumps(data, indent=1))
    assert made == document
    assert made.root.data == data


@pytest.mark.parametrize(
    "text",
    [
        "a: &it [1, 0x10, 1.5]\nb: *it\n",
        "a: 'quoted'\nb: plain\nc: \"1\"\nd: 1\ne: ~\nf:\n",
        "text: >-\n  over two\n  lines\nnext: |\n  kept\n  so\n",
        "# first\n- {a: 1, b: [x, y]}\n- - deeper\n",
        "alone",
    ],
)
def test_places_spellings_and_aliases(text: str) -> None:
    document, made = again(text)
    assert made == document


def test_what_is_wrong_is_not_packed() -> None:
    document = parse_document(b"a: 1\na: 2\n", file="a.yaml")
    with pytest.raises(ValueError, match=r"^a.yaml has 1 problems$"):
        packed(document)
