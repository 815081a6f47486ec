"""A plan and its builds -> a graph to be drawn: what becomes of each build, and what it needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from matrixbuild.core.boxes import target_of
from matrixbuild.core.build import Build
from matrixbuild.core.plan import Action, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One build; `cells` are their texts."""

    name: str
    target: str
    action: Action
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphView:
    """Builds sorted by name; `edges` are (need, what needs it), sorted. Of a build that is retired it is not known what it needed."""

    name: str
    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]

    def to_dict(self, *, cells: bool) -> dict[str, object]:
        """What schemas/graph.schema.json describes; the cells only where they are asked for."""
        return {
            "name": self.name,
            "nodes": [
                {"name": node.name, "target": node.target, "action": node.action.value, **({"cells": list(node.cells)} if cells else {})}
                for node in self.nodes
            ],
            "edges": [{"need": need, "build": build} for need, build in self.edges],
        }


def graph_view(plan: Plan, builds: Iterable[Build]) -> GraphView:
    """The builds of a plan (with a selection, the selected ones). `builds` are those it was made of."""
    # A retired build may have the name of a new one: then the new one is drawn.
    planned = {build.name: build for build in sorted(plan.builds, key=lambda build: build.action is not Action.RETIRE)}
    nodes = [Node(name=name, target=target_of(name), action=build.action, cells=build.cells) for name, build in sorted(planned.items())]
    edges = {(need, build.name) for build in builds for need, _ in build.needs if need in planned and build.name in planned}
    return GraphView(name=plan.name, nodes=tuple(nodes), edges=tuple(sorted(edges)))
