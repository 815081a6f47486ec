"""What builds Earthly targets, wherever it was found: a program of this machine, or one that runs through Docker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from matrixbuild.adapters.engines.earthly.builders import Builders
from matrixbuild.adapters.engines.earthly.calling import PLAIN, Vessel
from matrixbuild.core.program import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The program, its builders, what of the environment it may see, and where it runs."""

    program: Program
    builders: Builders
    seen: Mapping[str, str] = field(repr=False)
    vessel: Vessel = PLAIN
