"""Plans as graphs: every build once, every need an edge."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path

from hypothesis import given, settings
from jsonschema import Draft202012Validator

from matrixbuild.core.build import builds
from matrixbuild.core.changes import Reason, Why
from matrixbuild.core.demand import Demand
from matrixbuild.core.graph_view import graph_view
from matrixbuild.core.plan import Action, plan
from tests.builders import arg, cell, demand, lock_of, need, read_by
from tests.core.test_build import matrices
from tests.core.test_lock import _properties
from tests.plans import plan_of, planned_build

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "graph.schema.json").read_text())


def image_and_base() -> tuple[Demand, ...]:
    base = demand("base", cell(os="a"), args=[arg("OS", "a", "os")])
    return base, demand("image", cell(os="a"), args=[arg("BASE", need("base", base.cell))], needs=[base.address])


def test_needs_are_edges() -> None:
    found = builds(image_and_base(), read_by(image_and_base()))
    view = graph_view(plan(found, None, name="edge", engine="e", cells=1, demands=2), found)
    assert view.to_dict(cells=True) == {
        "name": "edge",
        "nodes": [
            {"name": "base[os=a]", "target": "base", "action": "build", "cells": ["os=a"]},
            {"name": "image", "target": "image", "action": "build", "cells": ["os=a"]},
        ],
        "edges": [{"need": "base[os=a]", "build": "image"}],
    }
    assert "cells" not in json.dumps(view.to_dict(cells=False))


def test_a_selection_draws_what_it_selects() -> None:
    found = builds(image_and_base(), read_by(image_and_base()))
    made = plan(found, None, name="edge", engine="e", cells=1, demands=2, selected=frozenset({"base[os=a]"}))
    assert [node.name for node in graph_view(made, found).nodes] == ["base[os=a]"]
    assert graph_view(made, found).edges == ()


def test_a_retired_build_whose_name_another_has_now_is_not_drawn_twice() -> None:
    retired = planned_build("p", Action.RETIRE, reasons=(Reason(why=Why.GONE),), key="old")
    (node,) = graph_view(plan_of([retired, planned_build("p")]), []).nodes
    assert node.action is Action.BUILD


@settings(max_examples=60, deadline=None)
@given(matrices())
def test_every_build_is_there_once_whatever_the_order(matrix: tuple[list[Demand], dict[str, str]]) -> None:
    demands, _ = matrix
    found = builds(demands, read_by(demands))
    made = plan(found, lock_of(found[::2]), name="edge", engine="e", cells=1, demands=len(demands))
    view = graph_view(made, found)
    assert [node.name for node in view.nodes] == sorted({build.name for build in made.builds})
    assert set(view.edges) == {(name, build.name) for build in found for name, _ in build.needs}
    shuffled = list(found)
    random.Random(1).shuffle(shuffled)
    assert graph_view(dataclasses.replace(made, builds=made.builds[::-1]), shuffled) == view
    Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(view.to_dict(cells=True))))


def test_every_property_of_the_schema_is_described() -> None:
    assert [path for path in _properties(SCHEMA) if not path[1]] == []
