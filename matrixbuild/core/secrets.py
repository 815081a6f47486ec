"""Secrets that a manifest declares and those that its builds ask for -> those that nobody gives or asks for, and those that each build is given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from matrixbuild.core.build import Build
from matrixbuild.core.cells import Cell
from matrixbuild.core.demand import Demand
from matrixbuild.core.expand import Expansion
from matrixbuild.core.graph import Address
from matrixbuild.core.problems import InvalidError, Problem, did_you_mean
from matrixbuild.core.reading import Reading
from matrixbuild.core.rules import Matcher, matcher
from matrixbuild.core.surroundings import DeclaredSecret

Declared = tuple[DeclaredSecret, Matcher]


def check_secrets(expansion: Expansion, readings: Mapping[Address, Reading], problems: list[Problem]) -> None:
    """Each secret that a build asks for is declared for its cells, and each declared one is asked for."""
    declared = _declared(expansion)
    read: set[str] = set()
    unread = {id(secret): secret for secret, _ in declared}
    lacking: dict[str, Demand] = {}
    for demand in expansion.demands:
        wanted = readings[demand.address].secrets
        read.update(wanted)
        for name in wanted:
            cells = expansion.cells_of[demand.target, demand.cell]
            having = [(secret, when) for secret, when in declared if secret.name == name]
            for secret, when in having:
                if id(secret) in unread and any(when.matches(cell) for cell in cells):
                    del unread[id(secret)]
            if not all(any(when.matches(cell) for _, when in having) for cell in cells):
                lacking.setdefault(name, demand)
    for name, demand in lacking.items():
        names = {secret.name for secret, _ in declared}
        hint = did_you_mean(name, names - {name}) or "declare it: secrets: [{name: ..., env: ...}]"
        if name in names:
            hint = "its `when` leaves the cell out: widen it, or declare another for these cells"
        where = f" ({demand.cell})" if demand.cell.values else ""
        summary = f"{demand.target}{where} asks for the secret {name!r}, which spec.secrets does not give it"
        problems.append(Problem(summary=summary, place=demand.place, hint=hint, code="secret-missing"))
    problems.extend(_unmounted(expansion, readings))
    for secret in unread.values():
        if not expansion.manifest.inherits(secret.place):
            some = secret.name in read
            hint = "its `when` matches other cells alone: mend or remove it" if some else did_you_mean(secret.name, read) or "remove it"
            summary = f"no build of its cells asks for the secret {secret.name!r}" if some else f"no build asks for the secret {secret.name!r}"
            problems.append(Problem(summary=summary, place=secret.place, hint=hint, code="secret-unread"))


def _unmounted(expansion: Expansion, readings: Mapping[Address, Reading]) -> Iterator[Problem]:
    """Secrets that this manifest has a target's Dockerfile be given, and that no Dockerfile of the target mounts. Inherited ones may be idle."""
    mounted: defaultdict[str, set[str]] = defaultdict(set)
    for demand in expansion.demands:
        mounted[demand.target].update(readings[demand.address].secrets if demand.docker else ())
    for target in expansion.manifest.targets:
        for name in target.docker.secrets if target.docker and target.name in mounted else ():
            if name.value not in mounted[target.name] and not expansion.manifest.inherits(name.place):
                summary = f"no Dockerfile of {target.name} mounts the secret {name.value!r}"
                hint = f"its RUN has to ask for it: --mount=type=secret,id={name.value}; else remove it here"
                yield Problem(summary=summary, place=name.place, hint=hint, code="secret-unread")


def given(expansion: Expansion, builds: Iterable[Build]) -> dict[str, tuple[DeclaredSecret, ...]]:
    """The secrets that each build is given, by its key; in the order of their names.

    Raises InvalidError where cells that are one build would give it different ones: what is not in the key cannot tell builds apart.
    """
    declared = _declared(expansion)
    problems: list[Problem] = []

    def cells(build: Build) -> list[Cell]:
        # The whole cells: what a build is for has only the axes of its target.
        return [cell for address in build.answers for cell in expansion.cells_of.get(address, ())]

    found = {build.key: tuple(_given(name, build, cells(build), declared, problems) for name in build.secrets) for build in builds if build.secrets}
    if problems:
        raise InvalidError(*problems)
    return found


def _declared(expansion: Expansion) -> list[Declared]:
    return [(secret, matcher(secret.when, expansion.matrix, [])) for secret in expansion.manifest.secrets]


def _origin(secret: DeclaredSecret) -> tuple[object, ...]:
    return secret.env and secret.env.value, secret.file and secret.file.value, secret.command


def _given(name: str, build: Build, cells: Iterable[Cell], declared: Iterable[Declared], problems: list[Problem]) -> DeclaredSecret:
    having = [(secret, when) for secret, when in declared if secret.name == name]
    answers = [next(secret for secret, when in having if when.matches(cell)) for cell in cells]
    first = answers[0]
    other = next((secret for secret in answers if _origin(secret) != _origin(first)), None)
    if other:
        summary = f"{build.name} is one build for several cells, and they give it different secrets called {name!r}"
        hint = f"the other is in line {first.place.line}: give them different versions, and there will be a build for each"
        problems.append(Problem(summary=summary, place=other.place, hint=hint, code="secret-name"))
    return first
