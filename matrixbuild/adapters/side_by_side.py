"""One question for each of many things -> the answers, asked a few at once."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_AT_ONCE = 8


def side_by_side(ask: Callable[[T], R], things: Iterable[T]) -> list[R]:
    """`ask` of every thing, in their order; raises the first error that comes, and asks no more then.

    The threads are daemons, unlike those of concurrent.futures: a registry that does not answer keeps nobody from leaving with Ctrl-C.
    """
    waiting = list(enumerate(things))
    tickets = itertools.count()
    answers: SimpleQueue[tuple[int, Future[R]]] = SimpleQueue()
    stopped = threading.Event()

    def serve() -> None:
        while (ticket := next(tickets)) < len(waiting) and not stopped.is_set():
            number, thing = waiting[ticket]
            answer: Future[R] = Future()
            try:
                answer.set_result(ask(thing))
            except BaseException as error:  # noqa: BLE001  (raised again by who waits for it)
                answer.set_exception(error)
            answers.put((number, answer))

    for _ in range(min(_AT_ONCE, len(waiting))):
        threading.Thread(target=serve, daemon=True).start()
    found: dict[int, R] = {}
    try:
        for _ in waiting:
            number, answer = answers.get()
            found[number] = answer.result()
    finally:
        stopped.set()
    return [found[number] for number in range(len(waiting))]
