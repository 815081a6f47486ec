"""A command of the build that ended with an error: its text, its exit code and what it printed -> what that was, told by nothing else.

The program knows no more than that it did not end with 0. A RUN that was killed shows as 255, with not one word of why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from matrixbuild.core.failure import FailureKind
from matrixbuild.core.failures.guards import is_guard
from matrixbuild.core.failures.table import STEP_DISK, STEP_MEMORY, STEP_NETWORK
from matrixbuild.core.failures.words import plain

_CODE = re.compile(r"(?:Exit code|exit code:?) (\d+)\b(?!.*exit code)", re.IGNORECASE | re.DOTALL)
_TAIL = 30
"""Lines at the end that tell why a step ended; a warning long before was got over."""
_LONGEST = 2000
_KILLED = 255
_KILLED_CHILD = 137
_NEAR = 0.9
ERROR = re.compile(r"(?i)\b(?:error|fatal|failed|failure|denied|not found|no such|cannot|can't|unable|invalid|refused)\b")

_SIGNS = ((FailureKind.DISK, None, STEP_DISK), (FailureKind.OOM, None, STEP_MEMORY), (FailureKind.STEP, True, STEP_NETWORK))
"""What a step's own words show; a failure of the network may pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a failed step was: `code` is its exit code (None: not told), `again` as in core.failure.Failure, `sign` what showed it."""

    kind: FailureKind
    code: int | None
    again: bool | None = None
    sign: str = ""


def step(command: str, message: str, output: str, *, peak: int | None = None, limit: int | None = None) -> Step:
    """`peak` and `limit` are bytes of memory, as far as they were measured: near the limit is a sign by itself."""
    code = exit_code(message)
    text = "\n".join(last_lines(output, _TAIL))
    for kind, again, pattern in _SIGNS:
        if found := pattern.search(text):
            return Step(kind=kind, code=code, again=again, sign=found[0])
    if code == _KILLED_CHILD or (code == _KILLED and _near(peak, limit)):
        return Step(kind=FailureKind.OOM, code=code)
    if is_guard(command, plain(output)):
        return Step(kind=FailureKind.GUARD, code=code)
    # A program that ends with 255 says why, mostly; one that is killed has no time to.
    silent = code == _KILLED and not ERROR.search(text)
    return Step(kind=FailureKind.OOM if silent else FailureKind.STEP, code=code)


def exit_code(message: str) -> int | None:
    found = _CODE.search(message)
    return int(found[1]) if found else None


def last_lines(output: str, most: int) -> list[str]:
    """Without empty ones; of an endless one the end."""
    return [line[-_LONGEST:].rstrip() for line in plain(output).splitlines() if line.strip()][-most:]


def _near(peak: int | None, limit: int | None) -> bool:
    return peak is not None and limit is not None and peak >= _NEAR * limit
