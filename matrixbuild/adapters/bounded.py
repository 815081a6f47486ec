"""A question that nothing can interrupt (a name looked up, a file of a dead server) -> its answer, or TimeoutError."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, ask: Callable[[], T]) -> T:
    """What `ask` gives or raises; TimeoutError after so many seconds. Its thread is then left to itself: it keeps nobody from leaving."""
    answer: Future[T] = Future()

    def serve() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:  # noqa: BLE001  (raised again by who waits for it)
            answer.set_exception(error)

    threading.Thread(target=serve, daemon=True).start()
    return answer.result(timeout=seconds)
