"""What a test tells the double to do, as a file beside its script: written by the test, read by each start of the double."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a RUN does whose text holds `match`: take `seconds`, print `output`, use `memory` bytes, and end with the code `exit`."""

    match: str
    seconds: float = 0.0
    exit: int = 0
    output: str = ""
    memory: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructions:
    """`run` is "pretend" or "refuse"; `transcript` is a folder to play (with the recorded times where `pace` is 1, faster below), or None."""

    run: str = "pretend"
    transcript: str | None = None
    pace: float = 0.0
    push_seconds: float = 0.0
    runs: tuple[Told, ...] = ()


def write(state: Path, told: Instructions) -> None:
    """Replaced as a whole: a double that starts meanwhile reads the old ones or the new ones."""
    part = state / "told.json.part"
    part.write_text(json.dumps(asdict(told)))
    part.replace(state / "told.json")


def read(state: Path) -> Instructions:
    found = json.loads((state / "told.json").read_text())
    return Instructions(**found | {"runs": tuple(Told(**each) for each in found["runs"])})
