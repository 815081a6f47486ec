"""Whether a failed build is worth another attempt, and how long to wait before it: (failure, attempt) in, seconds or None out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from matrixbuild.core.failure import Failure, FailureKind

WORTH_RETRYING = frozenset({FailureKind.NETWORK, FailureKind.REGISTRY, FailureKind.BUILDER, FailureKind.PUSH, FailureKind.TIMEOUT})
"""What may go well the next time with nothing changed. A time-out is among them because a stalled pull never ends by itself
(facts/earthly.md 9.6). The others would fail the same way again."""

_MOST_DOUBLINGS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """`attempts` counts the first one; `initial` and `maximum` are seconds; `kinds` are the failures worth another attempt.

    Raises ValueError for less than one attempt, a negative wait, or a maximum below the initial wait.
    """

    attempts: int = 3
    initial: float = 5.0
    maximum: float = 300.0
    kinds: frozenset[FailureKind] = WORTH_RETRYING

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"a build needs at least one attempt, not {self.attempts}")
        if not 0 <= self.initial <= self.maximum:
            raise ValueError(f"the first wait ({self.initial:g} s) is not negative, and not longer than the longest ({self.maximum:g} s)")

    def wait_before(self, attempt: int, *, failure: Failure, key: str) -> float | None:
        """Seconds from `failure`, which ended the attempt before, to `attempt` (2, 3, ...), or None to give up.

        The wait doubles with every attempt, up to the maximum, less a part of up to a half that is a hash of build key and attempt: builds
        that failed together do not come back together, and the same run waits the same again. A registry's own wish (`retry_after`) is kept
        in full; one that is longer than the maximum ends it: an attempt before its time would only fail.
        """
        if attempt > self.attempts or failure.kind not in self.kinds:
            return None
        asked = failure.retry_after or 0.0
        return None if asked > self.maximum else max(asked, self._backoff(attempt, key))

    def _backoff(self, attempt: int, key: str) -> float:
        doubled = self.initial * 2.0 ** min(attempt - 2, _MOST_DOUBLINGS)
        return min(doubled, self.maximum) * (1 - _share(key, attempt) / 2)


def _share(key: str, attempt: int) -> float:
    """A number in [0, 1) that key and attempt alone decide."""
    digest = hashlib.sha256(f"{key} {attempt}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48
