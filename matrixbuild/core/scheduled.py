"""A build as the scheduler sees it: what is known before the run, and how far it has come in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from matrixbuild.core.events import State
from matrixbuild.core.failure import Failure
from matrixbuild.core.pauses import Gate
from matrixbuild.core.policy import GivenUp
from matrixbuild.core.pools import Amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledBuild:
    """What the scheduler knows of a build: `needs` are names of builds of the same run (what is reused is not among them), `amounts` what
    it holds while it runs, `rank` how early it goes (see core.priorities; higher goes first), `key` its build key, `hosts` the registries it talks
    to. `stages` is work that it goes through first and has in common with others, by names of theirs that are no build's: whoever comes first does
    it, the others wait for it or find it done.
    """

    name: str
    needs: tuple[str, ...] = ()
    amounts: Amounts = ()
    rank: float = 0.0
    key: str = ""
    hosts: frozenset[str] = frozenset()
    stages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What a build waits for now: builds, pools, registries that asked to be left alone, or another build that shows whether a cause is gone."""

    builds: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    proof: bool = False


@dataclass(slots=True, kw_only=True)
class Progress:
    """Where a build is: the one mutable thing it has. `memory` is more than it asked for, once it has run out of that; `space_asked` how often
    the disk was too full for it to start, `timers` how many Woke are to come for it, `gates` those it stands before while it is ready."""

    build: ScheduledBuild
    number: int
    demand: Amounts
    missing: int
    dependants: list[Progress] = field(default_factory=list)
    state: State = State.WAITING
    attempt: int = 0
    failure: Failure | None = None
    given_up: GivenUp | None = None
    memory: int | None = None
    space_asked: int = 0
    timers: int = 0
    gates: frozenset[Gate] = frozenset()
    story: list[str] = field(default_factory=lambda: [State.WAITING.value])

    @property
    def amounts(self) -> Amounts:
        """What it holds in its next attempt."""
        amounts = dict(self.build.amounts)
        return self.build.amounts if self.memory is None else tuple(sorted((amounts | {"memory": self.memory}).items()))

    @property
    def told(self) -> str:
        """Every state it has been in, in order."""
        return " > ".join(self.story)
