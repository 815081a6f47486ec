"""One Earthly target explained for each set of args it is called with -> one explanation: everything once, with the calls that see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from matrixbuild.core.cells import Cell
from matrixbuild.core.earthfile.analysis import Base, Correction, Edge, Local, Saved, Source
from matrixbuild.core.earthfile.findings import Guard, Need, Opaque
from matrixbuild.core.explain import Explained, UsedArg
from matrixbuild.core.inputs import Pairs
from matrixbuild.core.problems import Problem

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls: a target of the manifest (empty: none of it), for one of its cells."""

    target: str
    cell: Cell


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Called:
    """What came out of calls that see the same, `args` being the first one's: an explanation, or the problem that prevents one."""

    callers: tuple[Caller, ...]
    args: Pairs
    explained: Explained | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Calls that differ in nothing but texts (names of images), numbered from 1; `args` are the first one's."""

    number: int
    callers: tuple[Caller, ...]
    args: Pairs
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Generic[T]):
    """Something that an explanation tells, and the numbers of the variants it is true for."""

    what: T
    variants: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything an Earthly target depends on, over all its variants; each tuple in the order of the analysis.

    `name_only` are used in no variant, `unused` in none at all. `declared_by` are the manifest's targets that build it, `reached_by` the
    Earthly targets of others that come to it, `shared` the Earthly targets it comes to that those of others do as well, with these. `whole`: the
    variants in which every file counts, `anything` those in which ARGs may count that nothing declares. `features`: VERSION's number, then
    the flags in effect. `corrections`: what the manifest's `uses` changes. `left_out`: args for all targets that could not be given to one
    without an image or needs.
    """

    earthly: str
    docs: str
    declared_by: tuple[str, ...]
    reached_by: tuple[str, ...]
    left_out: tuple[str, ...]
    variants: tuple[Variant, ...]
    used: tuple[Seen[UsedArg], ...]
    name_only: tuple[Seen[str], ...]
    unused: tuple[Seen[str], ...]
    edges: tuple[Seen[Edge], ...]
    functions: tuple[Seen[tuple[str, str]], ...]
    shared: tuple[tuple[str, tuple[str, ...]], ...]
    bases: tuple[Seen[Base], ...]
    sources: tuple[Seen[Source], ...]
    dockerfiles: tuple[Seen[tuple[str, str]], ...]
    images: tuple[Seen[Saved], ...]
    locals: tuple[Seen[Local], ...]
    secrets: tuple[Seen[Need], ...]
    privileged: tuple[Seen[Need], ...]
    guards: tuple[Seen[Guard], ...]
    opaque: tuple[Seen[Opaque], ...]
    corrections: tuple[Seen[Correction], ...]
    whole: tuple[int, ...]
    anything: tuple[int, ...]
    features: tuple[str, ...]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What prevents the analysis of some variants."""
        return tuple(variant.problem for variant in self.variants if variant.problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a manifest's other targets have to do with an Earthly target; fields as in Explanation, `reaching` by Earthly target."""

    declared_by: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    reaching: tuple[tuple[str, tuple[str, ...]], ...] = ()
    docs: str = ""


def explanation(earthly: str, calls: Sequence[Called], around: Surroundings) -> Explanation:
    """Merge what was found for all calls of one Earthly target (at least one)."""
    groups = _alike(calls)
    reaching = dict(around.reaching)

    def union(pick: Callable[[Explained], Iterable[T]]) -> tuple[Seen[T], ...]:
        return _union([[each.explained for each in group if each.explained] for group in groups], pick)

    used = union(lambda each: each.used)
    known = {seen.what.name for seen in used}
    named = tuple(seen for seen in union(lambda each: each.analysis.name_only) if seen.what not in known)
    known |= {seen.what for seen in named}
    reached = dict.fromkeys(target for each in calls if each.explained for target in each.explained.analysis.targets)
    return Explanation(
        earthly=earthly,
        docs=around.docs,
        declared_by=around.declared_by,
        reached_by=tuple(other for other in reaching.get(earthly, ()) if other != earthly),
        left_out=around.left_out,
        variants=tuple(_variant(number, group) for number, group in enumerate(groups, start=1)),
        used=tuple(sorted(used, key=lambda seen: seen.what.name)),
        name_only=named,
        unused=tuple(seen for seen in union(lambda each: each.analysis.unused) if seen.what not in known),
        edges=union(lambda each: each.analysis.edges),
        functions=union(lambda each: each.analysis.functions),
        shared=tuple((target, others) for target in reached if (others := _others(reaching.get(target, ()), earthly, target))),
        bases=union(lambda each: each.analysis.bases),
        sources=union(lambda each: each.analysis.sources),
        dockerfiles=union(lambda each: each.analysis.dockerfiles),
        images=union(lambda each: each.analysis.images),
        locals=union(lambda each: each.analysis.locals),
        secrets=union(lambda each: each.analysis.secrets),
        privileged=union(lambda each: each.analysis.privileged),
        guards=union(lambda each: each.analysis.guards),
        opaque=union(lambda each: each.analysis.opaque),
        corrections=union(lambda each: each.analysis.corrections),
        whole=_numbers(groups, lambda each: each.analysis.whole),
        anything=_numbers(groups, lambda each: each.analysis.anything),
        features=next((each.explained.analysis.features for each in calls if each.explained), ()),
    )


def _others(found: tuple[str, ...], earthly: str, target: str) -> tuple[str, ...]:
    """Who else comes to a target; the base recipe of an Earthfile everybody does."""
    return () if target in (earthly, f"{earthly.rpartition('+')[0]}+base") else tuple(other for other in found if other != earthly)


def _variant(number: int, group: Sequence[Called]) -> Variant:
    callers = tuple(caller for each in group for caller in each.callers)
    return Variant(number=number, callers=callers, args=group[0].args, problem=group[0].problem)


def _alike(calls: Sequence[Called]) -> list[list[Called]]:
    groups: dict[object, list[Called]] = {}
    for each in calls:
        groups.setdefault(_essence(each), []).append(each)
    return list(groups.values())


def _essence(called: Called) -> object:
    """What two calls must agree on to be one variant: all but base images, and names of images and files."""
    if called.explained is None:
        return called.problem
    found = called.explained.analysis
    read = (found.edges, found.functions, found.sources, found.dockerfiles, found.whole, found.anything, found.corrections)
    return called.explained.used, found.name_only, found.unused, read, found.secrets, found.privileged, found.guards, found.opaque, found.features


def _union(groups: Sequence[Sequence[Explained]], pick: Callable[[Explained], Iterable[T]]) -> tuple[Seen[T], ...]:
    found: dict[T, dict[int, None]] = {}
    for number, group in enumerate(groups, start=1):
        for each in group:
            for what in pick(each):
                found.setdefault(what, {})[number] = None
    return tuple(Seen(what=what, variants=tuple(numbers)) for what, numbers in found.items())


def _numbers(groups: Sequence[Sequence[Called]], holds: Callable[[Explained], bool]) -> tuple[int, ...]:
    return tuple(number for number, group in enumerate(groups, start=1) if any(each.explained and holds(each.explained) for each in group))
