"""A graph of builds -> text for Graphviz, for Mermaid, or JSON: the same graph, the same text; no label is read as anything but a label."""

from __future__ import annotations

import json
from collections.abc import Iterator

from matrixbuild.cli.show_plan_words import printable
from matrixbuild.core.boxes import named
from matrixbuild.core.graph_view import GraphView, Node
from matrixbuild.core.plan import Action

_FILLS = {Action.BUILD: "#d5f5d5", Action.REBUILD: "#fff0c2", Action.REUSE: "#f0f0f0", Action.RETIRE: "#f9d6d5"}
_MERMAID = {char: f"#{ord(char)};" for char in '"#%&;<>{}[]()`|\\'}


def graph_text(view: GraphView, form: str, *, cells: bool) -> str:
    """`form` is dot, mermaid or json; LF-terminated."""
    if form == "json":
        return json.dumps(view.to_dict(cells=cells), indent=2, ensure_ascii=False) + "\n"
    lines = _dot(view, cells=cells) if form == "dot" else _mermaid(view, cells=cells)
    return "".join(f"{line}\n" for line in lines)


def _dot(view: GraphView, *, cells: bool) -> Iterator[str]:
    ids = _ids(view)
    yield f"digraph {_quoted(view.name)} {{"
    yield "  rankdir=LR;"
    yield '  node [shape=box, style=filled, fontname="monospace"];'
    for node in view.nodes:
        label = "".join(f"{_escaped(line)}\\l" for line in _label(node, cells=cells))
        yield f'  {ids[node.name]} [label="{label}", fillcolor="{_FILLS[node.action]}"];'
    yield from (f"  {ids[need]} -> {ids[build]};" for need, build in view.edges)
    yield "}"


def _mermaid(view: GraphView, *, cells: bool) -> Iterator[str]:
    ids = _ids(view)
    yield "flowchart LR"
    for node in view.nodes:
        label = "<br/>".join("".join(_MERMAID.get(char, char) for char in printable(line)) for line in _label(node, cells=cells))
        yield f'  {ids[node.name]}["{label}"]:::{node.action.value}'
    yield from (f"  {ids[need]} --> {ids[build]}" for need, build in view.edges)
    used = {node.action for node in view.nodes}
    yield from (f"  classDef {action.value} fill:{_FILLS[action]},stroke:#666666,color:#000000" for action in Action if action in used)


def _ids(view: GraphView) -> dict[str, str]:
    return {node.name: f"n{position}" for position, node in enumerate(view.nodes)}


def _label(node: Node, *, cells: bool) -> Iterator[str]:
    """The action and the target, then a line for each axis, then the cells where they are asked for."""
    yield f"{node.action.symbol} {node.target}"
    yield from (f"{axis}={value}" for axis, value in named(node.name).point)
    if cells:
        yield from (f"- {cell}" for cell in node.cells)
    elif len(node.cells) > 1:
        yield f"{len(node.cells):,} cells"


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    # A backslash begins an escape of Graphviz's (\N is the node's name), so that those that printable() writes are doubled as well.
    return printable(text).replace("\\", "\\\\").replace('"', '\\"')
