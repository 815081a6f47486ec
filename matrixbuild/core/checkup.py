"""What was looked at before a build -> checks, each in one line, and whether an apply could begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How it is: as it should be; worth a look; or what an apply would fail for."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at: `name` says which kind of thing, `about` which one of several, `hint` what to do about it."""

    name: str
    summary: str
    level: Level = Level.OK
    about: str = ""
    hint: str = ""


def warn(name: str, summary: str, hint: str, *, about: str = "") -> Check:
    return Check(name=name, level=Level.WARN, summary=summary, hint=hint, about=about)


def fail(name: str, summary: str, hint: str, *, about: str = "", needed: bool = True) -> Check:
    """What is not `needed` is only worth a look."""
    return Check(name=name, level=Level.FAIL if needed else Level.WARN, summary=summary, hint=hint, about=about)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """Everything that was looked at, in a fixed order; `manifest` is for which ("": for none)."""

    manifest: str
    checks: Sequence[Check]

    @property
    def healthy(self) -> bool:
        return not any(check.level is Level.FAIL for check in self.checks)

    def to_dict(self) -> dict[str, object]:
        """As schemas/doctor.schema.json describes it."""
        return {
            "doctorVersion": 1,
            "manifest": self.manifest or None,
            "healthy": self.healthy,
            "checks": [
                {"name": check.name, "about": check.about or None, "level": check.level.value, "summary": check.summary, "hint": check.hint or None}
                for check in self.checks
            ],
        }
