"""What a program says of a build while it runs -> where the build is, and what it took of the machine, as values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a running build is: `step` of `steps` known so far of the Earthly target `earthly`, how many of them came from the cache, `percent` of
    what the step itself measures (None: nothing), and the last line that it printed. `uploaded`: the files that others wait for are with its
    builder."""

    earthly: str = ""
    step: int = 0
    steps: int = 0
    cached: int = 0
    percent: int | None = None
    line: str = ""
    uploaded: bool = False

    def __str__(self) -> str:
        """`+base step 3 of 40, 2 cached, 60 %`: what is known of it, its line left out."""
        step = f"step {self.step} of {self.steps}" if self.steps else ""
        cached = f"{self.cached} cached" if self.cached else ""
        percent = f"{self.percent} %" if self.percent is not None else ""
        return " ".join(filter(None, (self.earthly, ", ".join(filter(None, (step, cached, percent))))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """The seconds that commands of an Earthly target (as Progress names it) took which ran: `part` of those that it runs, where others came from the
    cache (1.0: all of them, so that this is how long it takes)."""

    target: str
    seconds: float
    part: float = 1.0

    @property
    def whole(self) -> bool:
        return self.part >= 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an attempt took: at most `memory` bytes at once, and `cpu` seconds of processors; None where nobody measured. `made` are the Earthly
    targets of which commands ran, sorted by name, each once."""

    memory: int | None = None
    cpu: float | None = None
    made: tuple[Making, ...] = ()


UNMEASURED = Usage()


def together(parts: Iterable[Usage]) -> Usage:
    """What programs took that ran one after the other. Of a target that several made, the most counts."""
    found = tuple(parts)
    memory = [each.memory for each in found if each.memory is not None]
    cpu = [each.cpu for each in found if each.cpu is not None]
    made: dict[str, Making] = {}
    for one in (one for each in found for one in each.made):
        made[one.target] = max(one, made.get(one.target, one), key=lambda making: (making.part, making.seconds))
    return Usage(memory=max(memory, default=None), cpu=sum(cpu) if cpu else None, made=tuple(made[target] for target in sorted(made)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """An attempt that built its build: how many seconds that took, and what of the machine."""

    seconds: float
    usage: Usage = UNMEASURED
