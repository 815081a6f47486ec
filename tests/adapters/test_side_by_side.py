"""Answers come in the order of the questions, an error comes at once, and what hangs holds nobody."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from matrixbuild.adapters.side_by_side import side_by_side

HANGING = """
import os, signal, threading
# A shell starts what it runs in the background with interrupts ignored, and that is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)
from matrixbuild.adapters.side_by_side import side_by_side
def ask(_):
    os.write(1, b"asked\\n")
    threading.Event().wait()
side_by_side(ask, range(3))
"""


def test_answers_are_in_the_order_of_the_questions() -> None:
    def slower_first(number: int) -> int | None:
        time.sleep((20 - number) / 1000)
        return number or None

    assert side_by_side(slower_first, range(20)) == [None, *range(1, 20)]
    assert side_by_side(slower_first, []) == []


def test_the_first_error_is_raised_while_others_still_wait() -> None:
    def ask(number: int) -> None:
        if number == 1:
            raise ValueError("no")
        threading.Event().wait()

    with pytest.raises(ValueError, match=r"^no$"):
        side_by_side(ask, range(5))


def test_an_interrupt_ends_the_program_though_nothing_answers() -> None:
    with subprocess.Popen([sys.executable, "-c", HANGING], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        try:
            assert child.stdout is not None
            # One write a thread: `print` writes text and line end apart, and two threads mix them.
            assert child.stdout.readline() == "asked\n"
            child.send_signal(signal.SIGINT)
            assert child.wait(timeout=30) == -signal.SIGINT
        finally:
            child.kill()
