"""What a program says of a build while it runs -> where the build is, and what it took of the machine, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a running build is: `step` of `steps` known so far of the Earthly target `earthly`, how many of them came from the cache, `percent` of
    what the step itself measures (None: nothing), and the last line that it printed."""

    earthly: str = ""
    step: int = 0
    steps: int = 0
    cached: int = 0
    percent: int | None = None
    line: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an attempt took: at most `memory` bytes at once, and `cpu` seconds of processors; None where nobody measured."""

    memory: int | None = None
    cpu: float | None = None


UNMEASURED = Usage()
