"""A case and what real programs made of its variations -> where our analysis is wrong, and where it is merely careful.

python -m tests.pairs.compare [NAME...] prints the first miss and ends with 1, or with 0 where there is none.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.pairs.case import CASES, Case, Situation, fresh, load
from tests.pairs.keys import ENGINES, NOT_OURS, REFUSED, key
from tests.pairs.observation import recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One variation of a case for one kind of engine: what we say and what each program did."""

    case: str
    about: str
    engine: str
    ours: bool
    """Whether our keys differ."""
    real: bool
    """Whether a real result differs."""
    about_args: bool
    """Whether an arg is varied, or a default of one."""
    ran: frozenset[str]
    """What a real program executed for it."""
    refused: bool
    """Whether we refuse it, though every real program builds it."""

    @property
    def missed(self) -> bool:
        return self.real and not self.ours

    @property
    def careful(self) -> bool:
        return self.ours and not self.real

    def __str__(self) -> str:
        return f"{self.case}: {self.about}: {self.engine} says {_words(self.ours)}, really {_words(self.real)}"


def _words(differs: bool) -> str:
    return "another build" if differs else "the same build"


def verdicts(case: Case, scratch: Path) -> Iterator[Verdict]:
    """Of each variation, for each engine that can build both the case and the variation."""
    for engine in ENGINES:
        base = key_of(case, case.base, scratch, engine)
        for about, varied in case.varied.items() if base != NOT_OURS else ():
            found = key_of(case, varied, scratch, engine)
            if found != NOT_OURS:
                yield _verdict(case, about, engine, found, base)


def _verdict(case: Case, about: str, engine: str, found: str, base: str) -> Verdict:
    seen = [] if case.by_hand else [record[about] for record in recorded(case.name).values()]
    return Verdict(
        case=case.name,
        about=about,
        engine=engine,
        ours=found != base,
        real=case.by_hand[about] if case.by_hand else any(each.differs for each in seen),
        about_args=about.startswith("default ") or case.varied[about].args != case.base.args,
        ran=frozenset(name for each in seen for name in each.ran),
        refused=bool(seen) and REFUSED in (found, base) and not any("exit" in each.differs for each in seen),
    )


def key_of(case: Case, situation: Situation, scratch: Path, engine: str) -> str:
    """The key of a situation of the case."""
    checkout = fresh(scratch / "checkout")
    situation.write(checkout, stands_for={})
    return key(checkout, case.target, situation.args, engine=engine)


def main(names: list[str]) -> int:
    """Print the first miss; 1 where there is one."""
    with tempfile.TemporaryDirectory(prefix="mb-pairs-") as scratch:
        for name in names or CASES:
            for verdict in verdicts(load(name), Path(scratch)):
                if verdict.missed:
                    print(verdict)
                    return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
