"""The collector is patient for as long as a block runs, however that ends."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

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


@pytest.mark.parametrize("patience", [True, False])
def test_at_the_end_of_the_program_nothing_is_looked_through(*, patience: bool) -> None:
    wait = "with patient(): pass" if patience else "pass"
    program = f"""\
import gc
from matrixbuild.adapters.collector import patient
class Circle:
    def __init__(self): self.own = self
    def __del__(self): print("found")
gc.disable()
Circle()
{wait}
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == ("" if patience else "found\n")


def test_what_was_made_in_the_block_is_still_found_later() -> None:
    class Circle:
        def __init__(self) -> None:
            self.own = self

    with patient():
        seen = weakref.ref(Circle())
    assert not gc.get_freeze_count()
    gc.collect()
    assert seen() is None
