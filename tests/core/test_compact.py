"""Canonical JSON: compact for digests, indented for people."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from matrixbuild.core.compact import compact, digest_of, indented
from matrixbuild.core.names import sha256

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters()), inner, max_size=4),
    max_leaves=20,
)


def test_compact_is_sorted_and_without_blanks() -> None:
    assert compact({"b": [1, "ü"], "a": True}) == '{"a":true,"b":[1,"ü"]}'.encode()


def test_a_name_that_is_not_utf_8_has_a_digest_too() -> None:
    assert digest_of("\udcff") == sha256(b'"\xed\xb3\xbf"')


@settings(deadline=None)
@given(VALUES)
def test_indented_is_what_json_writes(value: object) -> None:
    assert indented(value) == json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
