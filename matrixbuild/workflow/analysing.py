"""Demands and a source snapshot -> what each demand reads, by evaluating its Earthly target."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from matrixbuild.adapters.sources import Source
from matrixbuild.core.compact import digest_of
from matrixbuild.core.demand import NEED_HOST, Arg, Asked, Demand
from matrixbuild.core.earthfile.faults import EarthfileError, Fault
from matrixbuild.core.earthfile.findings import Guard
from matrixbuild.core.earthfile.reserved import OF_GIT
from matrixbuild.core.graph import Address
from matrixbuild.core.problems import InvalidError, Place, Problem, Severity, UnusableError, did_you_mean
from matrixbuild.core.reading import Reading
from matrixbuild.core.uses import Uses
from matrixbuild.workflow.examining import Examiners
from matrixbuild.workflow.targets import Read

_CELLS_SHOWN = 3
_PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY"})
_ENOUGH = 100
"""So many demands of a target are refused for the same reasons: the others are not looked at, each would take as long as a build's analysis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What every demand reads, the base images (refs without a digest) that no pin answers yet, sorted, and what there is to warn of."""

    readings: Mapping[Address, Reading]
    unpinned: tuple[str, ...]
    remarks: tuple[Problem, ...] = ()


def analyse(
    demands: Sequence[Demand],
    examiners: Examiners,
    pins: Mapping[str, str],
    *,
    every: bool = True,
    hasty: bool = False,
    inherited: frozenset[Place] = frozenset(),
) -> Analysis:
    """What each demand reads, as `examiners` find it. `pins` are digests by base image ref. `every`: the demands are all that the manifest makes,
    so that an arg for every target which none of them declares is a mistake, but for those that stand at `inherited` places. `hasty`: after the
    first that is refused no other is looked at, for whoever only asks whether one is.

    Raises InvalidError with everything that the Earthfile refuses, or that the manifest asks of it and it does not have; UnusableError where
    nothing is wrong but an Earthly target that the embedded engine cannot run.
    """
    analyst = _Analyst(examiners, pins)
    readings: dict[Address, Reading] = {}
    for demand in demands:
        if reading := analyst.reading(demand):
            readings[demand.address] = reading
        elif hasty:
            break
    analyst.check_guards()
    if every:
        analyst.check_shared_args(demands, inherited)
        analyst.check_corrections()
        analyst.check_ambient()
    if analyst.wrong:
        raise InvalidError(*dict.fromkeys(analyst.wrong))
    if analyst.unusable:
        raise UnusableError(*dict.fromkeys(analyst.unusable))
    idle = analyst.idle_args(inherited) if every else ()
    return Analysis(readings=readings, unpinned=tuple(sorted(analyst.unpinned)), remarks=(*analyst.remarks(), *idle))


class _Analyst:
    """Collects readings and problems over all demands."""

    def __init__(self, examiners: Examiners, pins: Mapping[str, str]) -> None:
        self._examiners = examiners
        self._pins = pins
        self._declared: set[str] = set()
        self._guarded: defaultdict[Guard, dict[Demand, None]] = defaultdict(dict)
        self._readings: dict[tuple[object, ...], tuple[Read, Reading]] = {}
        """By the identity of what was found, which is kept so that no other gets it."""
        self._corrections: defaultdict[Uses, set[str]] = defaultdict(set)
        """The names that correct nothing, for none of the demands so far."""
        self._anything = False
        self._reached: dict[str, tuple[Asked, set[str]]] = {}
        """By target with ambient ARGs of the manifest, what its calls declare."""
        self._of_git: dict[str, tuple[Demand, set[str]]] = {}
        """By target, the built-in ARGs on its path that tell of a git repository."""
        self._idle: dict[str, tuple[Arg, str]] = {}
        """By name, the first arg of a target that a build does not read, with the target."""
        self._busy: set[str] = set()
        """The names of those that one reads."""
        self._told: set[Problem] = set()
        self._refusals: defaultdict[str, int] = defaultdict(int)
        """By target, how many of its demands were refused for what another was refused for already."""
        self.unpinned: set[str] = set()
        self.wrong: list[Problem] = []
        self.unusable: list[Problem] = []

    def reading(self, demand: Demand) -> Reading | None:
        if self._refusals[demand.target] >= _ENOUGH:
            return None
        try:
            found = self._examiners.of(demand.variant).read(demand)
        except EarthfileError as error:
            self._refuse(error, demand)
            return None
        for guard in found.guards:
            self._guarded[guard][demand] = None
        # Thousands of demands share what was found for one: what that comes to is worked out once.
        key = (demand.target, demand.earthly, demand.docker, demand.variant, id(found))
        known = self._readings.get(key)
        if known is None:
            self._readings[key] = known = found, self._made(demand, found)
            self._check(demand, found)
            self._look(demand, found, known[1])
        return known[1]

    def _refuse(self, error: EarthfileError, demand: Demand) -> None:
        problem = located(error, demand, self._examiners.source(demand.variant))
        problems = self.unusable if error.fault is Fault.NEEDS_EARTHLY else self.wrong
        if problem in self._told:
            self._refusals[demand.target] += 1
        else:
            self._told.add(problem)
            problems.append(problem)

    def _check(self, demand: Demand, found: Read) -> None:
        self._declared |= found.declared
        if of_git := found.declared & OF_GIT:
            self._of_git.setdefault(demand.target, (demand, set()))[1].update(of_git)
        self._anything |= found.anything
        if demand.asked.own_ambient and demand.earthly:
            self._reached.setdefault(demand.target, (demand.asked, set()))[1].update(found.declared)
        if not found.anything:
            self.wrong += [_unknown_arg(arg, demand, found.declared) for arg in demand.args if not arg.optional and arg.name not in found.declared]
        if found.privileged and not demand.asked.privileged:
            self.wrong.append(_needs_privileges(demand))
        if demand.image and not demand.docker and self._examiners.of(demand.variant).builds_others(demand):
            self.wrong.append(_builds_others(demand))

    def _look(self, demand: Demand, found: Read, reading: Reading) -> None:
        """Which of the args that its target gives a build reads; `uses` may know better."""
        for arg in demand.args:
            if arg.name not in found.idle or arg.name in reading.used:
                self._busy.add(arg.name)
            elif not arg.optional:
                self._idle.setdefault(arg.name, (arg, demand.target))

    def _made(self, demand: Demand, found: Read) -> Reading:
        examiner = self._examiners.of(demand.variant)
        used = self._corrected(demand, found)
        return Reading(
            engine=examiner.line(demand),
            commands=digest_of([demand.earthly or "docker", list(found.commands)]),
            used=tuple(sorted(used)),
            named=tuple(sorted(found.declared - used)),
            files=examiner.fingerprints(found.files),
            bases=tuple(sorted({self._base(ref) for ref in found.bases if NEED_HOST not in ref})),
            opaque=found.opaque,
            secrets=found.secrets,
            privileged=found.privileged,
        )

    def _corrected(self, demand: Demand, found: Read) -> frozenset[str]:
        if demand.asked.uses is None:
            return found.used
        known = self._corrections.setdefault(demand.asked.uses, {*demand.asked.uses.add, *demand.asked.uses.ignore})
        used = demand.asked.uses.applied(found.used, found.declared)
        known -= found.used ^ used
        return used

    def check_corrections(self) -> None:
        """What `uses` says and what changes nothing is a mistake, as a rule that matches nothing is."""
        for uses, idle in self._corrections.items():
            for name in sorted(idle):
                hint = "the analysis says so already, or the path does not declare it: remove it"
                summary = f"`uses` corrects nothing about the ARG {name}"
                self.wrong.append(Problem(summary=summary, place=uses.place_of(name), hint=hint, code="idle-uses"))

    def check_guards(self) -> None:
        """A guard of the Earthfile that would fire is told now, with the cells that it would fail."""
        for guard, demands in self._guarded.items():
            cells = list(dict.fromkeys(str(demand.cell) for demand in demands))
            shown = "; ".join(cells[:_CELLS_SHOWN]) + (f"; and {len(cells) - _CELLS_SHOWN} more" if len(cells) > _CELLS_SHOWN else "")
            names = ", ".join(dict.fromkeys(demand.target for demand in demands))
            root = self._examiners.source(next(iter(demands)).variant).root
            place = replace(guard.place, file=os.path.relpath(root / guard.place.file))
            hint = f"exclude what it concerns with a rule, or correct its args: {shown}"
            self.wrong.append(Problem(summary=f"the Earthfile refuses this for {names}: {guard.message}", place=place, hint=hint, code="guard"))

    def check_shared_args(self, demands: Iterable[Demand], inherited: frozenset[Place]) -> None:
        """`spec.args` go to every target that declares them; one that none declares is a mistake. Those at `inherited` places may be for others."""
        if self.wrong or self.unusable or self._anything:
            return
        # Thousands of demands have the very same args.
        given = {id(arg): arg for demand in demands for arg in demand.args}.values()
        lost = {arg for arg in given if arg.optional and not arg.tacit and arg.name not in self._declared}
        lost = {arg for arg in lost if arg.place not in inherited}
        for arg in sorted({arg.name: arg for arg in lost}.values(), key=lambda arg: arg.name):
            hint = did_you_mean(arg.name, self._declared) or "remove it, or declare it in the Earthfile"
            self.wrong.append(
                Problem(summary=f"no Earthly target of this manifest declares ARG {arg.name}", place=arg.place, hint=hint, code="unknown-arg"),
            )

    def idle_args(self, inherited: frozenset[Place]) -> Iterator[Problem]:
        """What a target gives and no build reads has no effect, whatever its value (docs/adr/0013); `inherited` as in `check_shared_args`."""
        for arg, target in self._idle.values():
            if arg.name not in self._busy and arg.place not in inherited:
                hint = f"remove it; where a command reads it unseen, write targets.{target}.uses: {{add: [{arg.name}]}}"
                summary = f"no build reads the ARG {arg.name}: {target} declares it, and nothing hangs on it"
                yield Problem(summary=summary, place=arg.place, hint=hint, code="idle-arg", severity=Severity.WARNING)

    def remarks(self) -> tuple[Problem, ...]:
        """An image labelled with the commit that it is of would be labelled with nothing, and Earthly says no word."""
        return tuple(_empty(demand, names) for demand, names in self._of_git.values())

    def check_ambient(self) -> None:
        """What an Earthly target does not declare never reaches it. Proxies are often named for whatever is built."""
        if self._anything:
            return
        for asked, declared in self._reached.values():
            lost = (text for text in asked.own_ambient if text.value not in declared and text.value.upper() not in _PROXIES)
            self.wrong += [_undeclared(text.value, asked.earthly, text.place, declared) for text in lost]

    def _base(self, ref: str) -> str:
        if "@" in ref:
            return ref
        if ref not in self._pins:
            self.unpinned.add(ref)
            return ref
        # Pinned to what its tag gives: nobody could be asked (workflow.observing).
        return f"{ref}@{self._pins[ref]}" if self._pins[ref] else ref


def located(error: EarthfileError, demand: Demand, source: Source) -> Problem:
    """An Earthfile's fault as a person sees it: its file as a path from here, or the manifest's line where it has no place of its own."""
    problem = error.problem()
    # What an Earthfile lacks altogether (the target, the file itself) has no line in it: the manifest's line that asks for it is the place.
    if problem.place is None or not problem.place.text:
        return replace(problem, place=demand.asked.earthly_place or demand.place)
    path = os.path.relpath(source.root / problem.place.file)
    return replace(problem, place=replace(problem.place, file=path))


def _empty(demand: Demand, names: Collection[str]) -> Problem:
    where = demand.asked.earthly_place or demand.place
    several = len(names) > 1
    summary = f"{', '.join(sorted(names))} of {demand.earthly} {'are' if several else 'is'} empty in a build, whose checkout has no .git"
    hint = 'give what it tells by an ARG of another name, as in args: {REVISION: "{{ source.commit }}"}; `explain` shows the line'
    return Problem(summary=summary, place=where, hint=hint, code="of-git", severity=Severity.WARNING)


def _needs_privileges(demand: Demand) -> Problem:
    hint = f"allow it with targets.{demand.target}.privileged: true; `explain` shows the line that asks for it"
    return Problem(summary=f"{demand.earthly} needs privileges, and the target does not allow them", place=demand.place, hint=hint, code="privileged")


def _builds_others(demand: Demand) -> Problem:
    summary = f"{demand.earthly} saves no image of its own: it BUILDs other Earthly targets, and what is published would be what it begins with"
    hint = "name the Earthly target that makes the image, one build for each; or have this one SAVE IMAGE"
    return Problem(summary=summary, place=demand.asked.earthly_place or demand.place, hint=hint, code="no-image")


def _unknown_arg(arg: Arg, demand: Demand, declared: frozenset[str]) -> Problem:
    return _undeclared(arg.name, demand.earthly or "the Dockerfile", arg.place, declared)


def _undeclared(name: str, where: str, place: Place, declared: Collection[str]) -> Problem:
    hint = did_you_mean(name, declared) or f"declare it in the Earthfile (ARG {name}) or remove it; Earthly would ignore it silently"
    summary = f"{where} declares no ARG {name} on its path, so it would never be read"
    return Problem(summary=summary, place=place, hint=hint, code="unknown-arg")
