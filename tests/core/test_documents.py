"""Errors of documents say what was expected and where."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from matrixbuild.core import documents
from matrixbuild.core.documents import DocumentError


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda: documents.is_a(True, int), "Unexpected type bool (expected int)"),
        (lambda: documents.size(-1), "Unexpected value -1 (expected at least 0)"),
        (lambda: documents.matching(re.compile("a+"), "letters a")("b"), "Unexpected value 'b' (expected letters a)"),
        (lambda: documents.field({}, "size", documents.size), "Missing required field in 'size'"),
        (lambda: documents.field({"size": None}, "size", documents.size), "Unexpected type NoneType (expected int) in 'size'"),
        (lambda: documents.mapping({"sise": 1}, {"size"}), "Unknown field (did you mean 'size'?) in 'sise'"),
        (lambda: documents.mapping({"x": 1}, {"size"}), "Unknown field in 'x'"),
        (lambda: documents.mapping([], {"size"}), "Unexpected type list (expected dict)"),
        (lambda: documents.texts({"a": "1", "b c": 2}), "Unexpected type int (expected str) in '[b c]'"),
        (lambda: documents.entries({"a": {"b": 1}}, documents.texts), "Unexpected type int (expected str) in 'a.b'"),
        (lambda: documents.listed(["a", {}], documents.text), "Unexpected type dict (expected str) in '[1]'"),
    ],
)
def test_an_error_names_the_path(read: Callable[[], object], message: str) -> None:
    with pytest.raises(DocumentError) as raised:
        read()
    assert str(raised.value) == message


def test_entries_and_texts_are_sorted() -> None:
    assert documents.texts({"b": "2", "a": "1"}) == (("a", "1"), ("b", "2"))
    assert documents.entries({"b": 2, "a": 1}, documents.size) == (("a", 1), ("b", 2))


def test_an_optional_field_has_its_default_only_where_it_is_missing() -> None:
    assert documents.optional({}, "size", documents.size, 7) == 7
    with pytest.raises(DocumentError, match="Unexpected type NoneType"):
        documents.optional({"size": None}, "size", documents.size, 7)
