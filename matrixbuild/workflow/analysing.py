"""Demands and a source snapshot -> what each demand reads, by evaluating its Earthly target."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from matrixbuild.adapters.source import Snapshot
from matrixbuild.core.compact import digest_of
from matrixbuild.core.demand import NEED_HOST, Arg, Demand
from matrixbuild.core.earthfile.calls import split_target
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.findings import Guard
from matrixbuild.core.graph import Address
from matrixbuild.core.problems import InvalidError, Problem, UnusableError, did_you_mean
from matrixbuild.core.reading import Reading
from matrixbuild.workflow.targets import EarthlyReader, EmbeddedReader, Read

_CELLS_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What every demand reads, and the base images (refs without a digest) that no pin answers yet, sorted."""

    readings: Mapping[Address, Reading]
    unpinned: tuple[str, ...]


def analyse(demands: Sequence[Demand], source: Snapshot, pins: Mapping[str, str], *, engine: str = "embedded") -> Analysis:
    """What each demand reads. `pins` are digests by base image ref; `engine` is the kind of the engine.

    Raises InvalidError with everything that the Earthfile refuses, or that the manifest asks of it and it does not have; UnusableError where
    nothing is wrong but an Earthly target that the embedded engine cannot run.
    """
    analyst = _Analyst(source, pins, engine)
    readings = {demand.address: reading for demand in demands if (reading := analyst.reading(demand))}
    analyst.check_guards()
    analyst.check_shared_args(demands)
    if analyst.wrong:
        raise InvalidError(*dict.fromkeys(analyst.wrong))
    if analyst.unusable:
        raise UnusableError(*dict.fromkeys(analyst.unusable))
    return Analysis(readings=readings, unpinned=tuple(sorted(analyst.unpinned)))


class _Analyst:
    """Collects readings and problems over all demands."""

    def __init__(self, source: Snapshot, pins: Mapping[str, str], engine: str) -> None:
        self._source = source
        self._pins = pins
        self._examiner = EarthlyReader(source) if engine == "earthly" else EmbeddedReader(source)
        self._declared: set[str] = set()
        self._guarded: defaultdict[Guard, dict[Demand, None]] = defaultdict(dict)
        self._readings: dict[tuple[str, int], tuple[Read, Reading]] = {}
        """By the identity of what was found, which is kept so that no other gets it."""
        self._anything = False
        self.unpinned: set[str] = set()
        self.wrong: list[Problem] = []
        self.unusable: list[Problem] = []

    def reading(self, demand: Demand) -> Reading | None:
        directory, target = split_target(demand.earthly)
        try:
            found = self._examiner.read(directory, target, tuple((arg.name, arg.value) for arg in demand.args))
        except EarthfileError as error:
            problem = located(error, demand, self._source)
            (self.unusable if error.fault is Fault.NEEDS_EARTHLY else self.wrong).append(problem)
            return None
        self._declared |= found.declared
        self._anything |= found.anything
        for guard in found.guards:
            self._guarded[guard][demand] = None
        if not found.anything:
            self.wrong += [_unknown_arg(arg, demand, found.declared) for arg in demand.args if not arg.optional and arg.name not in found.declared]
        # Thousands of demands share what was found for one: what that comes to is worked out once.
        known = self._readings.get((demand.earthly, id(found)))
        if known is None:
            self._readings[demand.earthly, id(found)] = known = found, self._made(demand, found)
        return known[1]

    def _made(self, demand: Demand, found: Read) -> Reading:
        return Reading(
            engine=self._examiner.line,
            commands=digest_of([demand.earthly, list(found.commands)]),
            used=tuple(sorted(found.used)),
            named=tuple(sorted(found.declared - found.used)),
            files=self._examiner.fingerprints(found.files),
            bases=tuple(sorted({self._base(ref) for ref in found.bases if NEED_HOST not in ref})),
        )

    def check_guards(self) -> None:
        """A guard of the Earthfile that would fire is told now, with the cells that it would fail."""
        for guard, demands in self._guarded.items():
            cells = list(dict.fromkeys(str(demand.cell) for demand in demands))
            shown = "; ".join(cells[:_CELLS_SHOWN]) + (f"; and {len(cells) - _CELLS_SHOWN} more" if len(cells) > _CELLS_SHOWN else "")
            names = ", ".join(dict.fromkeys(demand.target for demand in demands))
            place = replace(guard.place, file=os.path.relpath(self._source.root / guard.place.file))
            hint = f"exclude what it concerns with a rule, or correct its args: {shown}"
            self.wrong.append(Problem(summary=f"the Earthfile refuses this for {names}: {guard.message}", place=place, hint=hint, code="guard"))

    def check_shared_args(self, demands: Iterable[Demand]) -> None:
        """`spec.args` go to every target that declares them; one that none declares is a mistake."""
        if self.wrong or self.unusable or self._anything:
            return
        lost = {arg for demand in demands for arg in demand.args if arg.optional and arg.name not in self._declared}
        for arg in sorted({arg.name: arg for arg in lost}.values(), key=lambda arg: arg.name):
            hint = did_you_mean(arg.name, self._declared) or "remove it, or declare it in the Earthfile"
            self.wrong.append(
                Problem(summary=f"no Earthly target of this manifest declares ARG {arg.name}", place=arg.place, hint=hint, code="unknown-arg"),
            )

    def _base(self, ref: str) -> str:
        if "@" in ref:
            return ref
        if ref not in self._pins:
            self.unpinned.add(ref)
            return ref
        return f"{ref}@{self._pins[ref]}"


def located(error: EarthfileError, demand: Demand, source: Snapshot) -> Problem:
    """An Earthfile's fault as a person sees it: its file as a path from here, or the manifest's line where it has no place of its own."""
    problem = error.problem()
    # What an Earthfile lacks altogether (the target, the file itself) has no line in it: the manifest's line that asks for it is the place.
    if problem.place is None or not problem.place.text:
        return replace(problem, place=demand.earthly_place or demand.place)
    path = os.path.relpath(source.root / problem.place.file)
    return replace(problem, place=replace(problem.place, file=path))


def _unknown_arg(arg: Arg, demand: Demand, declared: frozenset[str]) -> Problem:
    hint = did_you_mean(arg.name, declared) or f"declare it in the Earthfile (ARG {arg.name}) or remove it; Earthly would ignore it silently"
    return Problem(
        summary=f"{demand.earthly} declares no ARG {arg.name} on its path, so it would never be read",
        place=arg.place,
        hint=hint,
        code="unknown-arg",
    )
