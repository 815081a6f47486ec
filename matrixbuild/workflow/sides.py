"""A manifest's demands and a source at one time -> a side: what each demand reads there, and the key of its build."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matrixbuild.adapters.sources import Source
from matrixbuild.core.build import builds, keys
from matrixbuild.core.demand import Demand
from matrixbuild.core.expand import Expansion
from matrixbuild.core.impact import Side
from matrixbuild.core.inputs import Pairs
from matrixbuild.core.problems import InvalidError, MatrixbuildError, Place, UnusableError
from matrixbuild.core.profile import ProfileStatement
from matrixbuild.workflow.analysing import analyse
from matrixbuild.workflow.examining import Examiners
from matrixbuild.workflow.footprints import Footprints
from matrixbuild.workflow.sources import Trees

_UNREADABLE = frozenset({"git", "lfs", "source", "submodule"})
"""Codes of problems that lie not in a source but in getting at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Makes sides of one manifest; `pins` are digests of base images by ref, `trees` has what is laid over a source, `engine` is the kind that
    builds Earthly targets."""

    expansion: Expansion
    pins: Pairs
    trees: Trees
    engine: str

    def side(self, source: Source) -> Side:
        """Raises InvalidError and UnusableError as a plan of that source does."""
        return self._side(self.expansion.demands, source, every=True)

    def as_far_as_possible(self, source: Source) -> tuple[Side, tuple[str, ...]]:
        """A side without the targets that this source cannot be planned with, each of which is told in one sentence.

        A manifest often asks for what a source of long ago did not have yet. Raises UnusableError where the source cannot be read.
        """
        try:
            return self._side(self.expansion.demands, source, every=False), ()
        except (InvalidError, UnusableError) as error:
            _raise_unreadable(error)
        told: dict[str, None] = {}
        kept: list[Demand] = []
        for target in sorted({demand.target for demand in self.expansion.demands}):
            wanted = [demand for demand in self.expansion.demands if demand.target == target]
            try:
                self._side([*self._needed(target), *wanted], source, every=False)
                kept += wanted
            except (InvalidError, UnusableError) as error:
                _raise_unreadable(error)
                told.setdefault(f"{target} could not be built there: {error.problems[0].summary}")
        return self._side(kept, source, every=False), tuple(told)

    def _side(self, demands: Sequence[Demand], source: Source, *, every: bool) -> Side:
        statements = self.expansion.facts.statements
        trees, inherited = self.trees.over(source), self.expansion.manifest.inherited_args
        return side_of(demands, trees, pins=self.pins, engine=self.engine, every=every, statements=statements, inherited=inherited)

    def _needed(self, target: str) -> list[Demand]:
        """The demands of all targets that a target needs, near or far."""
        of = {demand.address: demand for demand in self.expansion.demands}
        found: dict[str, None] = {}
        waiting = [target]
        while waiting:
            here = waiting.pop()
            fresh = {need for demand in of.values() if demand.target == here for need, _ in demand.needs} - {*found, target}
            found.update(dict.fromkeys(sorted(fresh)))
            waiting += sorted(fresh)
        return [demand for demand in of.values() if demand.target in found]


def side_of(
    demands: Sequence[Demand],
    trees: Trees,
    *,
    pins: Pairs,
    engine: str,
    every: bool,
    statements: tuple[ProfileStatement, ...] = (),
    inherited: frozenset[Place] = frozenset(),
) -> Side:
    """The side of some demands; `every` and `inherited` as in `analyse`, `statements` as in core.facts.Facts. Raises InvalidError and UnusableError
    as a plan does."""
    found = analyse(demands, Examiners(trees.of, engine, statements), dict(pins), every=every, inherited=inherited)
    footprints = Footprints(trees.of)
    return Side(
        listing=trees.of(()).listing,
        builds=builds(demands, found.readings),
        keys=keys(demands, found.readings),
        readings=found.readings,
        footprints={demand.address: footprints.of(demand) for demand in demands},
    )


def _raise_unreadable(error: MatrixbuildError) -> None:
    if any(problem.code in _UNREADABLE for problem in error.problems):
        raise error
