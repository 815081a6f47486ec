from __future__ import annotations

import threading

import pytest

from matrixbuild.adapters.bounded import within


def test_an_answer_in_time_is_given_and_so_is_an_error() -> None:
    assert within(30, lambda: 7) == 7
    with pytest.raises(ValueError, match="invalid literal"):
        within(30, lambda: int("x"))


def test_who_does_not_answer_is_left() -> None:
    forever = threading.Event()
    with pytest.raises(TimeoutError):
        within(0.05, forever.wait)
    forever.set()
