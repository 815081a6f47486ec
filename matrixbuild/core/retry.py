"""What is done about failures of one kind: the number of an attempt in, seconds to wait before it or None out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

_MOST_DOUBLINGS = 64


class Remedy(StrEnum):
    """What is changed before the next attempt, beside the time."""

    NOTHING = "nothing"
    MEMORY = "memory"
    """More memory is kept for it."""
    SPACE = "space"
    """Disk space is freed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """`attempts` counts the first one (1: the failure is final); `initial` and `maximum` are seconds. `outside` says that the cause lies outside
    the builds, so that others are about to meet it too.

    Raises ValueError for less than one attempt, a negative wait, or a maximum below the initial wait.
    """

    attempts: int = 1
    initial: float = 5.0
    maximum: float = 300.0
    remedy: Remedy = Remedy.NOTHING
    outside: bool = False

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"a build needs at least one attempt, not {self.attempts}")
        if not 0 <= self.initial <= self.maximum:
            raise ValueError(f"the first wait ({self.initial:g} s) is not negative, and not longer than the longest ({self.maximum:g} s)")

    def wait_before(self, attempt: int, *, asked: float = 0.0, key: str = "") -> float | None:
        """Seconds from a failure to `attempt` (2, 3, ...) of the build with this key, however many attempts it has.

        The wait doubles with every attempt, up to the maximum, less a part of up to a half that is a hash of build key and attempt: builds
        that failed together do not come back together, and the same run waits the same again. A registry's own wish (`asked`) is kept in
        full; for one that is longer than the maximum the answer is None: an attempt before its time would only fail.
        """
        return None if asked > self.maximum else max(asked, self._backoff(attempt, key))

    def _backoff(self, attempt: int, key: str) -> float:
        doubled = self.initial * 2.0 ** min(attempt - 2, _MOST_DOUBLINGS)
        return min(doubled, self.maximum) * (1 - _share(key, attempt) / 2)


def _share(key: str, attempt: int) -> float:
    """A number in [0, 1) that key and attempt alone decide."""
    digest = hashlib.sha256(f"{key} {attempt}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48
