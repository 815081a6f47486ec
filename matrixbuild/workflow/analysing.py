"""Demands and a source snapshot -> what each demand reads, by evaluating its Earthly target."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from matrixbuild.adapters.source import Snapshot
from matrixbuild.core.compact import digest_of
from matrixbuild.core.demand import NEED_HOST, Arg, Demand
from matrixbuild.core.earthfile.evaluate import Call, Known, evaluate
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.recipe import Evaluation, Wanted
from matrixbuild.core.graph import Address
from matrixbuild.core.images import ImageConfig
from matrixbuild.core.names import Platform
from matrixbuild.core.problems import InvalidError, Problem, UnusableError, did_you_mean
from matrixbuild.core.reading import Reading
from matrixbuild.core.reads import Reader

ENGINE_LINE = "embedded/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What every demand reads, and the base images (refs without a digest) that no pin answers yet, sorted."""

    readings: Mapping[Address, Reading]
    unpinned: tuple[str, ...]


class Evaluator:
    """Answers an evaluation's wishes from a snapshot until it wants no more; what was read once serves the next."""

    def __init__(self, source: Snapshot) -> None:
        self._source = source
        self._texts: dict[str, str | None] = {}

    def evaluate(self, call: Call, images: Mapping[tuple[str, Platform], ImageConfig] | None = None) -> Evaluation:
        while True:
            found = evaluate(call, Known(listing=self._source.listing, texts=self._texts, images=images or {}))
            if not isinstance(found, Wanted):
                return found
            self._texts |= {path: self._source.text(path) for path in found.texts}


def analyse(demands: Sequence[Demand], source: Snapshot, pins: Mapping[str, str]) -> Analysis:
    """What each demand reads. `pins` are digests by base image ref.

    Raises InvalidError with everything that the Earthfile refuses, or that the manifest asks of it and it does not have; UnusableError where
    nothing is wrong but an Earthly target that the embedded engine cannot run.
    """
    analyst = _Analyst(source, pins)
    readings = {demand.address: reading for demand in demands if (reading := analyst.reading(demand))}
    analyst.check_shared_args(demands)
    if analyst.wrong:
        raise InvalidError(*dict.fromkeys(analyst.wrong))
    if analyst.unusable:
        raise UnusableError(*dict.fromkeys(analyst.unusable))
    return Analysis(readings=readings, unpinned=tuple(sorted(analyst.unpinned)))


class _Analyst:
    """Collects readings and problems over all demands."""

    def __init__(self, source: Snapshot, pins: Mapping[str, str]) -> None:
        self._source = source
        self._pins = pins
        self._evaluator = Evaluator(source)
        self._reader = Reader(source.listing)
        self._evaluated: dict[tuple[str, tuple[tuple[str, str], ...]], Evaluation | EarthfileError] = {}
        self._declared: set[str] = set()
        self.unpinned: set[str] = set()
        self.wrong: list[Problem] = []
        self.unusable: list[Problem] = []

    def reading(self, demand: Demand) -> Reading | None:
        found = self._evaluation(demand)
        if isinstance(found, EarthfileError):
            self._refuse(demand, found)
            return None
        self._declared |= found.declared
        self.wrong += [_unknown_arg(arg, demand, found.declared) for arg in demand.args if not arg.optional and arg.name not in found.declared]
        try:
            read = self._reader.reads(found)
        except EarthfileError as error:
            self._refuse(demand, error)
            return None
        return Reading(
            engine=ENGINE_LINE,
            commands=digest_of([demand.earthly, list(found.commands)]),
            used=tuple(sorted({name for name, _ in found.used})),
            named=tuple(sorted(found.declared - {name for name, _ in found.used})),
            files=tuple((path, self._source.fingerprint(path)) for path in read.paths),
            bases=tuple(sorted({self._base(image.ref) for image in found.base_images if NEED_HOST not in image.ref})),
        )

    def check_shared_args(self, demands: Iterable[Demand]) -> None:
        """`spec.args` go to every target that declares them; one that none declares is a mistake."""
        if self.wrong or self.unusable:
            return
        lost = {arg for demand in demands for arg in demand.args if arg.optional and arg.name not in self._declared}
        for arg in sorted({arg.name: arg for arg in lost}.values(), key=lambda arg: arg.name):
            hint = did_you_mean(arg.name, self._declared) or "remove it, or declare it in the Earthfile"
            self.wrong.append(
                Problem(summary=f"no Earthly target of this manifest declares ARG {arg.name}", place=arg.place, hint=hint, code="unknown-arg"),
            )

    def _evaluation(self, demand: Demand) -> Evaluation | EarthfileError:
        args = tuple((arg.name, arg.value) for arg in demand.args)
        key = (demand.earthly, args)
        if key not in self._evaluated:
            directory, target = split_target(demand.earthly)
            call = Call(directory=directory, target=target, overrides=args, unknown_images=True)
            try:
                self._evaluated[key] = self._evaluator.evaluate(call)
            except EarthfileError as error:
                self._evaluated[key] = error
        return self._evaluated[key]

    def _base(self, ref: str) -> str:
        if "@" in ref:
            return ref
        if ref not in self._pins:
            self.unpinned.add(ref)
            return ref
        return f"{ref}@{self._pins[ref]}"

    def _refuse(self, demand: Demand, error: EarthfileError) -> None:
        problem = located(error, demand, self._source)
        (self.unusable if error.fault is Fault.NEEDS_EARTHLY else self.wrong).append(problem)


def split_target(earthly: str) -> tuple[str, str]:
    """`./sub+image` -> ("sub", "image"): directory relative to the source (empty for its root) and name."""
    directory, _, name = earthly.rpartition("+")
    clean = posixpath.normpath(directory) if directory else ""
    return ("" if clean == "." else clean), name


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
