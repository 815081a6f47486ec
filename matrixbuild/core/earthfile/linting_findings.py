"""What lint tells: one finding of one rule, and the words that all rules share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from matrixbuild.core.problems import Place, Problem, Severity


class Kind(StrEnum):
    """Whether builds could share more, or something goes wrong without a word."""

    SHARING = "sharing"
    TRAP = "trap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that lint looks for; `about` is one sentence for a list of rules, `name` what one calls it by."""

    name: str
    kind: Kind
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One spot that a rule found; `runs` is how many RUNs would be done less often, 0 where that cannot be told."""

    rule: Rule
    summary: str
    place: Place
    hint: str
    remark: bool = False
    runs: int = 0
    targets: tuple[str, ...] = ()
    """The Earthly targets and functions it is about, beside the one it stands in."""

    @property
    def problem(self) -> Problem:
        severity = Severity.REMARK if self.remark else Severity.WARNING
        return Problem(summary=self.summary, place=self.place, hint=self.hint, code=self.rule.name, severity=severity)


_SHOWN = 3


def some(names: Sequence[str], *, most: int = _SHOWN) -> str:
    """`a, b and c`, or `a, b, c and 4 more`."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
