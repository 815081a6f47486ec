"""Graphs as text: for Graphviz, Mermaid and programs; and as a picture where Graphviz is there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixbuild.cli.show_graph import graph_text
from matrixbuild.core.graph_view import GraphView, Node
from matrixbuild.core.plan import Action
from tests.projects import SmallProject, in_child, small_project


def node(name: str, action: Action = Action.BUILD, cells: tuple[str, ...] = ("os=a",)) -> Node:
    return Node(name=name, target=name.partition("[")[0], action=action, cells=cells)


VIEW = GraphView(
    name="edge",
    nodes=(node("base[os=a]", Action.REUSE, ("fips=false,os=a", "fips=true,os=a")), node("image[fips=true,os=a]")),
    edges=(("base[os=a]", "image[fips=true,os=a]"),),
)


def test_dot() -> None:
    assert graph_text(VIEW, "dot", cells=False) == (
        'digraph "edge" {\n'
        "  rankdir=LR;\n"
        '  node [shape=box, style=filled, fontname="monospace"];\n'
        '  n0 [label="= base\\los=a\\l2 cells\\l", fillcolor="#f0f0f0"];\n'
        '  n1 [label="+ image\\lfips=true\\los=a\\l", fillcolor="#d5f5d5"];\n'
        "  n0 -> n1;\n"
        "}\n"
    )


def test_mermaid() -> None:
    assert graph_text(VIEW, "mermaid", cells=False) == (
        "flowchart LR\n"
        '  n0["= base<br/>os=a<br/>2 cells"]:::reuse\n'
        '  n1["+ image<br/>fips=true<br/>os=a"]:::build\n'
        "  n0 --> n1\n"
        "  classDef build fill:#d5f5d5,stroke:#666666,color:#000000\n"
        "  classDef reuse fill:#f0f0f0,stroke:#666666,color:#000000\n"
    )


def test_json() -> None:
    assert json.loads(graph_text(VIEW, "json", cells=False)) == VIEW.to_dict(cells=False)


def test_cells_are_named_where_they_are_asked_for() -> None:
    assert '"= base\\los=a\\l- fips=false,os=a\\l- fips=true,os=a\\l"' in graph_text(VIEW, "dot", cells=True)
    assert "os=a<br/>- fips=false,os=a<br/>- fips=true,os=a" in graph_text(VIEW, "mermaid", cells=True)
    assert json.loads(graph_text(VIEW, "json", cells=True))["nodes"][0]["cells"] == ["fips=false,os=a", "fips=true,os=a"]


HOSTILE = st.one_of(
    st.text(max_size=30),
    st.sampled_from(['"]; x -> y; "', "\\N", "\\", '"', '\\\\"', "<b>x</b>", "%%{init: {'theme': 'dark'}}%%", "#quot;", "&lt;", "`md`", "a\n  b --> c", "end"]),
)


@given(HOSTILE)
def test_no_label_ends_before_its_end(text: str) -> None:
    view = GraphView(name=text, nodes=(node(f"image[os={text}]", cells=(text, "b")),), edges=())
    dot = graph_text(view, "dot", cells=True).splitlines()
    assert len(dot) == 5
    for line, end in ((dot[0], " {"), (dot[3], ', fillcolor="#d5f5d5"];')):
        assert line.endswith(end)
        quoted = line.removesuffix(end).partition('"')[2]
        assert quoted.endswith('"')
        assert not _ends(quoted[:-1])
    mermaid = graph_text(view, "mermaid", cells=True).splitlines()
    assert len(mermaid) == 3
    inside = mermaid[1].removeprefix('  n0["').removesuffix('"]:::build').replace("<br/>", "")
    assert set(inside).isdisjoint('"<>{}[]`%&\\')


def _ends(quoted: str) -> bool:
    """Whether a text of Graphviz's ends within: at a quote without a backslash, or with one left over."""
    escaped = False
    for char in quoted:
        if char == '"' and not escaped:
            return True
        escaped = char == "\\" and not escaped
    return escaped


@pytest.fixture
def project(tmp_path: Path) -> SmallProject:
    return small_project(tmp_path / "project")


def test_the_verb(project: SmallProject) -> None:
    ended = project.run("graph", "small.yaml", "--format", "json", "-l", "os=jammy")
    assert (ended.code, ended.err) == (0, "")
    assert [each["name"] for each in ended.json()["nodes"]] == ["image[fips=false,os=jammy]", "image[fips=true,os=jammy]", "notes[os=jammy]"]
    assert project.run("graph", "small.yaml").out.startswith('digraph "small" {\n')


def test_into_a_file(project: SmallProject) -> None:
    ended = project.run("graph", "small.yaml", "--format", "mermaid", "-o", "graph.mmd")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert (project.root / "graph.mmd").read_text() == project.run("graph", "small.yaml", "--format", "mermaid").out
    ended = project.run("graph", "small.yaml", "-o", "none/graph.dot")
    told = "error: cannot write none/graph.dot: No such file or directory\n  hint: check its directory, its permissions and the space left\n"
    assert (ended.code, ended.err) == (8, told)


def with_dot(project: SmallProject, script: str) -> dict[str, str]:
    """An environment in which `dot` is a script that stands in for Graphviz's."""
    programs = project.root / "bin"
    programs.mkdir()
    (programs / "dot").write_text(f"#!/bin/sh\n{script}\n")
    (programs / "dot").chmod(0o755)
    return {"PATH": f"{programs}:{os.environ['PATH']}"}


def test_a_picture(project: SmallProject) -> None:
    env = with_dot(project, 'echo "<svg $1>"; cat; echo "</svg>"')
    ended = in_child("graph", "small.yaml", "--format", "svg", cwd=project.root, env=env)
    assert (ended.code, ended.out) == (0, f"<svg -Tsvg>\n{project.run('graph', 'small.yaml').out}</svg>\n"), ended.err


def test_a_picture_that_cannot_be_drawn(project: SmallProject) -> None:
    env = with_dot(project, "echo 'Error: too large' >&2; exit 1")
    ended = in_child("graph", "small.yaml", "--format", "svg", cwd=project.root, env=env)
    told = "error: `dot` cannot draw the graph: Error: too large\n  hint: --format dot gives what it was asked to draw\n"
    assert (ended.code, ended.out, ended.err) == (8, "", told)


def test_without_graphviz(project: SmallProject) -> None:
    empty = project.root / "empty"
    empty.mkdir()
    ended = in_child("graph", "small.yaml", "--format", "svg", cwd=project.root, env={"PATH": str(empty)})
    told = (
        "error: an SVG is drawn by Graphviz, whose `dot` is not installed\n  hint: install graphviz; --format dot or mermaid needs nothing\n"
    )
    assert (ended.code, ended.out, ended.err) == (8, "", told)
