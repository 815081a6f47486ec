"""What a real program made of a situation, and what of it is written down to compare by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.pairs.case import FOLDER, Case

KINDS = ("earthly", "earthbuild")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """How a call ended: whether it failed, what each pushed image is (configuration and contents, neither names, times nor history), what was
    written AS LOCAL, and the commands that were executed, not taken from the cache."""

    failed: bool
    images: tuple[str, ...] = ()
    files: str = ""
    ran: tuple[str, ...] = ()

    def differs(self, other: Observation) -> list[str]:
        """In what they differ, `ran` apart."""
        found = {"exit": self.failed != other.failed, "images": self.images != other.images, "files": self.files != other.files}
        return [name for name, differs in found.items() if differs]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A recorded variation: in what it differed from the base, and what was executed for it after the base."""

    differs: tuple[str, ...]
    ran: tuple[str, ...]


def short(value: object) -> str:
    """A value that JSON knows, as a digest of 16 digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def written(case: Case, base: Observation, again: Observation, varied: Mapping[str, Observation]) -> dict[str, Any]:
    """The form in which a record is kept: of the base everything, and what executes each time (`again`); of a variation in what it is unlike
    the base, and what it executed that a repetition of the base does not. `of` says what the case was when it was recorded."""
    return {
        "of": short(case.described),
        "base": {"failed": base.failed, "images": list(base.images), "files": base.files, "always": sorted(set(again.ran))},
        "varied": {about: {"differs": each.differs(base), "ran": sorted(set(each.ran) - set(again.ran))} for about, each in varied.items()},
    }


@cache
def _record(name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((FOLDER / "recorded" / f"{name}.json").read_text())
    return told


@cache
def recorded(name: str) -> dict[str, dict[str, Seen]]:
    """Of a case, for each kind of program, what was seen of each variation."""
    return {
        kind: {about: Seen(differs=tuple(each["differs"]), ran=tuple(each["ran"])) for about, each in record["varied"].items()}
        for kind, record in _record(name).items()
    }


def base_failed(name: str) -> dict[str, bool]:
    """Of a case, for each kind of program, whether it fails as it is."""
    return {kind: record["base"]["failed"] for kind, record in _record(name).items()}


def recorded_of(name: str) -> set[str]:
    """What the case was when it was recorded, as a digest."""
    return {record["of"] for record in _record(name).values()}
