"""Secrets that this process has come to know -> whatever it says itself, without them, in any of their forms."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from matrixbuild.core.masking import NOTHING, Masking
from matrixbuild.core.problems import Place, Problem
from matrixbuild.core.renderings import renderings

if TYPE_CHECKING:
    from matrixbuild.core.failure import Failure


class KnownSecrets:
    """Values that must not be seen. Any thread may call anything.

    Texts for people are masked, and nothing else: names and keys are what a run goes on from, and a short secret may stand in one of them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: frozenset[str] = frozenset()
        self._masking = NOTHING

    def learn(self, values: Iterable[str]) -> None:
        new = frozenset(values) - self._values
        if new:
            with self._lock:
                self._values |= new
                self._masking = Masking({*self._masking.patterns, *(text for value in new for text in renderings(value))})

    def forget(self) -> None:
        """The command that knew them is over, and this process runs another."""
        with self._lock:
            self._values, self._masking = frozenset(), NOTHING

    def hidden(self, text: str) -> str:
        try:
            return self._masking.text(text)
        except UnicodeEncodeError:
            # Half of a pair, which no file holds: it is shown as an escape.
            return self._masking.text(text.encode(errors="backslashreplace").decode())

    def hidden_failure(self, failure: Failure) -> Failure:
        if not self._values:
            return failure
        lines, place = tuple(map(self.hidden, failure.lines)), self._hidden_place(failure.place)
        return replace(failure, summary=self.hidden(failure.summary), lines=lines, place=place, hint=self.hidden(failure.hint))

    def hidden_problems(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        if not self._values:
            return tuple(problems)
        return tuple(
            replace(each, summary=self.hidden(each.summary), place=self._hidden_place(each.place), hint=self.hidden(each.hint)) for each in problems
        )

    def _hidden_place(self, place: Place | None) -> Place | None:
        return replace(place, file=self.hidden(place.file), text=self.hidden(place.text)) if place else None


KNOWN = KnownSecrets()
"""Those of this process: an error goes from wherever a secret is read to the one boundary where it is shown, and nothing on its way knows both."""
