"""Demands and a source -> what of the source each can be reached by, whichever engine builds it."""

from __future__ import annotations

import posixpath
from collections import defaultdict

from matrixbuild.adapters.sources import Source
from matrixbuild.core.demand import Demand
from matrixbuild.core.earthfile.calls import Call, split_target
from matrixbuild.core.earthfile.evaluate import examine
from matrixbuild.core.earthfile.faults import EarthfileError
from matrixbuild.core.footprint import Footprint, footprint
from matrixbuild.core.problems import InvalidError
from matrixbuild.workflow.analysing import located
from matrixbuild.workflow.examining import SourceOf
from matrixbuild.workflow.sharing import Shared
from matrixbuild.workflow.targets import Evaluator


class Footprints:
    """Demands that agree on the args that decide share one."""

    def __init__(self, source_of: SourceOf) -> None:
        self._source_of = source_of
        self._evaluators: dict[tuple[int, ...], Evaluator] = {}
        self._known: defaultdict[tuple[int, ...], Shared[Footprint]] = defaultdict(Shared)

    def of(self, demand: Demand) -> Footprint:
        """Raises InvalidError for what Earthly refuses."""
        if demand.docker:
            # All that is in the directory of a Dockerfile counts, and the Dockerfile wherever it is: the same as everything.
            name = posixpath.join(demand.docker.context, demand.docker.dockerfile)
            return Footprint(target=name, targets=(name,), whole=True)
        directory, target = split_target(demand.earthly)
        args = tuple((arg.name, arg.value) for arg in demand.args)
        if found := next(self._known[demand.variant].matching(directory, target, args), None):
            return found
        source = self._source_of(demand.variant)
        try:
            return self._learned(source, demand.variant, Call(directory=directory, target=target, overrides=args))
        except EarthfileError as error:
            raise InvalidError(located(error, demand, source)) from error

    def _learned(self, source: Source, variant: tuple[int, ...], call: Call) -> Footprint:
        evaluator = self._evaluators.setdefault(variant, Evaluator(source))
        examined = evaluator.until(examine, call)
        found = footprint(examined)
        # Where anything may be read, any arg may decide.
        if not examined.findings.everything:
            self._known[variant].keep(call.directory, call.target, call.overrides, examined.findings.deciding, found)
        return found
