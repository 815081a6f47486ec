"""The collector is patient for as long as a block runs, however that ends."""

from __future__ import annotations

import gc

import pytest

from matrixbuild.adapters.collector import patient


def failing() -> None:
    with patient():
        raise KeyError


def test_the_collector_is_as_before_after_the_block() -> None:
    before = gc.get_threshold()
    with patient():
        assert gc.get_threshold() > before
    assert gc.get_threshold() == before
    with pytest.raises(KeyError):
        failing()
    assert gc.get_threshold() == before
