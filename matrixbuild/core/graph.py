"""Demands by address become a graph without cycles, in generations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from matrixbuild.core.cells import Cell
from matrixbuild.core.demand import Demand
from matrixbuild.core.problems import InvalidError, Problem

if TYPE_CHECKING:  # networkx takes 0.2 s to import: only functions that need it do so
    import networkx as nx


Address = tuple[str, Cell]


def show(address: Address) -> str:
    """`target[axis=value,...]`, or `target` alone where there are no axes."""
    target, cell = address
    return f"{target}[{cell}]" if cell.values else target


def demand_graph(demands: Iterable[Demand]) -> nx.DiGraph[Address]:
    """The demands by address, with an edge from each need to what needs it.

    Raises InvalidError for needs that no demand meets, and for every cycle (one a group of targets), by name and with places. It works on
    addresses because a build key holds the keys of its needs: in a cycle there are none.
    """
    import networkx as nx

    known = {demand.address: demand for demand in demands}
    if problems := [_unmet(demand, need) for demand in known.values() for need in demand.needs if need not in known]:
        raise InvalidError(*problems)
    graph: nx.DiGraph[Address] = nx.DiGraph()
    graph.add_nodes_from(known)
    graph.add_edges_from((need, address) for address, demand in known.items() for need in demand.needs)
    if problems := [_circle(cycle, known) for cycle in _cycles(graph)]:
        raise InvalidError(*problems)
    return graph


def generations(demands: Sequence[Demand]) -> tuple[tuple[Address, ...], ...]:
    """Addresses in steps: each needs only what earlier steps hold. Raises InvalidError as `demand_graph` does."""
    # Most need nothing, and are no matter for the sorter.
    leaves = tuple([demand.address for demand in demands if not demand.needs])
    needing = [demand for demand in demands if demand.needs]
    if not needing:
        return (leaves,)
    there = frozenset(leaves)
    sorter = TopologicalSorter[Address]()
    for demand in needing:
        sorter.add(demand.address)
    for demand in needing:
        sorter.add(demand.address, *[need for need in demand.needs if need not in there])
    known = there.union([demand.address for demand in needing])
    sound = all(known.issuperset(demand.needs) for demand in needing)
    try:
        sorter.prepare()
    except CycleError:
        sound = False
    if not sound:
        # Slower by its import, and it tells what is wrong by name and place.
        demand_graph(demands)
    return leaves, *_steps(sorter)


def _steps(sorter: TopologicalSorter[Address]) -> Iterator[tuple[Address, ...]]:
    while step := sorter.get_ready():
        yield step
        sorter.done(*step)


def _unmet(demand: Demand, need: Address) -> Problem:
    return Problem(
        summary=f"{show(demand.address)} needs {show(need)}, and nothing makes it",
        place=demand.place,
        hint=f"check `needs` of {demand.target}, and the axes and `when` of {need[0]}",
        code="unmet-need",
    )


def _cycles(graph: nx.DiGraph[Address]) -> list[tuple[Address, ...]]:
    """One cycle of each knot, in the direction "needs"; cells that repeat the cycle of other cells are left out."""
    import networkx as nx

    found: dict[tuple[str, ...], tuple[Address, ...]] = {}
    knots = [knot for knot in nx.strongly_connected_components(graph) if len(knot) > 1 or any(graph.has_edge(node, node) for node in knot)]
    for knot in sorted((sorted(knot, key=show) for knot in knots), key=lambda knot: show(knot[0])):
        cycle = _turned(_walk(graph, knot))
        found.setdefault(tuple(target for target, _ in cycle), cycle)
    return list(found.values())


def _walk(graph: nx.DiGraph[Address], knot: list[Address]) -> tuple[Address, ...]:
    # Every node of a knot has a need inside it, so following them comes round.
    inside = set(knot)
    path: dict[Address, int] = {}
    here = knot[0]
    while here not in path:
        path[here] = len(path)
        here = min((need for need in graph.predecessors(here) if need in inside), key=show)
    return tuple(path)[path[here] :]


def _turned(cycle: tuple[Address, ...]) -> tuple[Address, ...]:
    """The cycle from its first name on: told alike wherever the walk came in."""
    first = min(range(len(cycle)), key=lambda index: show(cycle[index]))
    return (*cycle[first:], *cycle[:first])


def _circle(cycle: tuple[Address, ...], known: Mapping[Address, Demand]) -> Problem:
    places = ", ".join(dict.fromkeys(f"{target} at {known[target, cell].place}" for target, cell in cycle))
    return Problem(
        summary=f"targets need each other in a circle: {' -> '.join(show(address) for address in (*cycle, cycle[0]))}",
        place=known[cycle[0]].place,
        hint=f"take one of these needs away: {places}",
        code="cycle",
    )
