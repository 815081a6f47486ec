"""What a call was found to come to, and the Earthfiles as they are built -> the Earthly targets on its way, with the args they depend on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from matrixbuild.core.earthfile import syntax
from matrixbuild.core.earthfile.analysis import Inspected, reachable
from matrixbuild.core.earthfile.visits import Visit
from matrixbuild.core.earthfile.wording import declared, statements
from matrixbuild.core.shared_work import Stage

Recipes = Mapping[tuple[str, str], frozenset[str]]
"""By directory and name of an Earthly target, the ARGs that it declares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scopes:
    """The ARGs that differ between builds and that every target of an Earthfile sees (`everywhere`), and those that targets declare."""

    everywhere: frozenset[str]
    recipes: Recipes


def recipes(directory: str, earthfile: syntax.Earthfile) -> dict[tuple[str, str], frozenset[str]]:
    return {(directory, recipe.name): _declared(recipe) for recipe in earthfile.targets}


def _declared(recipe: syntax.Recipe) -> frozenset[str]:
    return frozenset(declared(each) for each in statements(recipe.body) if isinstance(each, syntax.Command) and each.name == "ARG")


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
