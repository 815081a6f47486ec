"""Python's collector of cycles, made to look less often while values are made that live to the end."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_PATIENT = (500_000, 50, 1_000)
"""A plan of thousands of cells stays below the first number. What it costs is what half a million values that nobody needs any more take, at most:
a hundred megabytes or so."""


@contextmanager
def patient() -> Iterator[None]:
    """While a large plan is made, looking through the hundred thousands of values that are there already takes a quarter of the time and finds
    nothing. What an evaluation leaves behind is young, and still found."""
    _let_go()
    before = gc.get_threshold()
    gc.set_threshold(*_PATIENT)
    try:
        yield
    finally:
        if before != _PATIENT:
            # What is there by now is old: else all of it would be looked through at once.
            gc.freeze()
            gc.unfreeze()
        gc.set_threshold(*before)


@cache
def _let_go() -> None:
    """When the program ends, Python looks through all there is once more, module by module: after a large plan that takes an eighth of all time,
    for what goes with the process anyway."""
    atexit.register(gc.freeze)
