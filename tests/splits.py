"""Bytes as they come out of a pipe: in pieces, cut anywhere."""

from __future__ import annotations

import itertools

from hypothesis import strategies as st

splits = st.lists(st.integers(0, 60), max_size=8)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """`data` cut at these places, wherever they lie in it."""
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(places)]
