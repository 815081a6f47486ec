"""Which builds may have their final image names: those that are made, once everything they need has got its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from matrixbuild.core.build import Build
from matrixbuild.core.names import ImageName

Unit = tuple[Build, ...]
"""Builds that get their names together, sorted by name: one alone, or all whose images an index lists."""


class Releases:
    """The order in which builds are published one by one (`publish.mode: each`). What a build needs and is not among `builds` counts as released."""

    def __init__(self, builds: Sequence[Build]) -> None:
        self._units = _units(builds)
        self._lacking = {name: _needs(unit) & self._units.keys() for name, unit in self._units.items()}
        self._dependants: defaultdict[str, set[str]] = defaultdict(set)
        for build in builds:
            for need in self._lacking[build.name]:
                self._dependants[need].add(build.name)
        self._made: set[str] = set()
        self._released: set[str] = set()

    def made(self, name: str) -> tuple[Unit, ...]:
        """This build is made; the unit it belongs to, where that may be released now."""
        self._made.add(name)
        return self._free([name])

    def released(self, unit: Unit) -> tuple[Unit, ...]:
        """These builds are released; the units that waited for nothing else."""
        self._released.update(build.name for build in unit)
        dependants = sorted({dependant for build in unit for dependant in self._dependants[build.name]})
        for dependant in dependants:
            self._lacking[dependant].difference_update(build.name for build in unit)
        return self._free(dependants)

    @property
    def held_back(self) -> tuple[Build, ...]:
        """What is made and not released."""
        return tuple(build for name, unit in self._units.items() for build in unit if build.name == name and name in self._made - self._released)

    @property
    def complete(self) -> bool:
        return len(self._released) == len(self._units)

    @property
    def names(self) -> frozenset[str]:
        """The names of those that are released."""
        return frozenset(self._released)

    def _free(self, names: Sequence[str]) -> tuple[Unit, ...]:
        units = dict.fromkeys(self._units[name] for name in names)
        return tuple(unit for unit in units if all(self._may_go(build.name) for build in unit))

    def _may_go(self, name: str) -> bool:
        return name in self._made and name not in self._released and not self._lacking[name]


def _needs(unit: Unit) -> set[str]:
    return {name for build in unit for name, _ in build.needs} - {build.name for build in unit}


def _units(builds: Sequence[Build]) -> Mapping[str, Unit]:
    """The unit of each build, by name."""
    if not any(build.indexes for build in builds):
        return {build.name: (build,) for build in builds}
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(build.name for build in builds)
    graph.add_edges_from((build.name, need) for build in builds for need, _ in build.needs if need in graph)
    siblings: defaultdict[ImageName, list[str]] = defaultdict(list)
    for build in builds:
        for ref, _ in build.indexes:
            siblings[ref].append(build.name)
    # Siblings both ways: indexes that wait for each other's images come to one unit, and every two units have an order.
    graph.add_edges_from((one, other) for names in siblings.values() for one in names for other in names if one != other)
    by_name = {build.name: build for build in builds}
    knots = [tuple(by_name[name] for name in sorted(knot)) for knot in nx.strongly_connected_components(graph)]
    return {build.name: unit for unit in knots for build in unit}
