"""What a call was found to come to, and the Earthfiles as they are built -> the Earthly targets on its way, with the args they depend on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from matrixbuild.core.earthfile import syntax
from matrixbuild.core.earthfile.analysis import Inspected, reachable
from matrixbuild.core.earthfile.narrowing import Narrowing
from matrixbuild.core.earthfile.visits import Visit
from matrixbuild.core.earthfile.wording import declared, statements
from matrixbuild.core.problems import Place
from matrixbuild.core.shared_work import Stage

Recipes = Mapping[tuple[str, str], frozenset[str]]
"""By directory and name of an Earthly target, the ARGs that it declares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scopes:
    """The ARGs that differ between builds and that every target of an Earthfile sees (`everywhere`), and those that targets declare."""

    everywhere: frozenset[str]
    recipes: Recipes


def recipes(directory: str, earthfile: syntax.Earthfile, narrowing: Narrowing | None = None) -> dict[tuple[str, str], frozenset[str]]:
    """With `narrowing`, as they are in its text, which need not be parsed for that."""
    dropped = frozenset(narrowing.dropped) if narrowing else frozenset[Place]()
    found = {recipe.name: _declared(recipe, dropped) for recipe in earthfile.targets}
    for moved in narrowing.moved if narrowing else ():
        for into in moved.into:
            found[into.target].add(moved.name)
    return {(directory, name): frozenset(names) for name, names in found.items()}


def _declared(recipe: syntax.Recipe, dropped: frozenset[Place]) -> set[str]:
    args = (each for each in statements(recipe.body) if isinstance(each, syntax.Command) and each.name == "ARG")
    return {declared(each) for each in args if not dropped or each.place not in dropped}


def stages(inspected: Inspected, narrow: Scopes, wide: Scopes) -> Iterator[Stage]:
    """Each Earthly target of a call; `narrow` as it is built, `wide` as it was written."""
    findings = inspected.examined.findings
    commands: defaultdict[Visit, int] = defaultdict(int)
    for ran in findings.ran:
        commands[ran.visit] += 1
    visits = dict.fromkeys([inspected.examined.visit, *(visit for source, target, _ in findings.edges for visit in (source, target))])
    turns: Counter[str] = Counter()
    for visit in visits:
        target, behind = str(visit), sorted(reachable(inspected.examined, visit), key=str)
        narrowly, widely = _depends(behind, narrow), _depends(behind, wide)
        yield Stage(target=target, turn=turns[target], narrow=narrowly, wide=widely, commands=commands[visit])
        turns[target] += 1


def _depends(visits: list[Visit], scopes: Scopes) -> frozenset[str]:
    return scopes.everywhere.union(*(_given(visit) | scopes.recipes.get((visit.directory, visit.name), frozenset()) for visit in visits))


def _given(visit: Visit) -> frozenset[str]:
    """The args of the call that its caller made other ones of; those of the whole call count where they are declared."""
    return frozenset(name for key, value in visit.given.items() if value.taint != {key} for name in value.taint)
