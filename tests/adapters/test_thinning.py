"""The last word about each thing is told, not too often, and nothing after it was forgotten."""

from __future__ import annotations

import threading
import time
from queue import SimpleQueue

import pytest

from matrixbuild.adapters.thinning import Thinned

Told = SimpleQueue[tuple[str, int]]


def test_the_last_word_is_always_told_and_few_of_those_before_it() -> None:
    told: Told = SimpleQueue()
    thinned = Thinned[int](lambda name, word: told.put((name, word)), seconds=0.05)
    for word in range(1000):
        thinned.say("a", word)
        thinned.say("b", -word)
    last: dict[str, int] = {}
    count = 0
    while last != {"a": 999, "b": -999}:
        name, word = told.get(timeout=10)
        last[name] = word
        count += 1
    assert count < 500
    thinned.close()
    assert told.empty()


def test_a_word_after_a_pause_is_told_too() -> None:
    told: Told = SimpleQueue()
    thinned = Thinned[int](lambda name, word: told.put((name, word)), seconds=0.001)
    for word in range(3):
        thinned.say("a", word)
        assert told.get(timeout=10) == ("a", word)
    thinned.close()


def test_nothing_is_told_of_what_was_forgotten() -> None:
    told: Told = SimpleQueue()
    thinned = Thinned[int](lambda name, word: told.put((name, word)), seconds=0.2)
    thinned.say("first", 1)
    assert told.get(timeout=10) == ("first", 1)
    thinned.say("gone", 2)
    thinned.say("stays", 3)
    thinned.forget("gone")
    thinned.forget("never said")
    assert told.get(timeout=10) == ("stays", 3)
    thinned.close()
    assert told.empty()


def test_forgetting_waits_for_what_is_being_told() -> None:
    began, may_end, forgotten = threading.Event(), threading.Event(), threading.Event()

    def tell(_name: str, _word: int) -> None:
        began.set()
        may_end.wait(10)

    thinned = Thinned[int](tell, seconds=0.0)
    thinned.say("a", 1)
    assert began.wait(10)

    def forget() -> None:
        thinned.forget("a")
        forgotten.set()

    threading.Thread(target=forget, daemon=True).start()
    time.sleep(0.02)
    assert not forgotten.is_set()
    may_end.set()
    assert forgotten.wait(10)
    thinned.close()


def test_what_telling_raises_is_raised_by_close() -> None:
    began = threading.Event()

    def tell(name: str, _word: int) -> None:
        began.set()
        raise KeyError(name)

    thinned = Thinned[int](tell, seconds=0.0)
    thinned.say("nothing", 1)
    assert began.wait(10)
    with pytest.raises(KeyError, match="nothing"):
        thinned.close()


def test_closing_what_never_spoke() -> None:
    Thinned[int](lambda _name, _word: None, seconds=60).close()
