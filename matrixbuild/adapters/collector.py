"""Python's collector of cycles, made to look less often while values are made that live to the end."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_PATIENT = (250_000, 50, 1_000)


@contextmanager
def patient() -> Iterator[None]:
    """While a large plan is made, looking through the hundred thousands of values that are there already takes a quarter of the time and finds
    nothing. What an evaluation leaves behind is young, and still found."""
    before = gc.get_threshold()
    gc.set_threshold(*_PATIENT)
    try:
        yield
    finally:
        gc.set_threshold(*before)
