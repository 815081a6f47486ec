"""Words about many things, said from many threads -> the last word about each, told by one thread, and not too often."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Word = TypeVar("Word")


class Thinned(Generic[Word]):
    """Tells of each name at most once in `seconds`, and always its last word, unless that is forgotten before.

    `tell` is called in a thread of this object's own, which is there from the first word on; what it raises ends that thread, and is raised again
    by `close`.
    """

    def __init__(self, tell: Callable[[str, Word], None], *, seconds: float) -> None:
        self._tell = tell
        self._seconds = seconds
        # Held while a word is told: so nothing is told of a name once `forget` has returned.
        self._changed = threading.Condition()
        self._words: dict[str, Word] = {}
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self._error: BaseException | None = None

    def say(self, name: str, word: Word) -> None:
        with self._changed:
            self._words[name] = word
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="thinning", daemon=True)
                self._thread.start()
            self._changed.notify()

    def forget(self, name: str) -> None:
        """Nothing that was said of it is told any more."""
        with self._changed:
            self._words.pop(name, None)

    def close(self) -> None:
        """What was not told is not told any more. Raises what `tell` has raised."""
        self._closed.set()
        with self._changed:
            self._changed.notify()
        if self._thread:
            self._thread.join()
        if self._error:
            raise self._error

    def _serve(self) -> None:
        try:
            while not self._closed.is_set():
                self._tell_all()
                self._closed.wait(self._seconds)
        except BaseException as error:  # noqa: BLE001  (it is raised where somebody can act on it)
            self._error = error

    def _tell_all(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._words or self._closed.is_set())
            names = list(self._words)
        for name in names:
            # One at a time: whoever says a word meanwhile waits for one telling at the most.
            with self._changed:
                if name in self._words and not self._closed.is_set():
                    self._tell(name, self._words.pop(name))
