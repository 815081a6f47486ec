"""How the program ends, as numbers: by themselves, so that `--version` and `--help` load nothing else."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How the program ends (design.md 7)."""

    DONE = 0
    RUNTIME = 1
    CHANGES = 2
    INVALID = 3
    BUILDS_FAILED = 4
    REFUSED = 5
    BUSY = 7
    UNUSABLE = 8
    USAGE = 64
    INTERRUPTED = 130
    TERMINATED = 143


class Terminated(BaseException):
    """SIGTERM: unwinds like KeyboardInterrupt, so that everything held is let go."""
